"""Pictures for made-up galaxies."""

import io

import numpy as np
from PIL import Image

from catalog.tap.datalink.galaxy_files import GalaxyFiles
from catalog.web.drawing import Drawing


def draw_blob(seed: int) -> bytes:
    """A JPEG of 96 pixels: a soft blob of its own colour."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:96, :96] - 48.0
    light = np.exp(-(x**2 + y**2 * rng.uniform(1, 4)) / rng.uniform(200, 900))
    pixels = (light[..., None] * rng.uniform(120, 255, 3)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG")
    return file.getvalue()


class BlobDrawer:
    """Draws a blob in place of every galaxy, and keeps how it was asked to."""

    def __init__(self) -> None:
        self.asked: list[Drawing] = []

    def bands(self, _galaxy: GalaxyFiles) -> tuple[str, ...]:
        """As of the Legacy Surveys."""
        return "z", "r", "g"

    def draw(self, galaxy: GalaxyFiles, drawing: Drawing, _size_px: int) -> bytes:
        """The same galaxy is the same blob."""
        self.asked.append(drawing)
        return draw_blob(galaxy.object_id % 1000)
