from importlib import resources

import numpy as np
import torch

from encoder.cutouts.stretch import to_rgb
from encoder.evaluation.sets.real import FRESH_SEED
from encoder.model.encoder import load_encoder
from encoder.simulation.cutouts import draw_cutouts


def test_the_shipped_encoder_is_found_inside_the_package_and_is_small() -> None:
    encoder = load_encoder(None, "cpu")
    assert encoder.backbone == "tf_efficientnet_lite2"
    assert encoder.dimension == 1280
    assert encoder.projection.components.shape == (40, 1280)
    folder = resources.files("encoder") / "weights"
    card = (folder / "MODEL_CARD.md").read_text()
    assert encoder.sha256 in card
    files = [f for f in folder.iterdir() if f.name.endswith(".safetensors")]
    assert all(len(file.read_bytes()) <= 12_000_000 for file in files)


def test_the_shipped_encoder_tells_a_simulated_elliptical_from_a_spiral() -> None:
    encoder = load_encoder(None, "cpu")
    size = encoder.recipe.size
    drawn = draw_cutouts(60, FRESH_SEED + 7, round(size / encoder.recipe.crop))
    margin = (drawn.flux.shape[2] - size) // 2
    whole = to_rgb(torch.from_numpy(drawn.flux).flip(1).flip(2))
    rgb = whole[:, :, margin : margin + size, margin : margin + size]
    fractions = encoder.tree.fractions(encoder.encode(rgb).concentrations_alpha)
    said = fractions[:, 0] > fractions[:, 1]
    clear = np.abs(drawn.votes[:, 0] - drawn.votes[:, 1]) > 20
    voted = drawn.votes[:, 0] > drawn.votes[:, 1]
    assert clear.sum() >= 15
    assert (said == voted)[clear].mean() >= 0.85
