"""Pictures of every kind that Pillow knows: taken, or refused in one line."""

import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from encoder.errors import ImageError
from tests.encoder.cutouts.picture_files import read_centre, read_square
from tests.encoder.releases import galaxies


def test_every_kind_of_broken_file_is_one_line_and_no_warning(tmp_path: Path) -> None:
    for content, name in ((b"", "empty.fits"), (b"no fits", "text.fits"), (b"no png", "text.png")):
        (tmp_path / name).write_bytes(content)
        assert name in _refusal(tmp_path / name)
    assert "missing" in _refusal(tmp_path / "gone.fits")
    for suffix in ("jpg", "png"):
        whole = tmp_path / f"whole.{suffix}"
        Image.fromarray((galaxies(1, 60)[0].permute(1, 2, 0).numpy() * 255).astype(np.uint8)).save(whole)
        content = whole.read_bytes()
        for kept in np.linspace(1, len(content) - 60, 25).astype(int):
            (tmp_path / f"cut.{suffix}").write_bytes(content[:kept])
            assert "unreadable picture" in _refusal(tmp_path / f"cut.{suffix}")


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "CMYK"])
def test_grey_palette_transparent_and_print_colours_are_taken(tmp_path: Path, mode: str) -> None:
    grey = np.random.default_rng(0).integers(0, 255, (20, 20), np.uint8)
    image = Image.fromarray(np.stack([grey] * 3, axis=-1))
    file = tmp_path / ("a.jpg" if mode == "CMYK" else "a.png")
    image.convert(mode).save(file, **({"transparency": b"\x00" * 9} if mode == "P" else {}))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        picture = read_square(file, 20, 1.0)
    loss = 0.2 if mode in ("P", "CMYK") else 1e-6  # web palette, JPEG of noise
    torch.testing.assert_close(
        picture, torch.from_numpy(grey / np.float32(255)).expand(3, -1, -1), atol=loss, rtol=0
    )


def test_deep_and_moving_pictures_are_refused(tmp_path: Path) -> None:
    deep = np.full((20, 20), 40_000, np.uint16)
    Image.fromarray(deep).save(tmp_path / "grey16.png")
    assert "kind I;16, not 8 bits a channel" in _refusal(tmp_path / "grey16.png")
    (tmp_path / "colour16.png").write_bytes(_sixteen_bit_png(deep))
    assert "kind RGB with 16 bits, not 8 bits a channel" in _refusal(tmp_path / "colour16.png")
    frames = [Image.new("RGB", (20, 20), (n, n, n)) for n in (10, 200)]
    frames[0].save(tmp_path / "moving.png", save_all=True, append_images=frames[1:])
    assert "holds 2 pictures" in _refusal(tmp_path / "moving.png")


def _sixteen_bit_png(plane: NDArray[np.uint16]) -> bytes:
    """Pillow cannot write one: the chunks by hand."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checked = kind + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    height, width = plane.shape
    rows = np.repeat(plane[:, :, None], 3, axis=2).astype(">u2")
    scan = b"".join(b"\0" + row.tobytes() for row in rows)
    head = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(scan))
        + chunk(b"IEND", b"")
    )


def _refusal(path: Path) -> str:
    with pytest.raises(ImageError) as caught:
        read_centre(path)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"{path}: ")
    return str(caught.value)
