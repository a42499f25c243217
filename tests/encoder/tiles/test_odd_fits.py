"""FITS images that are odd or damaged: masks of any width, padding, absurd headers, compressed pixels."""

import gzip
import signal
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from encoder.errors import TileError
from encoder.surveys.survey_file import survey_from_text
from encoder.tiles import decode_images
from encoder.tiles.fits_images import read_image
from encoder.tiles.image_decoder import ImageDecoder
from encoder.tiles.table_columns import read_columns
from encoder.tiles.tiles import SkyTile, find_tiles, read_tile
from tests.encoder.tiles.fits_tiles import tan_wcs
from tests.encoder.tiles.small_surveys import DEC, RA, SHAPE, one_band


@pytest.mark.parametrize("kind", ["i2", "i4", "i8", "u1", "u2", "u4", "u8", "i1"])
def test_the_highest_bit_of_a_mask_of_any_width_is_a_bit(tmp_path: Path, kind: str) -> None:
    width = 8 * np.dtype(kind).itemsize
    highest, other = 1 << (width - 1), 1 << (width - 3)
    words = np.zeros(SHAPE, f"u{width // 8}")
    words[3, 4], words[5, 6], words[7, 8] = highest, other, highest | other
    survey, root = one_band(tmp_path, words.view(kind), highest)
    if width < 64:  # TOML's whole numbers end at 63 bits
        assert survey.mask is not None
    tile = read_tile(survey, find_tiles(survey, root)[0])
    assert isinstance(tile, SkyTile)
    assert list(map(tuple, np.argwhere(tile.bad[0]))) == [(3, 4), (7, 8)]


def test_a_bit_that_a_mask_does_not_have_is_refused(tmp_path: Path) -> None:
    survey, root = one_band(tmp_path, np.zeros(SHAPE, np.int16), 1 << 16)
    with pytest.raises(TileError, match=r"t\.mask\.fits: the mask has 16 bits, and bit 16 is asked for"):
        read_tile(survey, find_tiles(survey, root)[0])


@pytest.mark.parametrize("padding", [b"\0" * 2880, b"\0" * 28800, b"\0" * 17])
def test_padding_after_the_last_hdu_is_read_past(tmp_path: Path, padding: bytes) -> None:
    path = tmp_path / "a.fits"
    fits.PrimaryHDU(np.arange(12, dtype=np.float32).reshape(3, 4)).writeto(path)
    path.write_bytes(path.read_bytes() + padding)
    pixels = read_image(path, None).pixels
    np.testing.assert_array_equal(pixels, np.arange(12).reshape(3, 4))
    path.write_bytes(path.read_bytes() + b"x" + padding)
    with pytest.raises(TileError, match=r"a\.fits: truncated or damaged, the last \d+ bytes are no HDU"):
        read_image(path, None)


@pytest.mark.parametrize("sizes", [(40_000, 40_000), (-5, 3), (2**40, 2**40)])
def test_a_header_that_asks_for_absurdly_many_pixels_is_refused_before_they_are_made(
    tmp_path: Path, sizes: tuple[int, int]
) -> None:
    path = tmp_path / "a.fits"
    fits.CompImageHDU(np.zeros((50, 60), np.float32), compression_type="GZIP_1").writeto(path)
    data = path.read_bytes()
    for axis, size in enumerate(sizes, 1):
        start = data.index(b"ZNAXIS%d " % axis)
        data = data[:start] + b"ZNAXIS%d = %20d" % (axis, size) + data[start + 30 :]
    path.write_bytes(data)
    with pytest.raises(TileError, match=r"a\.fits: ") as caught:
        read_image(path, None)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("card", [b"NAXIS", b"NAXIS1"])
@pytest.mark.parametrize("value", [99_999_999_999, -1, -(10**18)])
@pytest.mark.parametrize("name", ["a.fits", "a.fits.gz"])
def test_a_header_that_would_be_counted_for_ever_is_refused(
    tmp_path: Path, card: bytes, value: int, name: str
) -> None:
    images = [fits.PrimaryHDU(np.ones((3, 4), np.float32)), fits.ImageHDU(np.ones((5, 6), np.float32))]
    fits.HDUList(images).writeto(tmp_path / "whole.fits")
    data = (tmp_path / "whole.fits").read_bytes()
    at = data.rindex(card.ljust(8) + b"=")  # of the second HDU
    data = data[:at] + card.ljust(8) + b"= %20d" % value + data[at + 30 :]
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    with pytest.raises(TileError, match=name) as caught:
        read_image(tmp_path / name, None)
    assert "\n" not in str(caught.value)
    with pytest.raises(TileError, match=name):
        read_columns(tmp_path / name, ["x"])


