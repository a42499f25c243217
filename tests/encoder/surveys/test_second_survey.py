"""A survey unlike the first one in everything is read through its description alone."""

from pathlib import Path

import numpy as np
import pytest
import torch
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS

from encoder.cutouts.batches import image_batches
from encoder.cutouts.plan import cut_flux, plan_cutouts
from encoder.model.recipe import ImageRecipe
from encoder.surveys.survey_file import load_survey
from encoder.tiles.tiles import SkyTile, find_tiles, read_tile
from tests.encoder.tiles.fits_tiles import gaussian

TOML = """
name = "southern"
description = "One file a field: SCI extensions in counts, a distorted WCS, Petrosian radii in a CSV"
kind = "tiles"
bands = ["g", "r", "i"]
pixel_scale_arcsec = 0.4

[image]
path = "night-{night}/field_{tile}.fits"
hdu = { g = "SCI_G", r = "SCI_R", i = "SCI_I" }
zero_point = { g = 25.0, r = 25.5, i = 24.8 }

[catalogue]
path = "catalogues/{tile}-{night}.csv"
id = "name"
ra = "RAJ2000"
dec = "DEJ2000"
petro_th50 = "petroR50"
petro_th90 = "petroR90"
magnitude = { g = "gmag", r = "rmag", i = "imag" }
[[catalogue.select]]
column = "class"
test = "=="
value = "GALAXY"
[[catalogue.select]]
magnitude = "r"
test = "<="
value = 18.5

[rgb]
red = { band = "i", divide_by = 0.044 }
green = { band = "r", divide_by = 0.033 }
blue = { band = "g", divide_by = 0.019 }
"""
SHAPE = (501, 643)
ZERO_POINT = {"g": 25.0, "r": 25.5, "i": 24.8}
MAG = {"g": 17.0, "r": 16.2, "i": 15.9}
X, Y = np.array([320.0, 150.25, 500.5, 333.3]), np.array([250.0, 330.75, 140.0, 130.0])


def sip_header() -> fits.Header:
    """CD matrix turned by 33 degrees, second and third order SIP: several pixels at the corners."""
    angle, scale = np.radians(33), 0.4 / 3600
    header = fits.Header()
    header["CTYPE1"], header["CTYPE2"] = "RA---TAN-SIP", "DEC--TAN-SIP"
    header["CRVAL1"], header["CRVAL2"] = 211.5, -47.25
    header["CRPIX1"], header["CRPIX2"] = 300.0, 260.0
    header["CD1_1"], header["CD1_2"] = -scale * np.cos(angle), scale * np.sin(angle)
    header["CD2_1"], header["CD2_2"] = scale * np.sin(angle), scale * np.cos(angle)
    header["A_ORDER"], header["B_ORDER"] = 3, 3
    header["A_2_0"], header["A_1_1"], header["A_0_3"] = 3e-5, -2e-5, 4e-8
    header["B_0_2"], header["B_1_1"], header["B_3_0"] = -4e-5, 1e-5, 3e-8
    return header


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "southern.toml").write_text(TOML)
    header = sip_header()
    hdus = [fits.PrimaryHDU()]
    for band, zero_point in ZERO_POINT.items():
        counts = 10 ** ((zero_point - MAG[band]) / 2.5)
        image = sum(gaussian(SHAPE, x, y, 4.0, counts) for x, y in zip(X, Y, strict=True))
        random = np.random.default_rng(ord(band))
        hdus.append(fits.ImageHDU(image + random.normal(0, 0.01, SHAPE), header, name=f"SCI_{band}"))
        hdus.append(fits.ImageHDU(np.ones(SHAPE, np.float32), header, name=f"ERR_{band}"))
    (tmp_path / "data" / "night-3").mkdir(parents=True)
    (tmp_path / "data" / "catalogues").mkdir()
    fits.HDUList(hdus).writeto(tmp_path / "data" / "night-3" / "field_A7.fits")
    ra, dec = WCS(header).all_pix2world(X, Y, 0)
    table = Table({"name": ["J1-a", "007", "J1-c", "star"], "RAJ2000": ra, "DEJ2000": dec})
    table["class"] = ["GALAXY", "GALAXY", "GALAXY", "STAR"]
    table["petroR50"], table["petroR90"] = [3.0, 8.0, 2.0, 1.0], [9.0, 12.0, 6.0, 2.0]
    for band, mag in MAG.items():
        table[f"{band}mag"] = [mag, mag, 18.5 if band == "r" else mag, mag]
    table.write(tmp_path / "data" / "catalogues" / "A7-3.csv")
    return tmp_path


