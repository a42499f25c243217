"""Cutouts over HTTP, as DataLink offers them and SODA asks for them."""

import io
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from astropy import units
from astropy.io import fits
from astropy.io.votable import parse
from astropy.wcs import WCS
from pyvo.dal.adhoc import DatalinkResults

from catalog.database.connection import connect
from tests.galcat.bricks import r_image, write_brick
from tests.galcat.cli.command_line import Galcat
from tests.galcat.workflows.sky.cutout_server import serving_cutouts

BRICK = "0100p000"


@pytest.fixture
def bricks(tmp_path: Path) -> Path:
    write_brick(tmp_path / "bricks", BRICK)
    return tmp_path / "bricks"


@pytest.fixture
def base(galcat: Galcat, database: str, bricks: Path, weights: Path, tmp_path: Path) -> Iterator[str]:
    """URL of a service whose tiles are at hand."""
    assert galcat("ingest", bricks, "--survey", "legacy_dr10", "--weights", weights).code == 0
    with serving_cutouts(database, tmp_path) as url:
        yield url


@pytest.fixture
def galaxy(base: str, database: str) -> tuple[int, float, float]:  # noqa: ARG001 - filled by it
    """object_id, ra and dec of the galaxy in the middle of the brick."""
    with connect(database) as connection:
        row = connection.execute(
            "SELECT object_id, ra, dec FROM galcat.galaxy ORDER BY abs(ra - 10), object_id LIMIT 1"
        ).fetchone()
    assert row is not None
    return row[0], row[1], row[2]


def cutout(base: str, **parameters: str | int | list[str]) -> httpx.Response:
    return httpx.get(f"{base}/datalink/cutout", params=parameters)


def open_bands(content: bytes) -> dict[str, fits.ImageHDU]:
    return {hdu.header["FILTER"]: hdu for hdu in fits.open(io.BytesIO(content))[1:]}


def test_a_galaxy_links_to_its_cutout_and_to_the_service_that_makes_others(
    base: str, galaxy: tuple[int, float, float]
) -> None:
    response = httpx.get(f"{base}/datalink/links", params={"ID": galaxy[0]})
    document = parse(io.BytesIO(response.content), verify="exception")
    table = document.get_first_table().to_table()
    assert table["semantics"].tolist() == ["#this", "#preview", "#cutout", "#cutout"]
    assert table["content_type"].tolist()[2:] == ["application/fits"] * 2
    assert table["access_url"].tolist()[2:] == [f"{base}/datalink/cutout?ID={galaxy[0]}", ""]
    assert table["service_def"].tolist() == ["", "", "", "cutout"]
    made = httpx.get(str(table["access_url"][2]))
    assert (made.status_code, made.headers["content-type"]) == (200, "application/fits")
    assert list(open_bands(made.content)) == ["g", "r", "z"]


def test_a_circle_is_cut_out_of_the_tile(base: str, galaxy: tuple[int, float, float], bricks: Path) -> None:
    object_id, ra, dec = galaxy
    made = cutout(base, ID=object_id, CIRCLE=f"{ra} {dec} {6 / 3600}", BAND="r")
    (hdu,) = open_bands(made.content).values()
    with fits.open(r_image(bricks, BRICK)) as tile:
        x, y = WCS(tile[1].header).all_world2pix(ra, dec, 0)
        column, row = WCS(hdu.header).all_world2pix(ra, dec, 0)
        left, bottom = round(float(x - column)), round(float(y - row))
        height, width = hdu.data.shape
        expected = tile[1].data[bottom : bottom + height, left : left + width]
    np.testing.assert_array_equal(hdu.data, expected)
    assert min(height, width) > 12 / 0.262 - 2
    same = cutout(base, ID=f"ivo://galcat/galaxy?{object_id}", pos=f"CIRCLE {ra} {dec} {6 / 3600}", band="r")
    assert same.content == made.content
    posted = httpx.post(
        f"{base}/datalink/cutout",
        data={"ID": str(object_id), "CIRCLE": f"{ra} {dec} {6 / 3600}", "BAND": "5.7e-7 6e-7"},
    )
    assert posted.content == made.content