def test_images_that_nobody_asked_for_are_told(tmp_path: Path) -> None:
    survey, root = one_band(tmp_path, np.zeros(SHAPE, np.int16), 1)
    header = tan_wcs(RA, DEC, SHAPE).to_header()
    hdus = [fits.ImageHDU(np.ones(SHAPE, np.float32), header, name=name) for name in ("SCI", "VAR", "")]
    fits.HDUList([fits.PrimaryHDU(), *hdus, fits.BinTableHDU()]).writeto(root / "t.fits", overwrite=True)
    tile = read_tile(survey, find_tiles(survey, root)[0])
    image = root / "t.fits"
    assert tile.notes == (
        f"{image}: of its images the first was read, and HDU 2 VAR, 3 left out: name one by hdu",
    )
    named = survey_from_text(survey.toml.replace("[image]", '[image]\nhdu = "VAR"'), tmp_path / "s.toml")
    assert read_tile(named, find_tiles(named, root)[0]).notes == ()


@pytest.mark.parametrize("name", ["a.fits", "a.fits.gz"])
def test_a_second_hdu_that_is_cut_off_is_never_dropped_in_silence(tmp_path: Path, name: str) -> None:
    images = [fits.PrimaryHDU(np.ones((3, 4), np.float32)), fits.ImageHDU(np.ones((60, 60), np.float32))]
    fits.HDUList(images).writeto(tmp_path / "whole.fits")
    whole = (tmp_path / "whole.fits").read_bytes()
    for n_bytes in (3 * 2880 - 100, 4 * 2880, len(whole) - 2880):  # within its header, and its pixels
        cut = whole[:n_bytes]
        (tmp_path / name).write_bytes(gzip.compress(cut) if name.endswith("gz") else cut)
        with pytest.raises(TileError, match=rf"{name}: truncated"):
            read_image(tmp_path / name, None)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"a letter", "it does not begin as FITS does"),
        (gzip.compress(b"a letter"), "it does not begin as FITS does"),
        (gzip.compress(b""), "the file is empty"),
    ],
)
def test_what_is_no_fits_is_said_to_be_none(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "a.fits").write_bytes(content)
    with pytest.raises(TileError, match=rf"/a\.fits: unreadable FITS: {reason}$"):
        read_image(tmp_path / "a.fits", None)


def test_pixels_that_end_the_program_which_decodes_them_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = np.arange(12, dtype=np.float32).reshape(3, 4)
    path = tmp_path / "a.fits"
    fits.CompImageHDU(pixels, compression_type="GZIP_1").writeto(path)
    crash = tmp_path / "crash.py"
    crash.write_text("import os, signal, sys\nsys.stdin.readline()\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    decoder = ImageDecoder()
    with monkeypatch.context() as patch:
        patch.setattr(decode_images, "__file__", str(crash))
        with pytest.raises(TileError, match=r"a\.fits: damaged, its compressed pixels cannot be decoded"):
            decoder.decode(path, 1)
    np.testing.assert_array_equal(decoder.decode(path, 1), pixels)  # the next is decoded
    with pytest.raises(TileError, match=r"a\.fits: unreadable FITS: "):
        decoder.decode(path, 7)
    decoder.close()


def test_signals_to_all_of_a_terminal_or_service_leave_the_decoder_for_who_asks(tmp_path: Path) -> None:
    pixels = np.arange(12, dtype=np.float32).reshape(3, 4)
    fits.CompImageHDU(pixels, compression_type="GZIP_1").writeto(tmp_path / "a.fits")
    decoder = ImageDecoder()
    decoder.decode(tmp_path / "a.fits", 1)
    with decoder.lock:
        program = decoder.running()
    program.send_signal(signal.SIGTERM)
    program.send_signal(signal.SIGINT)
    np.testing.assert_array_equal(decoder.decode(tmp_path / "a.fits", 1), pixels)
    with decoder.lock:
        assert decoder.running() is program
    decoder.close()


@pytest.mark.parametrize("kind", ["RICE_1", "GZIP_2", "HCOMPRESS_1", "PLIO_1", "NOCOMPRESS"])
@pytest.mark.parametrize("dtype", ["i2", "i4", "u2", "f4"])
def test_images_of_every_compression_are_decoded_as_astropy_does(
    tmp_path: Path, kind: str, dtype: str
) -> None:
    if (kind, dtype) == ("PLIO_1", "u2"):
        return  # which astropy does not write
    pixels = np.random.default_rng(5).integers(0, 1000, (40, 50)).astype(dtype)
    path = tmp_path / "a.fits"
    fits.CompImageHDU(pixels, compression_type=kind).writeto(path)
    with fits.open(path) as file:
        expected = file[1].data
    read = read_image(path, None).pixels
    np.testing.assert_array_equal(read, expected)
    assert read.dtype == expected.dtype.newbyteorder("=")
