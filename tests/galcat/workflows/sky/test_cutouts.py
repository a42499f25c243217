"""Cutouts of catalogued galaxies: the tile's own pixels, found by the folder that the catalogue kept."""

import io
import re
import shutil
from pathlib import Path

import numpy as np
import psycopg
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from catalog.database.connection import connect
from catalog.search.request import Cone
from catalog.tap.datalink.cutout import (
    BANDS_M,
    CutoutRequest,
    FilesGoneError,
    NoPixelsError,
    choose_bands,
    choose_circle,
)
from catalog.tap.datalink.galaxy_files import GalaxyFiles, load_galaxy_files
from catalog.tap.errors import UsageError
from galcat.workflows.sky.cutouts import SkyCutter
from tests.galcat.bricks import GALAXIES, r_image, write_brick
from tests.galcat.cli.command_line import Galcat

SURVEY = "legacy_dr10"
BRICK = "0100p000"


@pytest.fixture
def bricks(tmp_path: Path) -> Path:
    write_brick(tmp_path / "bricks", BRICK)
    return tmp_path / "bricks"


@pytest.fixture
def galaxies(galcat: Galcat, database: str, bricks: Path, weights: Path) -> list[GalaxyFiles]:
    """What the catalogue knows of the brick's galaxies, in the order of their right ascension."""
    assert galcat("ingest", bricks, "--survey", SURVEY, "--weights", weights).code == 0
    with connect(database, autocommit=True) as connection:
        return sorted(of_all(connection), key=lambda galaxy: galaxy.ra_deg)


def of_all(connection: psycopg.Connection) -> list[GalaxyFiles]:
    ids = [row[0] for row in connection.execute("SELECT object_id FROM galcat.galaxy").fetchall()]
    return list(load_galaxy_files(connection, ids).values())


def test_the_pixel_under_every_galaxy_is_the_tiles_own(galaxies: list[GalaxyFiles], bricks: Path) -> None:
    assert len(galaxies) == GALAXIES
    for galaxy in galaxies:
        wanted = CutoutRequest(galaxy.object_id, None, None)
        content = SkyCutter().cut(galaxy, choose_circle(wanted, galaxy), choose_bands(wanted, galaxy))
        with fits.open(io.BytesIO(content)) as cutout, fits.open(r_image(bricks, BRICK)) as tile:
            assert [hdu.name for hdu in cutout] == ["PRIMARY", "G", "R", "Z"]
            assert cutout[0].header["OBJECT"] == str(galaxy.object_id)
            x, y = WCS(tile[1].header).all_world2pix(galaxy.ra_deg, galaxy.dec_deg, 0)
            column, row = WCS(cutout["R"].header).all_world2pix(galaxy.ra_deg, galaxy.dec_deg, 0)
            assert WCS(cutout["R"].header).all_pix2world(column, row, 0) == pytest.approx(
                [galaxy.ra_deg, galaxy.dec_deg], abs=1e-9
            )
            assert (x - column, y - row) == pytest.approx((round(x - column), round(y - row)), abs=1e-6)
            left, bottom = round(float(x - column)), round(float(y - row))
            data = cutout["R"].data
            expected = tile[1].data[bottom : bottom + data.shape[0], left : left + data.shape[1]]
            np.testing.assert_array_equal(data, expected)
            assert data[round(float(row)), round(float(column))] > 0.5
            field_px = galaxy.field_deg * 3600 / 0.262 if galaxy.field_deg else 0
            assert min(data.shape) == pytest.approx(field_px, abs=2)


def test_a_circle_and_bands_are_as_asked_for(galaxies: list[GalaxyFiles]) -> None:
    galaxy = galaxies[1]
    circle = Cone(galaxy.ra_deg, galaxy.dec_deg, 5 / 3600)
    cases: list[tuple[tuple[str, ...] | tuple[float, float], list[str]]] = [
        (("r",), ["r"]),
        (("z", "g"), ["g", "z"]),
        (BANDS_M["z"], ["z"]),
        ((5e-7, 6e-7), ["g", "r"]),
        ((9e-7, float("inf")), ["z"]),
    ]
    for band, expected in cases:
        bands = choose_bands(CutoutRequest(galaxy.object_id, circle, band), galaxy)
        assert bands == expected
        with fits.open(io.BytesIO(SkyCutter().cut(galaxy, circle, bands))) as cutout:
            assert [hdu.header["FILTER"] for hdu in cutout[1:]] == expected
            assert cutout[1].data.shape == pytest.approx((10 / 0.262, 10 / 0.262), abs=2)
    with pytest.raises(UsageError, match=r"BAND is 'i': survey legacy_dr10 has g, r, z"):
        choose_bands(CutoutRequest(galaxy.object_id, circle, ("i",)), galaxy)
    with pytest.raises(NoPixelsError, match="no band at those wavelengths, only g, r, z"):
        choose_bands(CutoutRequest(galaxy.object_id, circle, (2e-6, 3e-6)), galaxy)


def test_what_cannot_be_cut_is_said_in_a_line(galaxies: list[GalaxyFiles]) -> None:
    galaxy = galaxies[0]
    with pytest.raises(NoPixelsError, match="the circle lies outside the tile 0100p000"):
        SkyCutter().cut(galaxy, Cone(galaxy.ra_deg, galaxy.dec_deg + 1, 1e-3), ["g"])
    with pytest.raises(UsageError, match=r"spans 27,481 pixels, and 2,000 at most"):
        SkyCutter().cut(galaxy, Cone(galaxy.ra_deg, galaxy.dec_deg, 1), ["g"])


def assert_gone(galaxy: GalaxyFiles, folder: Path) -> None:
    """It is told, without a word of the folder."""
    assert not SkyCutter().has_files(galaxy)
    with pytest.raises(FilesGoneError) as error:
        SkyCutter().cut(galaxy, Cone(galaxy.ra_deg, galaxy.dec_deg, 1e-3), ["g", "r"])
    assert str(error.value) == f"the files of tile {BRICK} are no longer where they were read"
    assert str(folder) not in str(error.value)


def test_files_that_are_gone_are_no_secret_but_their_folder_is(
    galaxies: list[GalaxyFiles], bricks: Path, database: str
) -> None:
    assert all(SkyCutter().has_files(galaxy) for galaxy in galaxies)
    image = r_image(bricks, BRICK)
    aside = image.rename(image.with_suffix(".aside"))
    assert_gone(galaxies[0], bricks)
    aside.rename(image)
    assert SkyCutter().has_files(galaxies[0])
    shutil.rmtree(bricks)
    assert_gone(galaxies[1], bricks)
    with connect(database, autocommit=True) as connection:
        connection.execute("UPDATE galcat.tile SET folder = NULL")
        for galaxy in of_all(connection):
            assert_gone(galaxy, bricks)


def test_a_damaged_image_is_told_as_a_missing_one(galaxies: list[GalaxyFiles], bricks: Path) -> None:
    image = r_image(bricks, BRICK)
    image.write_bytes(image.read_bytes()[:3000])
    with pytest.raises(FilesGoneError) as error:
        SkyCutter().cut(galaxies[0], Cone(galaxies[0].ra_deg, galaxies[0].dec_deg, 1e-3), ["g", "r"])
    assert re.search("[/]", str(error.value)) is None