def test_a_cutout_is_kept_by_its_tag(base: str, galaxy: tuple[int, float, float]) -> None:
    first = cutout(base, ID=galaxy[0], BAND="g")
    assert first.headers["content-disposition"] == f'attachment; filename="galaxy_{galaxy[0]}.fits"'
    again = httpx.get(first.url, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


WRONG: list[tuple[dict[str, str | list[str]], str]] = [
    ({}, "UsageError: ID is missing: the object_id of a galaxy"),
    ({"ID": "M 31"}, "UsageError: ID is 'M 31': expected the object_id of a galaxy"),
    ({"ID": ["1", "2"]}, "MultiValuedParamNotSupported: ID is given several times"),
    ({"CIRCLE": "10 0"}, "UsageError: CIRCLE is '10 0': expected ra, dec and radius in degrees"),
    ({"CIRCLE": "10 0 nan"}, "UsageError: CIRCLE is '10 0 nan': expected ra, dec and radius"),
    ({"CIRCLE": "370 0 1"}, "UsageError: CIRCLE: ra is 370, not between 0 and 360 degrees"),
    ({"CIRCLE": "10 0 0"}, "UsageError: CIRCLE: the radius is 0, not between 0 and 180 degrees"),
    ({"CIRCLE": "10 0 inf"}, "UsageError: CIRCLE: the radius is inf, not between"),
    ({"CIRCLE": "10 0 1"}, "UsageError: a circle of radius 1 degrees spans 27,481 pixels"),
    ({"POLYGON": "1 2 3 4 5 6"}, "UsageError: POLYGON is given: only CIRCLE ra dec radius is served"),
    ({"POS": "RANGE 1 2 3 4"}, "UsageError: POS is 'RANGE 1 2 3 4': only CIRCLE ra dec radius"),
    ({"POS": "CIRCLE 1 2 3", "CIRCLE": "1 2 3"}, "UsageError: CIRCLE and POS are both given"),
    ({"BAND": "i"}, "UsageError: BAND is 'i': survey legacy_dr10 has g, r, z"),
    ({"BAND": "2 1"}, "UsageError: BAND is '2 1': expected two wavelengths in metres"),
]


def test_a_wrong_request_is_told_why_in_a_line(base: str, galaxy: tuple[int, float, float]) -> None:
    for parameters, says in WRONG:
        has_id = not parameters or "ID" in parameters
        response = cutout(base, **({} if has_id else {"ID": str(galaxy[0])}), **parameters)
        assert (response.status_code, len(response.text.splitlines())) == (400, 1)
        assert response.text.startswith(says)
        assert response.headers["content-type"].startswith("text/plain")


def test_an_unknown_galaxy_is_not_found(base: str) -> None:
    response = cutout(base, ID=17)
    assert (response.status_code, response.text) == (404, "UsageError: no galaxy has object_id 17\n")


def test_no_pixels_are_no_content(base: str, galaxy: tuple[int, float, float]) -> None:
    for parameters in ({"CIRCLE": "200 40 0.001"}, {"BAND": "2e-6 3e-6"}):
        response = cutout(base, ID=galaxy[0], **parameters)
        assert (response.status_code, response.content) == (204, b"")


def test_where_the_tile_is_gone_there_is_no_cutout_and_no_link_to_one(
    base: str, galaxy: tuple[int, float, float], bricks: Path
) -> None:
    shutil.rmtree(bricks)
    response = cutout(base, ID=galaxy[0])
    assert response.status_code == 404
    assert response.text == f"UsageError: the files of tile {BRICK} are no longer where they were read\n"
    links = httpx.get(f"{base}/datalink/links", params={"ID": galaxy[0]}).text
    assert "#preview" in links
    assert "cutout" not in links


def test_pyvo_asks_for_a_circle_and_wavelengths(base: str, galaxy: tuple[int, float, float]) -> None:
    object_id, ra, dec = galaxy
    links = DatalinkResults.from_result_url(f"{base}/datalink/links?ID={object_id}")
    service = links.get_first_proc()
    circle = (ra * units.deg, dec * units.deg, 5 * units.arcsec)
    made = service.processed(circle=circle, band=(8e-7, 9e-7) * units.m).read()
    hdus = open_bands(made)
    assert list(hdus) == ["z"]
    assert hdus["z"].data.shape == pytest.approx((10 / 0.262, 10 / 0.262), abs=2)
    assert list(open_bands(service.process().read())) == ["g", "r", "z"]


def test_stilts_has_nothing_to_say_of_links_to_cutouts(base: str, galaxy: tuple[int, float, float]) -> None:
    if shutil.which("stilts") is None:
        pytest.skip("stilts is not on this machine")
    url = f"{base}/datalink/links?ID={galaxy[0]}&ID=17"
    for tool, expected in (("datalinklint", "Totals: Errors: 0; Warnings: 0;"), ("votlint", "")):
        said = subprocess.run(["stilts", tool, f"votable={url}"], capture_output=True, text=True, check=True)
        assert said.stderr == ""
        assert expected in said.stdout if expected else not said.stdout
