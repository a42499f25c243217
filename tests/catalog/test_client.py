"""The catalogue as a notebook uses it: any kind of target, tables in and out, units and NULLs kept."""

from collections.abc import Iterator
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
from catalog.errors import QueryError, UnknownObjectError
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


def test_a_cone_that_lacks_its_radius_is_refused_in_a_line(catalogue: Catalogue) -> None:
    with pytest.raises(
        QueryError, match=r"^near=\(150, 2\) has 2 numbers: give ra, dec and radius, all in deg"
    ):
        catalogue.search("g7", near=(150, 2))  # type: ignore[arg-type]


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
