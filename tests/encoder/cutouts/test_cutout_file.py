"""FITS cutouts: the tile's own pixels under a shifted WCS, checked with astropy on the files themselves."""

import io
from pathlib import Path

import numpy as np
import pytest
from astropy.coordinates import angular_separation
from astropy.io import fits
from astropy.wcs import WCS
from numpy.typing import NDArray

from encoder.cutouts.cutout_file import (
    CutoutError,
    OutsideError,
    SkyCircle,
    find_band_images,
    make_cutout_file,
)
from encoder.errors import TileError
from encoder.simulation.simulate import simulate_survey
from encoder.surveys.description import Survey
from encoder.surveys.survey_file import load_survey, survey_from_text
from tests.encoder.tiles.fits_tiles import SCALE_ARCSEC, legacy_rows, tan_wcs, transpose, write_legacy_brick
from tests.encoder.tiles.shape_table import CATALOGUE

LEGACY = load_survey("legacy_dr10")
BRICK = "0100p100"
SHAPE = (220, 300)
RA, DEC = 10.0, 10.0
PLANES = "plane = { g = 0, r = 1 }"
HDUS = 'hdu = { g = "SCI_G", r = "SCI_R" }'
COUNTS = (
    """
name = "counts"
description = "Bands as planes of a cube or as HDUs, in counts"
kind = "tiles"
bands = ["r", "g"]
pixel_scale_arcsec = 0.4
[image]
path = "{tile}.fits"
LAYOUT
zero_point = { g = 25.0, r = 25.5 }
"""
    + CATALOGUE
    + """
[rgb]
red = { band = "r", divide_by = 0.04 }
green = { band = "r", divide_by = 0.03 }
blue = { band = "g", divide_by = 0.02 }
"""
)


@pytest.fixture
def brick(tmp_path: Path) -> Path:
    """A folder with one brick of noise, turned by 20 degrees."""
    rng = np.random.default_rng(3)
    images = {band: rng.normal(0, 1, SHAPE).astype(np.float32) for band in "grz"}
    images["r"][100:104, 100:104] = 0
    wcs = tan_wcs(RA, DEC, SHAPE, rotation_deg=20)
    write_legacy_brick(tmp_path, BRICK, images, wcs, legacy_rows(np.array([RA]), np.array([DEC])))
    return tmp_path


def read_band(folder: Path, band: str) -> tuple[NDArray[np.float32], WCS]:
    """A band's pixels and world coordinates, straight from its file."""
    path = folder / "coadd" / BRICK[:3] / BRICK / f"legacysurvey-{BRICK}-image-{band}.fits.fz"
    with fits.open(path) as file:
        return file[1].data, WCS(file[1].header)


def cut(folder: Path, circle: SkyCircle, bands: str = "grz", survey: Survey = LEGACY) -> fits.HDUList:
    content = make_cutout_file(
        survey, find_band_images(survey, folder, BRICK), circle, bands, {"OBJECT": "42"}
    )
    return fits.open(io.BytesIO(content))


def within(wcs: WCS, shape: tuple[int, int], circle: SkyCircle) -> NDArray[np.bool_]:
    """Which pixels' centres lie in a circle."""
    rows, columns = np.indices(shape)
    ra, dec = wcs.all_pix2world(columns, rows, 0)
    centre = np.radians([circle.ra_deg, circle.dec_deg])
    apart = angular_separation(np.radians(ra), np.radians(dec), *centre)
    return np.asarray(np.degrees(apart) <= circle.radius_deg)


def test_a_cutout_is_the_tiles_own_rectangle_around_the_circle_in_each_band(brick: Path) -> None:
    circle = SkyCircle(RA + 0.001, DEC - 0.0007, 10 / 3600)
    cutout = cut(brick, circle)
    assert [hdu.name for hdu in cutout] == ["PRIMARY", "G", "R", "Z"]
    assert cutout[0].header["OBJECT"] == "42"
    for band in "grz":
        pixels, wcs = read_band(brick, band)
        inside = np.argwhere(within(wcs, SHAPE, circle))
        (bottom, left), (top, right) = inside.min(axis=0), inside.max(axis=0) + 1
        hdu = cutout[band.upper()]
        assert np.abs(np.subtract(hdu.data.shape, (top - bottom, right - left))).max() <= 2
        offset = np.subtract(WCS(hdu.header).wcs.crpix, wcs.wcs.crpix).round().astype(int)
        x0, y0 = -offset
        assert (x0 <= left, y0 <= bottom) == (True, True)
        height, width = hdu.data.shape
        expected = pixels[y0 : y0 + height, x0 : x0 + width]
        np.testing.assert_array_equal(hdu.data, expected)
        assert hdu.data.sum(dtype=np.float64) == expected.sum(dtype=np.float64)
        assert (hdu.header["FILTER"], hdu.header["BUNIT"]) == (band, "nanomaggy")


