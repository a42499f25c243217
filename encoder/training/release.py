"""From trained weights to a release: the projection is fitted and the file written."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from encoder.encoder import Encoder, load_encoder
from encoder.gz_tree import Tree
from encoder.network import Network, with_first_answers
from encoder.projection import Projection, fit_projection
from encoder.training.augment import Share
from encoder.training.config import TrainingConfig
from encoder.training.data import Labelled, Pictures
from encoder.training.simulated import KEPT_SHARE
from encoder.weights_file import Weights, write_weights

SEARCHED_WIDTH = 40


def make_release(
    config: TrainingConfig, tree: Tree, network: Network, splits: Sequence[tuple[Labelled, Labelled]]
) -> Path:
    """Write `NAME.safetensors` into the run's folder.

    The projection's sample is every real training image and the simulated galaxies that were held out. They
    are encoded by the file as written, after its rounding.

    Args:
        config: Of the run.
        tree: Whose answers are released, the first of the network's.
        network: Trained.
        splits: Training and held-out galaxies of each source.

    Returns:
        The weights file.
    """
    network = with_first_answers(network, tree.n_answers)
    file = release_file(config)
    sample = [out if training.kind == "simulated" else training for training, out in splits]
    _write(file, config, tree, network, no_projection(network.dimension), splits)
    encoder = load_encoder(file)
    shares = [source_share(source, config.recipe.crop) for source in sample]
    vectors = [_vectors(encoder, s, share) for s, share in zip(sample, shares, strict=True)]
    _write(file, config, tree, network, fit_projection(np.concatenate(vectors), SEARCHED_WIDTH), splits)
    return file


def release_file(config: TrainingConfig) -> Path:
    """Where the release of a run is written."""
    return Path(config.release.folder) / f"{config.release.name}.safetensors"


def no_projection(dimension: int) -> Projection:
    """What a weights file holds until its projection is fitted on vectors of the rounded network."""
    nothing = np.zeros((SEARCHED_WIDTH, dimension), np.float32)
    return Projection(np.zeros(dimension, np.float32), nothing, np.zeros(SEARCHED_WIDTH, np.float32), 1.0)


def source_share(source: Labelled, crop: float) -> float:
    """Share of a source's frame that shows the galaxy as the recipe will show it."""
    return crop / KEPT_SHARE if source.kind == "simulated" else source.share.middle


def _vectors(encoder: Encoder, source: Labelled, share: float) -> NDArray[np.float32]:
    """Vectors of the plain pictures of a source, which show `share` of its frame, (n, d)."""
    pictures = Pictures([replace(source, share=Share(share, share))], encoder.recipe.size, None)
    return np.concatenate([encoder.encode(rgb).embedding for rgb, _ in DataLoader(pictures, 64)])


def _write(
    file: Path,
    config: TrainingConfig,
    tree: Tree,
    network: Network,
    projection: Projection,
    splits: Sequence[tuple[Labelled, Labelled]],
) -> None:
    training: dict[str, Any] = {
        "configuration": config.text,
        "galaxies": {source.kind: len(source.ids) for source, _ in splits},
        "held_out": {source.kind: len(source.ids) for _, source in splits},
    }
    release = config.release
    weights = Weights(
        release.name, release.backbone, tree, config.recipe, release.view_set, training, network, projection
    )
    write_weights(file, weights)
