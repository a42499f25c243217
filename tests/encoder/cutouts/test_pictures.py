"""Picture files: shown upright as every viewer shows them, and damage is one line."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from encoder.cutouts.pictures import open_picture
from encoder.errors import ImageError
from encoder.inference.embed_pictures import _open
from encoder.training.pictures.images import FileImages

ORIENTATION = 0x0112
STORED = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.transpose(1, 0, 2),
    6: lambda upright: np.rot90(upright, 1),
    7: lambda upright: upright[::-1, ::-1].transpose(1, 0, 2),
    8: lambda upright: np.rot90(upright, -1),
}
"""How the pixels of an upright picture are stored, by the EXIF orientation that turns them back."""


def upright() -> NDArray[np.uint8]:
    """A picture that no turn or mirror leaves as it is, (20, 30, 3)."""
    return np.random.default_rng(4).integers(0, 256, (20, 30, 3), dtype=np.uint8)


@pytest.mark.parametrize("orientation", STORED)
def test_a_picture_is_turned_as_its_exif_orientation_says(tmp_path: Path, orientation: int) -> None:
    path = tmp_path / "turned.png"
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    Image.fromarray(np.ascontiguousarray(STORED[orientation](upright()))).save(path, exif=exif)
    np.testing.assert_array_equal(np.asarray(open_picture(path)), upright())
    np.testing.assert_array_equal(FileImages([path])[0].permute(1, 2, 0).numpy(), upright())
    with Image.open(path) as picture:
        np.testing.assert_array_equal(np.asarray(_open(picture, 0)), upright())


def test_a_damaged_orientation_is_one_line_or_the_picture(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    Image.fromarray(upright()).save(path, exif=exif)
    whole = path.read_bytes()
    start = whole.index(b"Exif")
    for seed in range(60):
        random = np.random.default_rng(seed)
        data = bytearray(whole)
        for at in random.integers(start, start + 40, 3):
            data[at] = random.integers(256)
        path.write_bytes(data)
        assert outcome(path) in {"(20, 30)", "(30, 20)", "one line"}


def outcome(path: Path) -> str:
    try:
        return str(open_picture(path).size)
    except ImageError as error:
        return "one line" if str(error).startswith(str(path)) and "\n" not in str(error) else str(error)
