"""From trained weights to a release: head and projection are fitted and the file written."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress
from torch.utils.data import DataLoader

from encoder.anomalies.domain import DomainReference, fit_domain
from encoder.anomalies.score import AnomalyReference, fit_anomaly
from encoder.errors import TrainingError
from encoder.model.encoder import Encoder, load_encoder
from encoder.model.gz_tree import Tree
from encoder.model.network import Network, keep_first_answers
from encoder.model.projection import SEARCH_DIMENSIONS, Projection, empty_projection, fit_projection
from encoder.model.weights_file import Weights, write_weights
from encoder.training.config import TrainingConfig
from encoder.training.data import LabelledGalaxies, PictureDataset
from encoder.training.pictures.augment import Share
from encoder.training.pictures.simulated import KEPT_SHARE
from encoder.training.unseen import refit_on_unseen

CACHE = "cache"
"""Folder, within the run's, of what can be made again."""


def make_release(
    config: TrainingConfig,
    tree: Tree,
    network: Network,
    splits: Sequence[tuple[LabelledGalaxies, LabelledGalaxies]],
    progress: Progress | None = None,
) -> Path:
    """Write `NAME.safetensors` into the run's folder.

    The projection's sample is encoded by the network as the file holds it, after its rounding.

    Args:
        config: The configuration of the run.
        tree: The tree whose answers are released; they are the first of the network's.
        network: The network after its training.
        splits: Training and held-out galaxies of each source.
        progress: Where a progress bar is shown; None shows none.

    Returns:
        Path of the weights file.
    """
    network = keep_first_answers(network, tree.n_answers).cpu()
    if config.release.refit_galaxies:
        refit_on_unseen(
            network,
            config.recipe,
            config.release.view_set,
            tree,
            [
                training
                for training, _ in splits
                if training.kind != "simulated" and training.votes[:, : tree.n_answers].any()
            ],
            config.release.refit_galaxies,
            config.loop.workers,
            Path(config.release.folder) / CACHE,
            progress,
        )
    network.equal_length = config.release.equal_length
    with TemporaryDirectory() as folder:
        rounded = Path(folder) / "rounded.safetensors"
        _write(rounded, config, tree, network, empty_projection(network.dimension), splits)
        encoder = load_encoder(rounded)
    sources = projection_sample(splits)
    vectors = [_vectors(encoder, source, source_share(source, config.recipe.crop)) for source in sources]
    sample = np.concatenate(vectors)
    projection = fit_projection(sample)
    file = release_file(config)
    _write(
        file,
        config,
        tree,
        network,
        projection,
        splits,
        fit_anomaly(projection.apply(sample)),
        _fit_real_domain(projection, sources, vectors),
    )
    return file


def projection_sample(splits: Sequence[tuple[LabelledGalaxies, LabelledGalaxies]]) -> list[LabelledGalaxies]:
    """Real training galaxies and simulated held-out ones, or where none are held out those trained on.

    Raises:
        TrainingError: They are fewer than the projection has axes.
    """
    sample = [out if training.kind == "simulated" and out.ids else training for training, out in splits]
    n = sum(len(source.ids) for source in sample)
    if n < SEARCH_DIMENSIONS:
        raise TrainingError(f"a projection to {SEARCH_DIMENSIONS} axes cannot be fitted on {n} galaxies")
    return [source for source in sample if source.ids]


def release_file(config: TrainingConfig) -> Path:
    """Where the release of a run is written."""
    return Path(config.release.folder) / f"{config.release.name}.safetensors"


def source_share(source: LabelledGalaxies, crop: float) -> float:
    """Share of a source's frame that shows the galaxy as the recipe will show it."""
    return crop / KEPT_SHARE if source.kind == "simulated" else source.share.middle


def _vectors(encoder: Encoder, source: LabelledGalaxies, share: float) -> NDArray[np.float32]:
    """Vectors of the plain pictures of a source, which show `share` of its frame, (n, d)."""
    pictures = PictureDataset([replace(source, share=Share(share, share))], encoder.recipe.size, None)
    return np.concatenate([encoder.encode(shown.rgb[:, 0]).embedding for shown in DataLoader(pictures, 64)])


def _fit_real_domain(
    projection: Projection, sources: Sequence[LabelledGalaxies], vectors: Sequence[NDArray[np.float32]]
) -> DomainReference | None:
    """The domain reference on the vectors of the sources that are real; None without enough of them."""
    real = [part for source, part in zip(sources, vectors, strict=True) if source.kind != "simulated"]
    return fit_domain(projection.apply(np.concatenate(real))) if real else None


def _write(
    file: Path,
    config: TrainingConfig,
    tree: Tree,
    network: Network,
    projection: Projection,
    splits: Sequence[tuple[LabelledGalaxies, LabelledGalaxies]],
    anomaly: AnomalyReference | None = None,
    domain: DomainReference | None = None,
) -> None:
    training: dict[str, Any] = {
        "configuration": config.text,
        "galaxies": {source.name: len(source.ids) for source, _ in splits},
        "held_out": {source.name: len(source.ids) for _, source in splits},
    }
    release = config.release
    weights = Weights(
        release.name,
        release.backbone,
        tree,
        config.recipe,
        release.view_set,
        training,
        network,
        projection,
        anomaly,
        domain,
    )
    write_weights(file, weights)
