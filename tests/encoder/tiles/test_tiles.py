"""Tiles are found by their files, known by their content, and read whole or not at all."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from numpy.typing import NDArray

from encoder.errors import SurveyError, TileError
from encoder.surveys.survey_file import load_survey
from encoder.tiles.tiles import SkyTile, TileFiles, find_tiles, read_tile
from tests.encoder.tiles.fits_tiles import gaussian, legacy_rows, tan_wcs, write_legacy_brick

LEGACY = load_survey("legacy_dr10")
SHAPE = (120, 140)
BRICK = "1501p202"
WCS = tan_wcs(150.1, 20.25, SHAPE)
X, Y = np.array([40.0, 100.0, 70.0]), np.array([60.0, 50.0, 90.0])
RA, DEC = WCS.all_pix2world(X, Y, 0)


def images() -> dict[str, NDArray[np.float32]]:
    random = np.random.default_rng(5)
    sky = {band: random.normal(0, 0.003, SHAPE).astype(np.float32) for band in "grz"}
    return {
        band: sky[band] + gaussian(SHAPE, 40, 60, 3, flux)
        for band, flux in zip("grz", (50, 100, 150), strict=True)
    }


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("bricks")
    write_legacy_brick(root, BRICK, images(), WCS, legacy_rows(RA, DEC))
    write_legacy_brick(
        root, "0009m012", images(), tan_wcs(0.001, -1.25, SHAPE), legacy_rows(RA - 149.9, DEC - 21.5)
    )
    return root


@pytest.fixture
def root(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "drop"))


def tile_of(root: Path) -> TileFiles:
    return find_tiles(LEGACY, root)[-1]


def file_of(root: Path, part: str) -> Path:
    (path,) = (path for path in root.rglob("*.fits*") if part in path.name and BRICK in path.name)
    return path


def assert_refused(root: Path, message: str) -> None:
    with pytest.raises(TileError, match=message) as caught:
        read_tile(LEGACY, tile_of(root))
    assert "\n" not in str(caught.value)
    assert "Traceback" not in str(caught.value)


def test_tiles_are_found_sorted_with_files_and_footprint(written: Path) -> None:
    first, second = find_tiles(LEGACY, written)
    assert (first.name, second.name) == ("0009m012", BRICK)
    assert [path.relative_to(written).as_posix() for path in second.files] == [
        f"coadd/150/{BRICK}/legacysurvey-{BRICK}-image-g.fits.fz",
        f"coadd/150/{BRICK}/legacysurvey-{BRICK}-image-r.fits.fz",
        f"coadd/150/{BRICK}/legacysurvey-{BRICK}-image-z.fits.fz",
        f"coadd/150/{BRICK}/legacysurvey-{BRICK}-maskbits.fits.fz",
        f"tractor/150/tractor-{BRICK}.fits",
    ]
    assert (second.survey, second.rows) == ("legacy_dr10", None)
    assert (second.ra, second.dec) == pytest.approx((150.1, 20.25))
    half_h, half_w = 60 * 0.262 / 3600, 70 * 0.262 / 3600
    across = half_w / np.cos(np.radians(20.25))
    for (ra, dec), (east, north) in zip(second.footprint, [(1, -1), (-1, -1), (-1, 1), (1, 1)], strict=True):
        assert ra == pytest.approx(150.1 + east * across, abs=1e-5)
        assert dec == pytest.approx(20.25 + north * half_h, abs=1e-5)
    assert first.footprint[1][0] == pytest.approx(360.001 - across, abs=1e-3)  # across ra 0


def test_tiles_are_found_by_name_alone(written: Path) -> None:
    every = find_tiles(LEGACY, written)
    assert find_tiles(LEGACY, written, {BRICK}) == [tile for tile in every if tile.name == BRICK]
    assert find_tiles(LEGACY, written, {BRICK, "0009m012"}) == every
    with pytest.raises(SurveyError, match="no tile of survey legacy_dr10"):
        find_tiles(LEGACY, written, {"1500p000"})


def test_a_tile_has_its_pixels_in_nanomaggies_its_mask_and_its_sources(written: Path) -> None:
    tile = read_tile(LEGACY, tile_of(written))
    assert isinstance(tile, SkyTile)
    assert tile.pixels.shape == tile.bad.shape == (3, *SHAPE)
    assert (tile.pixels.dtype, tile.bad.dtype) == (np.float32, np.bool_)
    for plane, band in zip(tile.pixels, "grz", strict=True):
        np.testing.assert_allclose(plane, images()[band], atol=1.01e-4)  # what fpack's quantising leaves
    assert not tile.bad.any()
    np.testing.assert_allclose(
        np.transpose(tile.wcs.all_world2pix(RA, DEC, 0)), np.transpose([X, Y]), atol=1e-6
    )
    assert tile.sources.source_id == [f"10000-331000-{n}" for n in range(3)]


def test_a_folder_without_tiles_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SurveyError, match=r"no tile of survey legacy_dr10; images are sought as coadd/"):
        find_tiles(LEGACY, tmp_path)
    with pytest.raises(SurveyError, match="no such folder"):
        find_tiles(LEGACY, tmp_path / "nowhere")


def test_the_content_hash_knows_bytes_and_not_times(root: Path) -> None:
    before = tile_of(root)
    content = before.content_hash()
    catalogue = file_of(root, "tractor")
    os.utime(catalogue, ns=(1, 1))
    touched = tile_of(root)
    assert touched.fingerprint != before.fingerprint
    assert touched.content_hash() == content
    data = bytearray(catalogue.read_bytes())
    data[-3000] ^= 1
    catalogue.write_bytes(data)
    assert tile_of(root).content_hash() != content
    assert find_tiles(LEGACY, root)[0].fingerprint == find_tiles(LEGACY, root)[0].fingerprint


def test_the_hashes_do_not_depend_on_where_the_folder_is(written: Path, root: Path) -> None:
    assert tile_of(written).content_hash() == tile_of(root).content_hash()
    assert tile_of(written).fingerprint == tile_of(root).fingerprint  # copytree keeps times


def test_a_survey_that_means_something_else_changes_the_hashes(root: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(LEGACY.toml.replace("19.0", "20.0"), encoding="utf-8")
    other = find_tiles(load_survey(path), root)[-1]
    assert other.content_hash() != tile_of(root).content_hash()
    assert other.fingerprint != tile_of(root).fingerprint


@pytest.mark.parametrize(
    ("part", "what"), [("image-r", "image"), ("maskbits", "mask"), ("tractor", "catalogue")]
)
def test_a_missing_file_is_named(root: Path, part: str, what: str) -> None:
    path = file_of(root, part)
    path.unlink()
    assert path not in tile_of(root).files
    assert_refused(root, rf"{path.name}: the {what}( of tile {BRICK})? is missing")


@pytest.mark.parametrize("part", ["image-g", "image-z", "maskbits", "tractor"])
@pytest.mark.parametrize("keep", [0, 100, 3000, -1500])
def test_a_truncated_file_is_one_line(root: Path, part: str, keep: int) -> None:
    path = file_of(root, part)
    path.write_bytes(path.read_bytes()[:keep])
    tile = tile_of(root)
    if part == "image-g" and keep in (0, 100):
        assert (tile.ra, tile.dec, tile.footprint) == (None, None, ())
    assert_refused(root, rf"{path.name}: (truncated|unreadable FITS)")


def test_damaged_compressed_pixels_are_one_line(root: Path) -> None:
    path = file_of(root, "maskbits")
    data = bytearray(path.read_bytes())
    with fits.open(path) as file:
        start = file[1].fileinfo()["datLoc"]
    data[start : start + 4000] = b"\x55" * 4000
    path.write_bytes(data)
    assert_refused(root, rf"{path.name}: unreadable FITS")


def test_a_row_outside_the_tile_is_named(root: Path) -> None:
    rows = legacy_rows(RA, DEC + np.array([0, 0, 0.01]))
    rows.write(file_of(root, "tractor"), overwrite=True)
    assert_refused(
        root, rf"tractor-{BRICK}\.fits: row 2 \(10000-331000-2\) at ra .* lies outside tile {BRICK}"
    )


@pytest.mark.parametrize("ra_dec", [(330.0, -20.25), (150.1, 89.0), (60.1, 20.25)])
def test_a_row_on_the_other_side_of_the_sky_is_outside_too(root: Path, ra_dec: tuple[float, float]) -> None:
    rows = legacy_rows(np.append(RA, ra_dec[0]), np.append(DEC, ra_dec[1]))
    rows.write(file_of(root, "tractor"), overwrite=True)
    assert_refused(root, r"row 3 .* lies outside")


def test_duplicate_ids_name_both_rows(root: Path) -> None:
    legacy_rows(RA, DEC, objid=np.array([1, 2, 1])).write(file_of(root, "tractor"), overwrite=True)
    assert_refused(root, r"rows 0 and 2 have the same id '10000-331000-1'")


def test_bands_that_do_not_fit_each_other_are_refused(root: Path) -> None:
    write_legacy_brick(root, BRICK, {"r": images()["r"][:-2]}, WCS, legacy_rows(RA, DEC))
    assert_refused(root, r"image-r\.fits\.fz: \(118, 140\) pixels, but .*image-g\.fits\.fz has \(120, 140\)")
    write_legacy_brick(
        root, BRICK, {"r": images()["r"]}, tan_wcs(150.1, 20.2502, SHAPE), legacy_rows(RA, DEC)
    )
    assert_refused(root, r"image-r\.fits\.fz: lies 2\.7 px away from the tile's first band")


def test_pixels_without_a_place_on_the_sky_are_refused(root: Path) -> None:
    path = file_of(root, "image-g")
    fits.CompImageHDU(images()["g"]).writeto(path, overwrite=True)
    assert tile_of(root).ra is None
    assert_refused(root, r"image-g\.fits\.fz: the header has no right ascension and declination")
