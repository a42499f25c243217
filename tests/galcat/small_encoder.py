"""An encoder of random weights, small enough for tests of everything around it."""

from pathlib import Path

import numpy as np
import torch

from encoder.anomalies.domain import fit_domain
from encoder.anomalies.score import fit_anomaly
from encoder.model.gz_tree import GZD5
from encoder.model.measured import Measured
from encoder.model.network import Network
from encoder.model.projection import Projection
from encoder.model.recipe import FramingRule, ImageRecipe
from encoder.model.weights_file import Weights, write_weights

BACKBONE = "test_efficientnet"
PIXELS = 64
AXES = 40


def write_small_encoder(
    path: Path,
    seed: int = 0,
    backbone: str = BACKBONE,
    *,
    measured: Measured | None = None,
    framing: FramingRule | None = None,
) -> Path:
    """Write a release whose vectors mean nothing but are always the same.

    One that was measured has a sample of real galaxies too, far from everything.
    """
    torch.manual_seed(seed)
    recipe = ImageRecipe(size=PIXELS, framing=framing)
    network = Network(backbone, GZD5.n_answers, recipe.input_mean, recipe.input_deviation).eval()
    random = np.random.default_rng(seed).normal(size=(network.dimension, AXES))
    projection = Projection(
        mean=np.zeros(network.dimension, np.float32),
        components=np.linalg.qr(random)[0].T.astype(np.float32),
        deviations=np.ones(AXES, np.float32),
        scale=1.0,
    )
    anomaly = fit_anomaly(np.random.default_rng(seed).normal(size=(100, AXES)).astype(np.float32))
    sample = np.random.default_rng(seed).normal(size=(200, AXES)).astype(np.float32)
    domain = None if measured is None else fit_domain(1000 + 0.001 * sample)
    weights = Weights(
        f"small-{seed}", backbone, GZD5, recipe, 1, {}, network, projection, anomaly, domain, measured
    )
    write_weights(path, weights)
    return path
