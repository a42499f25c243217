"""The catalogue as a notebook uses it: any kind of target, tables in and out, units and NULLs kept."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import psycopg
import pytest
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.coordinates.name_resolve import sesame_url
from astropy.table import Table

from catalog.client import Catalogue
from catalog.errors import CatalogError, QueryError, UnknownObjectError
from catalog.ingestion.records import object_id
from catalog.releases.releases import build_search_index, refresh_statistics
from catalog.search.memory import galaxy_memory
from tests.catalog.galaxies import fill, galaxy_rows

N = 300


@pytest.fixture
def catalogue(connection: psycopg.Connection, database: str) -> Iterator[Catalogue]:
    """An open catalogue of N galaxies."""
    _, release_id = fill(connection, N)
    build_search_index(connection, release_id)
    refresh_statistics(connection)
    with Catalogue(database) as opened:
        yield opened


def test_a_galaxy_is_found_by_id_name_position_list_and_vector(catalogue: Catalogue) -> None:
    rows = galaxy_rows(N, seed=0)
    identity = object_id("survey", "g7")
    wanted = catalogue.search(identity, n=5).rows
    assert len(wanted) == 5
    assert identity not in [row[0] for row in wanted]
    place = (float(rows.ra[7]), float(rows.dec[7]))
    written = SkyCoord(*place, unit="deg").to_string("hmsdms", sep="", precision=2).replace(" ", "")
    for like in ("g7", "survey:g7", f"IAU J{written}", place, [identity], np.int64(identity)):
        assert catalogue.search(like, n=5).rows == wanted  # type: ignore[arg-type]
    assert catalogue.search(rows.search[7], n=6).rows[1:] == wanted


def test_conditions_columns_and_the_other_arguments_arrive(catalogue: Catalogue) -> None:
    rows = galaxy_rows(N, seed=0)
    identity, other = (object_id("survey", name) for name in ("g7", "g8"))
    near = (float(rows.ra[7]), float(rows.dec[7]), 60.0)
    found = catalogue.search(
        identity,
        unlike=[other],
        n=500,
        near=near,
        where="mag_r < 17",
        columns=["mag_r", "ra", "dec"],
        exact=True,
        distinct=True,
    )
    assert found.columns == ("object_id", "distance", "mag_r", "ra", "dec")
    centre = SkyCoord(near[0], near[1], unit="deg")
    inside = SkyCoord(rows.ra, rows.dec, unit="deg").separation(centre).deg <= 60
    kept = inside & (rows.magnitudes["r"] < 17)
    kept[[7, 8]] = False
    ids = {object_id("survey", f"g{i}") for i in np.flatnonzero(kept)}
    assert set(found["object_id"]) == ids
    with pytest.raises(QueryError, match="the answer has no column 'nosuch', only object_id, distance"):
        found["nosuch"]


def test_answers_become_tables_with_units_and_nulls(catalogue: Catalogue) -> None:
    rows = galaxy_rows(N, seed=0)
    query = (
        "SELECT object_id, ra, petro_th50, shape_r, mag_r, tile, search, mag_r < 16 AS bright, "
        "count(*) OVER () AS n FROM galcat.galaxy ORDER BY survey_source_id LIMIT 40"
    )
    names = sorted(rows.survey_source_id)[:40]
    at = [int(name[1:]) for name in names]
    ids = [object_id("survey", name) for name in names]
    result = catalogue.sql(query)
    table = result.to_astropy()
    assert table["object_id"].tolist() == ids
    assert table["ra"].unit == units.deg
    assert table["ra"].description == "Right ascension, ICRS"
    assert table["shape_r"].unit == units.arcsec
    assert table["mag_r"].unit == units.mag
    assert table["mag_r"].dtype == np.float32
    assert table["petro_th50"].mask.all()
    assert table["petro_th50"].dtype == np.float32
    np.testing.assert_array_equal(table["mag_r"].mask, np.isnan(rows.magnitudes["r"][at]))
    np.testing.assert_array_equal(table["search"], rows.search[at].astype(np.float16))
    frame = result.to_pandas()
    assert frame["object_id"].tolist() == ids
    assert str(frame.dtypes["object_id"]) == "Int64"
    assert str(frame.dtypes["bright"]) == "boolean"
    assert frame["bright"].isna().tolist() == np.isnan(rows.magnitudes["r"][at]).tolist()
    np.testing.assert_array_equal(frame["mag_r"], rows.magnitudes["r"][at])
    assert frame["tile"].tolist() == ["tile"] * 40
    assert catalogue.sql("SELECT ra FROM galcat.galaxy LIMIT 0").to_pandas().empty
    with pytest.raises(QueryError, match="two columns are named 'a'"):
        catalogue.sql("SELECT 1 AS a, 2 AS a").to_astropy()


def test_a_table_is_matched_and_searched_by(catalogue: Catalogue, tmp_path: Path) -> None:
    rows = galaxy_rows(N, seed=0)
    table = Table({"name": ["a", "b", "c"], "RA": [*rows.ra[:2], 1.0], "Dec": [*rows.dec[:2], 89.9]})
    ids = tuple(object_id("survey", f"g{i}") for i in (0, 1))
    frame = table.to_pandas()
    path = tmp_path / "list.csv"
    table.write(path)
    for positions in (table, frame, path, str(path)):
        found = catalogue.match(positions, radius_arcsec=1, columns=["shape_r"])
        assert found.object_ids == ids
        assert found.unmatched == [3]
        assert found["object_id"] == [*ids, None]
    assert found.to_astropy()["distance_arcsec"].unit == units.arcsec
    assert isinstance(found.to_pandas(), pd.DataFrame)
    assert found.result is found  # an older name
    assert len(catalogue.search(found.object_ids, n=4).rows) == 4
    assert set(catalogue.pictures(ids)) == set(ids)


def test_a_name_that_nobody_knows_is_one_line(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnknownObjectError, match=r'J000000.0\+895959: no galaxy within 3" of'):
        catalogue.search("J000000.0+895959")
    with pytest.raises(UnknownObjectError, match="holds no position"):
        catalogue.search("J000000.0+995959")
    rows = galaxy_rows(N, seed=0)
    known = {"NGC 7": SkyCoord(rows.ra[7], rows.dec[7], unit="deg")}  # what the name service would say
    monkeypatch.setattr(SkyCoord, "from_name", known.__getitem__)
    assert catalogue.search("NGC 7", n=3).rows == catalogue.search("g7", n=3).rows


def test_a_name_service_that_does_not_answer_is_one_line(catalogue: Catalogue) -> None:
    with (
        sesame_url.set(["http://127.0.0.1:9/"]),
        pytest.raises(UnknownObjectError, match="no survey in the catalogue has an id 'M 51'") as error,
    ):
        catalogue.search("M 51")
    assert "\n" not in str(error.value)


WRONG = {
    "near lacks its radius": (
        {"near": (150, 2)},
        "near=(150, 2) lacks radius: give (ra, dec, radius), all in",
    ),
    "near lacks more": ({"near": [150.0]}, "near=[150.0] lacks dec and radius: give (ra, dec, radius)"),
    "near is empty": ({"near": ()}, "near=() lacks ra and dec and radius: give (ra, dec, radius)"),
    "near has more": ({"near": (1, 2, 3, 4)}, "near=(1, 2, 3, 4) has 4 numbers: give (ra, dec, radius)"),
    "near is a number": ({"near": 150}, "near=150 is no cone: give (ra, dec, radius), all in degrees"),
    "near is a text": ({"near": "150 2 1"}, "near='150 2 1' is no cone: give (ra, dec, radius), all in"),
    "near holds a text": ({"near": (150, "2", 1)}, "near: dec = '2' is no number of degrees"),
    "near holds nothing": ({"near": (150, None, 1)}, "near: dec = None is no number of degrees"),
    "near is a mass": ({"near": (150, 2, 1 * units.kg)}, "near: radius = <Quantity 1. kg> is no angle"),
    "near is a place alone": ({"near": [SkyCoord(1, 2, unit="deg")]}, "lacks radius: give (ra, dec, radius)"),
    "near is a bare place": ({"near": SkyCoord(1, 2, unit="deg")}, "is one value: give it in brackets"),
    "near holds an array": (
        {"near": (np.array([1.0, 2.0]), 2, 1)},
        "near: ra = array([1., 2.]) is no number of degrees",
    ),
    "n is an array": ({"n": np.array([1, 2])}, "n: array([1, 2]) is no whole number"),
    "unlike has two axes": (
        {"unlike": np.array([[1, 2], [3, 4]])},
        "unlike: array([1, 2]) is no whole number",
    ),
    "near is turned": ({"near": (150, 2, -1)}, "cone: radius -1 is not between 0 and 180 degrees"),
    "n is a fraction": ({"n": 2.5}, "n: 2.5 is no whole number"),
    "n is a text": ({"n": "10"}, "n: '10' is no whole number"),
    "n is nothing": ({"n": None}, "n: None is no whole number"),
    "n is true": ({"n": True}, "n: True is no whole number"),
    "n is 0": ({"n": 0}, "n is 0: ask for one galaxy or more"),
    "unlike is a name": ({"unlike": "g7"}, "unlike='g7' is no list of object_ids: give whole numbers"),
    "unlike holds fractions": ({"unlike": [1.5e18]}, "unlike: 1.5e+18 is no whole number; a column of frac"),
    "where is a number": ({"where": 5}, "where=5 is no text: write the condition in quotes"),
    "columns are a number": ({"columns": 5}, "columns=5 are no names of columns: give a list of texts"),
    "columns hold a number": ({"columns": ["ra", 5]}, "columns=['ra', 5] are no names of columns"),
    "like is nothing": ({"like": None}, "None is no galaxy: give an object_id, a name, a position (ra, dec)"),
    "like is empty": ({"like": []}, "[] is no galaxy: give an object_id, a name, a position (ra, dec)"),
    "like is a number": ({"like": 1.5}, "1.5 is no galaxy: give an object_id, a name, a position (ra, dec)"),
    "like is true": ({"like": True}, "True is no galaxy: give an object_id, a name, a position (ra, dec)"),
    "like are names": ({"like": ["g7", "g8"]}, "['g7', 'g8'] is no galaxy: give an object_id, a name"),
    "like is a table": ({"like": {"ra": 1, "dec": 2}}, "{'ra': 1, 'dec': 2} is no galaxy: give an object_id"),
    "like is whole": (
        {"like": (150, 2)},
        "(150, 2) would be two object_ids: a position has decimals, (150.0,",
    ),
    "like is long": (
        {"like": np.zeros(41, np.float32)},
        "41 numbers are no galaxy: a position has 2, a search",
    ),
    "like is flat": (
        {"like": np.zeros((2, 40))},
        "is no galaxy: give an object_id, a name, a position (ra, dec)",
    ),
    "like are places": ({"like": SkyCoord([1, 2], [3, 4], unit="deg")}, "2 positions: catalogue.match finds"),
    "like is unknown": ({"like": 2**70}, "no galaxy has object_id 1180591620717411303424"),
    "like is nowhere": ({"like": (150.0, 95.0)}, "95"),
    "like is no number": ({"like": (float("nan"), 2.0)}, "cone: right ascension NaN is not between -360 and"),
    "a vector of no numbers": ({"like": np.full(40, np.nan, np.float32)}, "NaN"),
}


def test_an_argument_of_another_kind_is_refused_in_a_line(catalogue: Catalogue) -> None:
    for name, (arguments, said) in WRONG.items():
        with pytest.raises(CatalogError) as error:
            catalogue.search(**{"like": "g7"} | arguments)  # type: ignore[arg-type]

        assert said in str(error.value), name
        assert "\n" not in str(error.value), name


WRONG_CALLS: tuple[tuple[Callable[[Catalogue], object], str], ...] = (
    (lambda one: one.match(5), "positions are a table of astropy or pandas or a file's path, not a int"),
    (lambda one: one.match("none.csv"), "none.csv: no such file"),
    (
        lambda one: one.match(Table({"ra": [1.0], "dec": [2.0]}), radius_arcsec="3"),
        "radius_arcsec='3' is no number",
    ),
    (lambda one: one.neighbours([2**70]), "object_ids: no galaxy has object_id 1180591620717411303424"),
    (lambda one: one.neighbours("g7"), "object_ids='g7' is no list of object_ids: give whole numbers"),
    (lambda one: one.neighbours([1], n="5"), "n: '5' is no whole number"),
    (lambda one: one.pictures([1.0]), "object_ids: 1.0 is no whole number"),
    (lambda one: one.sql(5), "query=5 is no text"),
)


def test_the_other_calls_refuse_what_is_of_another_kind(catalogue: Catalogue) -> None:
    for call, said in WRONG_CALLS:
        with pytest.raises(CatalogError) as error:
            call(catalogue)

        assert said in str(error.value)


def test_a_position_of_astropy_in_any_frame_is_a_galaxy_and_the_middle_of_a_cone(
    catalogue: Catalogue,
) -> None:
    rows = galaxy_rows(N, seed=0)
    place = SkyCoord(rows.ra[7], rows.dec[7], unit="deg").galactic
    expected = catalogue.search("g7", n=5, near=(float(rows.ra[7]), float(rows.dec[7]), 90.0)).rows

    assert catalogue.search(place, n=5, near=(place, 90.0)).rows == expected
    assert catalogue.search(place, n=np.int64(5), near=(place, np.pi / 2 * units.rad)).rows == expected
    named = catalogue.search(place, n=5, columns="ra, dec", unlike=object_id("survey", "g8"), where=None)
    assert named.columns == ("object_id", "distance", "ra", "dec")


def test_a_session_may_hold_the_galaxies_in_memory(
    connection: psycopg.Connection, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(galaxy_memory, "MIN_GALAXIES", 1)
    fill(connection, N)
    identity = object_id("survey", "g7")
    with Catalogue(database) as without, Catalogue(database, in_memory=True) as held:
        assert held._memory is not None
        assert held._memory.wait().phase == "held"
        for where in ("mag_r < 17", "survey = 'none'"):
            found = held.search(identity, n=20, where=where)
            assert found.rows == without.search(identity, n=20, where=where, exact=True).rows
            assert found.is_exact
    assert held._memory.state.phase == "off"