def test_a_tile_with_declination_first_is_cut_at_the_same_place(brick: Path, tmp_path: Path) -> None:
    circle = SkyCircle(RA + 0.001, DEC - 0.0007, 10 / 3600)
    images = {band: read_band(brick, band)[0].T for band in "grz"}
    wcs = transpose(tan_wcs(RA, DEC, SHAPE, rotation_deg=20))
    rows = legacy_rows(np.array([RA]), np.array([DEC]))
    write_legacy_brick(tmp_path / "turned", BRICK, images, wcs, rows)
    plain, turned = cut(brick, circle), cut(tmp_path / "turned", circle)
    for band in "GRZ":
        assert turned[band].header["CTYPE1"] == "DEC--TAN"
        np.testing.assert_allclose(turned[band].data.T, plain[band].data, atol=2.02e-4)
        x, y = np.array([3.0, 20.0]), np.array([5.0, 8.0])
        dec, ra = WCS(turned[band].header).all_pix2world(y, x, 0)
        np.testing.assert_allclose((ra, dec), WCS(plain[band].header).all_pix2world(x, y, 0), atol=1e-9)


def test_every_pixel_of_a_cutout_lies_where_it_lay_on_the_tile(brick: Path) -> None:
    hdu = cut(brick, SkyCircle(RA, DEC, 12 / 3600), "r")["R"]
    pixels, wcs = read_band(brick, "r")
    rows, columns = np.indices(hdu.data.shape)
    x, y = wcs.all_world2pix(*WCS(hdu.header).all_pix2world(columns, rows, 0), 0)
    np.testing.assert_allclose([x - x.round(), y - y.round()], 0, atol=1e-6)
    np.testing.assert_array_equal(hdu.data, pixels[y.round().astype(int), x.round().astype(int)])


def test_bands_come_in_the_order_asked_for(brick: Path) -> None:
    assert [hdu.name for hdu in cut(brick, SkyCircle(RA, DEC, 1e-3), "zg")] == ["PRIMARY", "Z", "G"]


def test_a_cutout_at_the_edge_is_smaller(brick: Path) -> None:
    pixels, wcs = read_band(brick, "g")
    ra, dec = wcs.all_pix2world(0.2, 0.3, 0)
    hdu = cut(brick, SkyCircle(float(ra), float(dec), 5 / 3600), "g")["G"]
    height, width = hdu.data.shape
    reach_px = 5 / SCALE_ARCSEC
    assert height - 1 < reach_px + 1.3 < height + 1
    assert width - 1 < reach_px + 1.2 < width + 1
    np.testing.assert_array_equal(hdu.data, pixels[:height, :width])


def test_a_tiny_circle_gives_the_pixel_under_it(brick: Path) -> None:
    pixels, wcs = read_band(brick, "z")
    ra, dec = wcs.all_pix2world(33.4, 21.6, 0)
    hdu = cut(brick, SkyCircle(float(ra), float(dec), 1e-9), "z")["Z"]
    assert hdu.data.tolist() == [[pixels[22, 33]]]


@pytest.mark.parametrize(("ra", "dec"), [(RA + 0.02, DEC), (RA + 180, -DEC), (RA, DEC + 0.012), (RA, -90)])
def test_a_circle_beside_the_tile_has_no_pixels(brick: Path, ra: float, dec: float) -> None:
    with pytest.raises(OutsideError, match="outside the tile"):
        cut(brick, SkyCircle(ra, dec, 3 / 3600))


def test_more_than_two_thousand_pixels_are_refused(brick: Path) -> None:
    assert cut(brick, SkyCircle(RA, DEC, 999 * SCALE_ARCSEC / 3600), "g")["G"].data.shape == SHAPE
    with pytest.raises(CutoutError, match=r"radius 0\.1 degrees spans 2,748 pixels, and 2,000 at most"):
        cut(brick, SkyCircle(RA, DEC, 0.1))


def test_a_band_that_the_survey_lacks_is_named(brick: Path) -> None:
    with pytest.raises(CutoutError, match=r"has no band 'i'; it has g, r, z"):
        cut(brick, SkyCircle(RA, DEC, 1e-3), "i")


