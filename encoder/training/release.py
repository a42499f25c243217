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
from encoder.anomalies.score import fit_anomaly
from encoder.errors import TrainingError
from encoder.model.encoder import Encoder, load_encoder
from encoder.model.network import Network, keep_first_answers
from encoder.model.projection import SEARCH_DIMENSIONS, Projection, empty_projection, fit_projection
from encoder.model.weights_file import Weights, write_weights
from encoder.training.campaigns import Campaigns
from encoder.training.config import TrainingConfig
from encoder.training.data import InferencePictures, LabelledGalaxies
from encoder.training.head.release_head import fit_release_head
from encoder.training.head.sources import head_config
from encoder.training.labels.label_tables import read_labels

CACHE = "cache"
"""Folder, within the run's, of what can be made again."""
LARGEST_SAMPLE = 500
"""Galaxies of a source, at most, that the projection is fitted on."""


def make_release(
    config: TrainingConfig,
    campaigns: Campaigns,
    network: Network,
    splits: Sequence[tuple[LabelledGalaxies, LabelledGalaxies]],
    progress: Progress | None = None,
) -> Path:
    """Write `NAME.safetensors` into the run's folder.

    The head and the projection are fitted on vectors of the network as the file holds it, after its rounding.

    Args:
        config: The configuration of the run.
        campaigns: The trees of the run; the answers of the first are released, and first of the network's.
        network: The network after its training.
        splits: Training and held-out galaxies of each source.
        progress: Where a progress bar is shown; None shows none.

    Returns:
        Path of the weights file.
    """
    tree = campaigns.release_tree
    network = keep_first_answers(network, tree.n_answers).cpu()
    network.equal_length = config.release.equal_length
    weights = Weights(
        config.release.name,
        config.release.backbone,
        tree,
        config.recipe,
        config.release.view_set,
        _about_training(config, splits),
        network,
        empty_projection(network.dimension),
    )
    with TemporaryDirectory() as folder:
        rounded = Path(folder) / "rounded.safetensors"
        write_weights(rounded, weights)
        encoder = load_encoder(rounded)
    head = head_config(config, [training for training, _ in splits])
    if head:
        fitted = fit_release_head(
            head, config, campaigns, encoder, [training for training, _ in splits], progress
        )
        network.head.load_state_dict(fitted.head.state_dict())
        network.alpha_floor = head.alpha_floor
        weights = replace(weights, scales=fitted.scales, training={**weights.training, "head": fitted.about})
    sources = projection_sample(splits)
    vectors = [_vectors(encoder, source) for source in sources]
    sample = np.concatenate(vectors)
    projection = fit_projection(sample)
    file = release_file(config)
    weights = replace(
        weights,
        projection=projection,
        anomaly=fit_anomaly(projection.apply(sample)),
        domain=_fit_real_domain(projection, sources, vectors),
    )
    write_weights(file, weights)
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


def _vectors(encoder: Encoder, source: LabelledGalaxies) -> NDArray[np.float32]:
    """Vectors of the pictures of a source as inference will show them, (n, d).

    Of a large source a fixed sample: what is fitted on them does not gain by more.
    """
    if len(source.ids) > LARGEST_SAMPLE:
        source = source.take(np.sort(np.random.default_rng(0).permutation(len(source.ids))[:LARGEST_SAMPLE]))
    pictures = DataLoader(InferencePictures(source, encoder.recipe), 64)
    return np.concatenate([encoder.encode(shown).embedding for shown in pictures])


def _fit_real_domain(
    projection: Projection, sources: Sequence[LabelledGalaxies], vectors: Sequence[NDArray[np.float32]]
) -> DomainReference | None:
    """The domain reference on the vectors of the sources that are real; None without enough of them."""
    real = [part for source, part in zip(sources, vectors, strict=True) if source.kind != "simulated"]
    return fit_domain(projection.apply(np.concatenate(real))) if real else None


def _about_training(
    config: TrainingConfig, splits: Sequence[tuple[LabelledGalaxies, LabelledGalaxies]]
) -> dict[str, Any]:
    """What the file says of its training; `left_out` names the galaxies kept for judging, and why."""
    about: dict[str, Any] = {
        "configuration": config.text,
        "galaxies": {source.name: len(source.ids) for source, _ in splits},
        "held_out": {source.name: len(source.ids) for _, source in splits},
    }
    left_out: dict[str, dict[str, list[str]]] = {}
    for file in sorted({source.left_out for source in config.sources if source.left_out}):
        for row in read_labels(Path(file), "id", [], ["set", "reason"]).itertuples():
            left_out.setdefault(str(row.set), {}).setdefault(str(row.reason), []).append(str(row.id))
    return {**about, "left_out": left_out} if left_out else about