def test_positions_sizes_and_magnitudes_are_right(root: Path) -> None:
    survey = load_survey(root / "southern.toml")
    (files,) = find_tiles(survey, root / "data")
    assert (files.name, [path.name for path in files.files]) == ("A7", ["field_A7.fits", "A7-3.csv"])
    middle = WCS(sip_header()).all_pix2world((SHAPE[1] - 1) / 2, (SHAPE[0] - 1) / 2, 0)
    assert (files.ra, files.dec) == pytest.approx([float(value) for value in middle])
    sources = read_tile(survey, files).sources
    assert sources.source_id == ["J1-a", "007", "J1-c"]
    assert sources.row.tolist() == [0, 1, 2]
    assert sources.pixel_scale_arcsec.tolist() == pytest.approx([0.12, 0.24, 0.1])
    assert sources.mag["i"].tolist() == pytest.approx([15.9] * 3)


def test_fluxes_are_nanomaggies_and_every_galaxy_is_in_the_middle(root: Path) -> None:
    survey = load_survey(root / "southern.toml")
    tile = read_tile(survey, find_tiles(survey, root / "data")[0])
    assert isinstance(tile, SkyTile)
    recipe = ImageRecipe(size=101)
    plan = plan_cutouts(tile, recipe, torch.device("cpu"), skipped=[])
    assert plan.rows.tolist() == [0, 1, 2]
    flux = cut_flux(plan, recipe.size, recipe.crop).double().numpy()
    wcs = WCS(sip_header())
    for n, scale in enumerate([0.12, 0.24, 0.1]):
        step = 424 * scale / 101
        # What a pixel of this distorted image spans just here, by finite differences on the sphere.
        ra, dec = wcs.all_pix2world(X[n] + np.array([-0.5, 0.5, 0, 0]), Y[n] + np.array([0, 0, -0.5, 0.5]), 0)
        east = np.diff(ra.reshape(2, 2)).ravel() * np.cos(np.radians(dec.mean())) * 3600
        north = np.diff(dec.reshape(2, 2)).ravel() * 3600
        native_area = abs(east[0] * north[1] - east[1] * north[0])
        rows, columns = np.indices((101, 101)) - 50
        near = np.hypot(rows, columns) * step < 9
        for plane, band in zip(flux[n], survey.bands, strict=True):
            total = plane[near].sum() * step**2 / native_area
            assert total == pytest.approx(10 ** ((22.5 - MAG[band]) / 2.5), rel=0.004)
            centre = [(plane[near] * axis[near]).sum() / plane[near].sum() for axis in (columns, rows)]
            assert np.abs(centre).max() < 0.05


def test_the_pictures_take_red_from_i(root: Path) -> None:
    survey = load_survey(root / "southern.toml")
    tile = read_tile(survey, find_tiles(survey, root / "data")[0])
    (batch,) = image_batches(survey, tile, ImageRecipe(size=64), "cpu", 8, skipped=[])
    assert batch.rows.tolist() == [0, 1, 2]
    centre = batch.rgb[:, :, 31:33, 31:33].mean(dim=(0, 2, 3)).tolist()
    nanomaggies = {band: 10 ** ((22.5 - mag) / 2.5) for band, mag in MAG.items()}
    scaled = [nanomaggies["i"] / 0.044, nanomaggies["r"] / 0.033, nanomaggies["g"] / 0.019]
    assert np.argsort(centre).tolist() == np.argsort(scaled).tolist()
