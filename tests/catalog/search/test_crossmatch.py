"""Lists of positions in the formats, names and units that people have them in."""

from pathlib import Path

import astropy.units as u
import numpy as np
import psycopg
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import MaskedColumn, Table
from astropy.time import Time

from catalog.errors import PositionsError, QueryError
from catalog.ingestion.records import object_id
from catalog.search.crossmatch import match
from catalog.search.positions import read_positions
from tests.catalog.galaxies import fill, galaxy_rows

N = 300
RADIUS = 2.0


@pytest.fixture
def positions_table() -> Table:
    """A list of 30: 20 galaxies shifted by 1.5 arcsec, 10 elsewhere."""
    rows = galaxy_rows(N, seed=0)
    known = SkyCoord(rows.ra[:30], rows.dec[:30], unit="deg")
    moved = known.directional_offset_by(20 * u.deg, np.repeat([1.5, 9], [20, 10]) * u.arcsec)
    return Table({"name": [f"SN {i}" for i in range(30)], "ra": moved.ra.deg, "dec": moved.dec.deg})


@pytest.mark.parametrize("suffix", ["fits", "vot", "ecsv", "csv", "parquet", "txt"])
def test_any_format_finds_the_same_galaxies(
    connection: psycopg.Connection, positions_table: Table, tmp_path: Path, suffix: str
) -> None:
    fill(connection, N)
    file = tmp_path / f"list.{suffix}"
    options = {
        "txt": {"format": "ascii"},
        "dat": {"format": "ascii.fixed_width"},
        "vot": {"format": "votable"},
    }
    positions_table.write(file, **options.get(suffix, {}))
    found = match(connection, read_positions(file), RADIUS, ["mag_r", "ra"])
    rows = galaxy_rows(N, seed=0)
    names = ("name", "ra", "dec", "object_id", "distance_arcsec", "matches", "mag_r", "ra_galcat")
    assert found.columns == names
    assert [row[0] for row in found.rows] == positions_table["name"].tolist()
    assert [row[3] for row in found.rows] == [
        object_id("survey", f"g{i}") if i < 20 else None for i in range(30)
    ]
    np.testing.assert_allclose([row[4] for row in found.rows[:20]], 1.5, atol=1e-6)
    assert [row[5] for row in found.rows] == [1] * 20 + [0] * 10
    magnitudes = [np.nan if row[6] is None else row[6] for row in found.rows[:20]]
    np.testing.assert_allclose(magnitudes, rows.magnitudes["r"][:20], rtol=1e-6)
    np.testing.assert_allclose([row[7] for row in found.rows[:20]], rows.ra[:20])
    assert found.unmatched == list(range(21, 31))
    assert found.ambiguous == []


def test_times_of_the_list_come_back_as_text(connection: psycopg.Connection, tmp_path: Path) -> None:
    fill(connection, 5)
    times = Time(["2020-01-01", "2021-06-01"])
    Table({"ra": [1.0, 2.0], "dec": [3.0, 4.0], "seen": times}).write(tmp_path / "list.ecsv")
    found = match(connection, read_positions(tmp_path / "list.ecsv"), 1, [])
    assert [row[2] for row in found.rows] == ["2020-01-01 00:00:00.000", "2021-06-01 00:00:00.000"]


def test_several_galaxies_in_reach_are_counted_and_the_nearest_is_taken(
    connection: psycopg.Connection, positions_table: Table, tmp_path: Path
) -> None:
    fill(connection, N)
    positions_table.write(tmp_path / "list.fits")
    wide = match(connection, read_positions(tmp_path / "list.fits"), 15 * 3600.0, [])
    rows = galaxy_rows(N, seed=0)
    theirs = SkyCoord(rows.ra, rows.dec, unit="deg")
    for i, row in enumerate(wide.rows):
        here = SkyCoord(positions_table["ra"][i], positions_table["dec"][i], unit="deg")
        angle = here.separation(theirs)
        assert row[3:] == (
            object_id("survey", rows.survey_source_id[int(angle.argmin())]),
            pytest.approx(angle.min().arcsec, rel=1e-6),
            int((angle <= 15 * u.deg).sum()),
        )
    assert wide.ambiguous == [i + 1 for i, row in enumerate(wide.rows) if row[5] > 1]
    assert wide.unmatched == []


