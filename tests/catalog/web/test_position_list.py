"""A list dropped on the page: positions that have a galaxy are shown, the others counted and named."""

import gzip
import html
import io
import re
from pathlib import Path

import httpx
import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy import units
from astropy.coordinates import FK4, SkyCoord
from astropy.table import Table

from tests.catalog.web.walls import read_wall

JSON = {"Accept": "application/json"}


@pytest.fixture
def there(galaxies: str) -> tuple[list[int], SkyCoord]:
    """Ten galaxies: their object_ids, and places 1 arcsecond north of them."""
    with psycopg.connect(galaxies) as connection:
        rows = connection.execute(
            "SELECT object_id, ra, dec FROM galcat.galaxy WHERE abs(dec) < 60 ORDER BY mag_r LIMIT 10"
        ).fetchall()
    places = SkyCoord([row[1] for row in rows], [row[2] for row in rows], unit="deg")
    return [row[0] for row in rows], places.directional_offset_by(0 * units.deg, 1 * units.arcsec)


def write(places: SkyCoord, names: list[str], kind: str) -> bytes:
    """A table of places, as each format has them."""
    table = Table({"name": names, "ra": places.ra.deg, "dec": places.dec.deg})
    file = io.BytesIO()
    if kind == "csv":
        spelled = places.to_string("hmsdms", sep=":", precision=4)
        rows = [",".join((name, *text.split())) for name, text in zip(names, spelled, strict=True)]
        return "\n".join(("name,RA,Dec", *rows)).encode()
    if kind == "parquet":
        columns = {name: np.asarray(table[name]).tolist() for name in table.colnames}
        pq.write_table(pa.table(columns), file)
    else:
        table.write(file, format=kind)
    return file.getvalue()


def drop(page: httpx.Client, content: bytes, filename: str, **form: str) -> httpx.Response:
    return page.post("/page/drop", files={"file": (filename, content)}, data=form, headers=JSON)


@pytest.mark.parametrize("kind", ["csv", "votable", "fits", "parquet"])
def test_a_list_shows_its_galaxies_and_names_the_positions_without_one(
    page: httpx.Client, there: tuple[list[int], SkyCoord], kind: str
) -> None:
    ids, places = there
    names = [f"G{i}" for i in range(10)]
    far = places[3].directional_offset_by(90 * units.deg, 90 * units.arcsec)
    ra, dec = np.append(places.ra.deg, far.ra.deg), np.append(places.dec.deg, far.dec.deg)
    content = write(SkyCoord(ra, dec, unit="deg"), [*names, "<b>lost</b>"], kind)
    address = drop(page, content, f"my list.{kind}").json()["address"]
    answer = page.get(address)
    assert set(read_wall(answer)) == set(ids)
    text = re.sub(r"<[^>]+>", "", answer.text)
    assert f"10 of 11 positions of my list.{kind} have a galaxy within 3\u2033; 1 has none:" in text
    expected = f"<b>lost</b>, row 11 at {far.ra.deg:.5f} {far.dec.deg:+.5f}"
    assert f"<li>{html.escape(expected)}</li>" in answer.text
    assert (
        page.post("/page/drop", files={"file": (f"my list.{kind}", content)}).headers["location"] == address
    )


def test_the_radius_counts_and_a_list_without_any_galaxy_shows_none(
    page: httpx.Client, there: tuple[list[int], SkyCoord]
) -> None:
    _, places = there
    content = write(places, [""] * 10, "csv")
    answer = page.get(drop(page, content, "near.csv", radius_arcsec="0.5").json()["address"])
    assert read_wall(answer) == []
    assert "10 have none" in answer.text
    assert "<li>row 10 at " in answer.text


def test_a_list_in_another_frame_is_converted(page: httpx.Client, there: tuple[list[int], SkyCoord]) -> None:
    ids, places = there
    old = places.transform_to(FK4(equinox="B1950"))
    table = Table({"RAJ2000": old.ra.deg, "DEJ2000": old.dec.deg})
    votable = io.BytesIO()
    table.write(votable, format="votable")
    text = votable.getvalue().decode()
    framed = text.replace("<TABLE", '<COOSYS ID="s" system="eq_FK4" equinox="B1950"/><TABLE', 1)
    framed = re.sub(r'<FIELD(?=[^>]*name="(?:RA|DE)J2000")', '<FIELD ref="s"', framed)
    assert set(read_wall(page.get(drop(page, framed.encode(), "old.vot").json()["address"]))) == set(ids)


def big_parquet() -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table({"ra": np.zeros(3_000_000), "dec": np.zeros(3_000_000)}), file)
    return file.getvalue()


def rows(n: int) -> bytes:
    return b"ra,dec\n" + b"1,2\n" * n


NO_LISTS = (
    (b"", "a.csv", "it is empty"),
    (b"\0\1\2" * 50, "a.bin", "NUL"),
    (b"<html><script>alert(1)</script>", "<svg>.csv", "it is no"),
    (b"a,b\n1,2\n", "a.csv", "right ascension"),
    (b"ra,dec\n", "a.csv", "no row"),
    (b"ra,dec\n1,95\n", "a.csv", "row 1: dec = 95"),
    (b"ra,dec\n1,nan\n", "../../etc/passwd", "passwd"),
    (rows(501), "a.csv", "501 rows: the page shows 500 at most; galcat match FILE"),
    (gzip.compress(rows(3)), "a.csv.gz", "compressed"),
    (big_parquet(), "bomb.parquet", "more than"),
    (rows(1_300_000), "big.csv", "more than 5 MB"),
    (b"\x89HDF\r\n\x1a\n" + bytes(600), "a.h5", "it is no VOTable"),
)


def test_what_is_no_list_is_refused_in_one_line_that_names_it(page: httpx.Client) -> None:
    for content, filename, message in NO_LISTS:
        answer = drop(page, content, filename)
        assert answer.status_code == 400, filename
        error = answer.json()["error"]
        assert message in error, (filename, error)
        assert error.startswith((f"{Path(filename).name}: ", f"{Path(filename).name} has ")), error
        assert "/tmp" not in error, error  # noqa: S108 - where the file was, which is nobody's business
        assert "\n" not in error
    assert "radius" in drop(page, rows(1), "a.csv", radius_arcsec="1e9").json()["error"]
    assert "is no number" in drop(page, rows(1), "a.csv", radius_arcsec="<b>").json()["error"]


def test_an_address_that_lies_of_a_list_is_refused_or_shown_as_text(page: httpx.Client) -> None:
    for listed in ("9,3,1", "x", "1,2", "1,2,1e9", "-1,2,3"):
        assert page.get("/", params={"ids": "5", "list": "a", "listed": listed}).status_code == 400, listed
    shown = page.get("/", params={"ids": "5", "list": "<img src=x>", "listed": "0,1,3", "missed": "<script>"})
    assert shown.status_code == 200
    assert "<img src=x>" not in shown.text
    assert "<li><script>" not in shown.text
    many = [("ids", "5"), ("list", "a"), ("listed", "0,300,3"), *[("missed", str(i)) for i in range(101)]]
    assert page.get("/", params=many).status_code == 400
