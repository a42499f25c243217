"""Pictures for made-up galaxies."""

import io

import numpy as np
from PIL import Image


def draw_blob(seed: int) -> bytes:
    """A JPEG of 96 pixels: a soft blob of its own colour."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:96, :96] - 48.0
    light = np.exp(-(x**2 + y**2 * rng.uniform(1, 4)) / rng.uniform(200, 900))
    pixels = (light[..., None] * rng.uniform(120, 255, 3)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG")
    return file.getvalue()