@pytest.mark.parametrize(
    ("ra", "dec"),
    [
        (Table({"RAJ2000": [150.1] * u.deg})["RAJ2000"], Table({"DEJ2000": [-2.2] * u.deg})["DEJ2000"]),
        (Table({"ra": np.radians([150.1]) * u.rad})["ra"], Table({"dec": np.radians([-2.2]) * u.rad})["dec"]),
        (Table({"RA": [150.1 / 15] * u.hourangle})["RA"], Table({"Dec": [-132.0] * u.arcmin})["Dec"]),
        (Table({"ra": ["10:00:24"]})["ra"], Table({"dec": ["-02:12:00"]})["dec"]),
        (Table({"ra": ["10h00m24s"]})["ra"], Table({"dec": ["-2d12m"]})["dec"]),
        (Table({"ra": [np.float32(150.1)]})["ra"], Table({"dec": [np.float32(-2.2)]})["dec"]),
    ],
)
def test_units_and_text_become_degrees(tmp_path: Path, ra: object, dec: object) -> None:
    Table([ra, dec]).write(tmp_path / "list.ecsv")
    positions = read_positions(tmp_path / "list.ecsv")
    np.testing.assert_allclose([positions.ra_deg[0], positions.dec_deg[0]], [150.1, -2.2], rtol=1e-6)


def test_columns_of_any_name_may_be_named(tmp_path: Path) -> None:
    Table({"x": [1.0], "y": [2.0], "ra": [99.0], "dec": [9.0]}).write(tmp_path / "list.fits")
    positions = read_positions(tmp_path / "list.fits", "x", "y")
    assert (positions.ra_deg[0], positions.dec_deg[0]) == (1, 2)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (Table({"ra": [1.0, 2.0], "dec": [3.0, 95.0]}), "row 2: dec = 95.0 is nowhere on the sky"),
        (
            Table({"ra": [1.0, np.nan], "dec": [3.0, 4.0]}),
            "row 2: ra has no value: fill it in, or leave the row out",
        ),
        (
            Table({"ra": MaskedColumn([1.0, 2.0], mask=[True, False]), "dec": [3.0, 4.0]}),
            "row 1: ra has no value: fill it in, or leave the row out",
        ),
        (
            Table({"l": [1.0], "b": [3.0]}),
            "no column is called as right ascension usually is; say which of l, b",
        ),
        (Table({"ra": [1.0], "b": [3.0]}), "no column is called as declination usually is"),
        (Table({"ra": ["north"], "dec": [3.0]}), "column ra holds no angles"),
        (Table({"ra": [1.0] * u.kg, "dec": [3.0]}), "column ra holds no angles"),
        (Table({"ra": np.zeros(0), "dec": np.zeros(0)}), "has no row"),
    ],
)
def test_a_wrong_list_is_one_line_that_names_file_and_row(tmp_path: Path, table: Table, message: str) -> None:
    file = tmp_path / "list.ecsv"
    table.write(file)
    with pytest.raises(PositionsError) as caught:
        read_positions(file)
    assert message in str(caught.value)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\x00\x01\x02 no table", b"SIMPLE  =                    T"])
def test_a_file_that_is_no_table_is_one_line(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "list.fits"
    file.write_bytes(content)
    with pytest.raises(PositionsError, match=r"list\.fits") as caught:
        read_positions(file)
    assert "\n" not in str(caught.value)
    text = tmp_path / "list.md"
    text.write_text("One line\n\nand another one, with commas, here\n* a list of things\n")
    with pytest.raises(PositionsError, match=r"list\.md .* in no format that astropy knows"):
        read_positions(text)
    with pytest.raises(PositionsError, match="no such file"):
        read_positions(tmp_path / "gone.fits")
    Table({"ra": [1.0], "dec": [2.0]}).write(tmp_path / "good.fits")
    with pytest.raises(PositionsError, match="has no column 'lon', only ra, dec"):
        read_positions(tmp_path / "good.fits", "lon")


def test_an_unknown_column_of_the_catalogue_is_named(connection: psycopg.Connection, tmp_path: Path) -> None:
    fill(connection, 5)
    Table({"ra": [1.0], "dec": [2.0]}).write(tmp_path / "list.fits")
    with pytest.raises(QueryError, match=r"column g\.magnitude does not exist"):
        match(connection, read_positions(tmp_path / "list.fits"), 3, ["magnitude"])
    with pytest.raises(QueryError, match="crossmatch: radius -"):
        match(connection, read_positions(tmp_path / "list.fits"), -3)