def test_missing_and_damaged_images_are_named(brick: Path) -> None:
    with pytest.raises(TileError, match="no image of tile 0200p000"):
        find_band_images(LEGACY, brick, "0200p000")
    images = find_band_images(LEGACY, brick, BRICK)
    images["r"].write_bytes(images["r"].read_bytes()[:5000])
    with pytest.raises(TileError, match=r"image-r\.fits\.fz"):
        cut(brick, SkyCircle(RA, DEC, 1e-3))
    images["r"].unlink()
    with pytest.raises(TileError, match=r"image-r\.fits\.fz: the image of tile 0100p100 is missing"):
        find_band_images(LEGACY, brick, BRICK)


def test_a_folder_of_pictures_is_not_cut(brick: Path) -> None:
    with pytest.raises(CutoutError, match="ready-made pictures"):
        find_band_images(load_survey("gz_decals_rings"), brick, BRICK)


def write_counts(path: Path, cube: NDArray[np.float64], layout: str) -> WCS:
    """Write two bands as a cube, or as HDUs with distorted coordinates."""
    header = tan_wcs(200, -40, cube.shape[1:], 0.4).to_header()
    if layout == PLANES:
        fits.PrimaryHDU(cube, header).writeto(path)
        return WCS(header).celestial
    header["CTYPE1"], header["CTYPE2"] = "RA---TAN-SIP", "DEC--TAN-SIP"
    header["A_ORDER"], header["B_ORDER"] = 2, 2
    header["A_2_0"], header["B_0_2"], header["B_1_1"] = 3e-5, -4e-5, 2e-5
    bands = [fits.ImageHDU(plane, header, f"SCI_{band}") for plane, band in zip(cube, "GR", strict=True)]
    fits.HDUList([fits.PrimaryHDU(), *bands]).writeto(path)
    return WCS(header)


@pytest.mark.parametrize("layout", [PLANES, HDUS])
def test_planes_and_distorted_hdus_become_nanomaggies(tmp_path: Path, layout: str) -> None:
    survey = survey_from_text(COUNTS.replace("LAYOUT", layout), Path("counts.toml"))
    cube = np.random.default_rng(5).normal(0, 1, (2, 90, 120))
    cube[1, 40:42, 60:62] = np.nan
    wcs = write_counts(tmp_path / "field.fits", cube, layout)
    ra, dec = (float(value) for value in wcs.all_pix2world(80.0, 61.0, 0))

    content = make_cutout_file(
        survey, find_band_images(survey, tmp_path, "field"), SkyCircle(ra, dec, 10 / 3600), ("r", "g"), {}
    )

    cutout = fits.open(io.BytesIO(content))
    for band, plane, zero_point in (("R", 1, 25.5), ("G", 0, 25.0)):
        data = cutout[band].data
        x, y = (float(value) for value in WCS(cutout[band].header).all_world2pix(ra, dec, 0))
        assert (x, y) == pytest.approx((round(x), round(y)), abs=1e-5)
        left, bottom = 80 - round(x), 61 - round(y)
        expected = cube[plane, bottom : bottom + data.shape[0], left : left + data.shape[1]]
        assert min(data.shape) > 48
        np.testing.assert_allclose(data, expected * 10 ** ((22.5 - zero_point) / 2.5), rtol=1e-6)


def test_galaxies_of_the_simulator_lie_in_the_middle_of_their_cutouts(tmp_path: Path) -> None:
    folder = simulate_survey(tmp_path / "survey", 1, 6, seed=2)
    (path,) = (folder / "tractor").rglob("*.fits")
    brick = path.stem.removeprefix("tractor-")
    with fits.open(path) as file:
        rows = file[1].data[:3]
    images = find_band_images(LEGACY, folder, brick)
    for ra, dec in zip(rows["ra"].tolist(), rows["dec"].tolist(), strict=True):
        content = make_cutout_file(LEGACY, images, SkyCircle(ra, dec, 8 / 3600), ("r",), {})
        hdu = fits.open(io.BytesIO(content))["R"]
        with fits.open(images["r"]) as file:
            x, y = WCS(file[1].header).all_world2pix(ra, dec, 0)
            under = file[1].data[round(float(y)), round(float(x))]
        column, row = WCS(hdu.header).all_world2pix(ra, dec, 0)
        assert hdu.data[round(float(row)), round(float(column))] == under
        back_ra, back_dec = WCS(hdu.header).all_pix2world(column, row, 0)
        assert (float(back_ra), float(back_dec)) == pytest.approx((ra, dec), abs=1e-9)
