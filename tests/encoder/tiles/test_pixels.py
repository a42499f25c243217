"""Bad pixels, masks and units of a sky tile; real DECaLS cubes of one galaxy each."""

import math
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS, FITSFixedWarning

from encoder.cutouts.batches import image_batches
from encoder.errors import SurveyError, TileError
from encoder.model.recipe import ImageRecipe
from encoder.surveys.survey_file import load_survey
from encoder.tiles.source_table import SkippedRow
from encoder.tiles.tiles import SkyTile, find_tiles, read_tile
from tests.encoder.tiles.fits_tiles import legacy_rows, tan_wcs, write_legacy_brick

LEGACY = load_survey("legacy_dr10")
DECALS = load_survey("decals_fits")
SHAPE = (60, 80)


def test_zero_nan_and_masked_pixels_are_bad_in_their_own_band(tmp_path: Path) -> None:
    images = {band: np.full(SHAPE, 0.5 + n, np.float32) for n, band in enumerate("grz")}
    images["g"][3, 4] = 0
    images["r"][5, 6] = math.nan
    bits = np.zeros(SHAPE, np.int16)
    bits[10, 11], bits[12, 13], bits[14, 15] = 0x40, 0x20 | 0x80, 0x2 | 0x8 | 0x1000
    wcs = tan_wcs(10, 10, SHAPE)
    write_legacy_brick(
        tmp_path, "0100p100", images, wcs, legacy_rows(np.array([10.0]), np.array([10.0])), bits
    )

    tile = read_tile(LEGACY, find_tiles(LEGACY, tmp_path)[0])

    assert isinstance(tile, SkyTile)
    assert [list(map(tuple, np.argwhere(bad))) for bad in tile.bad] == [
        [(3, 4), (12, 13)],
        [(5, 6), (10, 11)],
        [(12, 13)],
    ]
    assert (tile.pixels[tile.bad] == 0).all()
    np.testing.assert_allclose(tile.pixels[2][~tile.bad[2]], 2.5, atol=1e-4)


def decals_table(folder: Path) -> list[dict[str, object]]:
    """One row a file: its WCS centre, and the radius whose Galaxy Zoo scale is the file's own."""
    rows = []
    for path in sorted(folder.glob("*.fits")):
        header = fits.Header.fromfile(path)
        with warnings.catch_warnings(action="ignore", category=FITSFixedWarning):
            ra, dec = WCS(header).celestial.all_pix2world(211.5, 211.5, 0)
        radius = header["CD2_2"] * 3600 / 0.04
        rows.append({"id": f"J{path.stem}", "ra": ra, "dec": dec, "tile": path.stem, "shape_r": radius})
    return rows


@pytest.fixture
def decals(shared_data: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "decals"
    folder.mkdir()
    for path in (shared_data / "decals_fits").glob("*.fits"):
        shutil.copyfile(path, folder / path.name)
    Table(decals_table(folder)).write(folder / "sources.csv")
    return folder


def states(folder: Path) -> dict[str, tuple[str, str]]:
    """Content hash and fingerprint of every tile."""
    return {files.name: (files.content_hash(), files.fingerprint) for files in find_tiles(DECALS, folder)}


def test_real_cubes_give_three_pictures_a_skipped_source_and_a_failed_tile(decals: Path) -> None:
    skipped: list[SkippedRow]
    tiles = {files.name: files for files in find_tiles(DECALS, decals)}
    assert sorted(tiles) == [f"example_{name}" for name in ("a", "b", "bad_pix", "c", "incomplete")]

    for name in ("example_a", "example_b", "example_c"):
        skipped = []
        tile = read_tile(DECALS, tiles[name])
        (batch,) = image_batches(DECALS, tile, ImageRecipe(size=424), "cpu", 8, skipped)
        assert not skipped
        assert tile.sources.source_id == [f"J{name}"]
        assert batch.rgb.shape == (1, 3, 424, 424)
        # At its own scale the picture is the file, flipped top-bottom, through the published formula.
        y = [
            np.arcsinh(flux[::-1] / scale)
            for flux, scale in zip(
                fits.getdata(decals / f"{name}.fits")[::-1], (0.019, 0.014, 0.008), strict=True
            )
        ]
        low, high = math.asinh(-0.5), math.asinh(300)
        channels = (np.stack(y).astype(np.float64) - low) / (high - low)
        mean = channels.mean(axis=0)
        w = np.sin(np.pi / 2 * (1 - np.minimum(1, (channels / mean).max(axis=0) / 2.5)))
        picture = np.clip(channels * w + mean * (1 - w) + mean * (1 - w) ** 2 * channels, 0, 1)
        assert np.abs(batch.rgb[0].numpy() - picture).max() < 0.003

    skipped = []
    assert not list(
        image_batches(
            DECALS, read_tile(DECALS, tiles["example_bad_pix"]), ImageRecipe(size=160), "cpu", 8, skipped
        )
    )
    detail = "76% of the pixels are bad, 0% off the tile"
    assert skipped == [SkippedRow(2, "Jexample_bad_pix", "bad_pixels", detail, retry=False)]

    with pytest.raises(
        TileError, match=r"example_incomplete\.fits: truncated, 1389044 of 2162880 bytes"
    ) as caught:
        read_tile(DECALS, tiles["example_incomplete"])
    assert "\n" not in str(caught.value)
    assert tiles["example_incomplete"].ra is None


def test_replacing_the_truncated_file_heals_its_tile_alone(decals: Path) -> None:
    before = states(decals)
    shutil.copyfile(decals / "example_a.fits", decals / "example_incomplete.fits")
    rows = decals_table(decals)
    Table(rows).write(decals / "sources.csv", overwrite=True)
    after = states(decals)
    assert [name for name in after if after[name][0] != before[name][0]] == ["example_incomplete"]
    assert [name for name in after if after[name][1] != before[name][1]] == ["example_incomplete"]
    (healed,) = (files for files in find_tiles(DECALS, decals) if files.name == "example_incomplete")
    assert len(read_tile(DECALS, healed).sources) == 1


def test_a_row_of_a_shared_table_changes_its_own_tile_alone(decals: Path) -> None:
    before = states(decals)
    rows = decals_table(decals)
    rows[1]["shape_r"] = 7.5
    Table(rows).write(decals / "sources.csv", overwrite=True)
    after = states(decals)
    assert [name for name in after if after[name] != before[name]] == ["example_b"]
    assert read_tile(DECALS, find_tiles(DECALS, decals)[1]).sources.shape_r.tolist() == [7.5]


def test_a_table_row_of_a_tile_that_is_not_there_fails_that_tile(decals: Path) -> None:
    (decals / "example_b.fits").unlink()
    (files,) = (files for files in find_tiles(DECALS, decals) if files.name == "example_b")
    with pytest.raises(TileError, match=r"example_b\.fits: the image of tile example_b is missing"):
        read_tile(DECALS, files)


def test_a_shared_table_that_cannot_be_read_is_named(decals: Path) -> None:
    (decals / "sources.csv").write_text("")
    with pytest.raises(SurveyError, match=r"sources\.csv: unreadable table"):
        find_tiles(DECALS, decals)
    (decals / "sources.csv").unlink()
    with pytest.raises(SurveyError, match=r"sources\.csv: the catalogue is missing"):
        find_tiles(DECALS, decals)
