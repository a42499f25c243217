"""Lists of positions and of galaxies, against astropy and numpy."""

import astropy.units as u
import numpy as np
import psycopg
import pytest
from astropy.coordinates import SkyCoord, search_around_sky

from catalog.database.read_only import run_query, select
from catalog.errors import QueryError
from catalog.ingestion.records import object_id
from catalog.releases.releases import build_search_index, refresh_statistics
from tests.catalog.galaxies import fill, galaxy_rows

N = 1500
MATCH = (
    "SELECT position_number, object_id, distance "
    "FROM galcat.crossmatch(%(ra)s, %(dec)s, %(radius)s, %(nearest)s)"
)


@pytest.fixture
def filled(connection: psycopg.Connection) -> psycopg.Connection:
    _, release_id = fill(connection, N)
    assert build_search_index(connection, release_id)
    refresh_statistics(connection)
    return connection


@pytest.mark.parametrize("nearest", [True, False])
def test_positions_are_matched_as_astropy_matches_them(filled: psycopg.Connection, nearest: bool) -> None:
    rows = galaxy_rows(N, seed=0)
    rng = np.random.default_rng(4)
    ra, dec = rng.uniform(-10, 370, 200), np.degrees(np.arcsin(rng.uniform(-1, 1, 200)))
    ra, dec = np.append(ra, [0, 77]), np.append(dec, [90, -90])
    radius = 2.5
    parameters = {"ra": ra.tolist(), "dec": dec.tolist(), "radius": radius, "nearest": nearest}
    found = select(filled, MATCH, parameters).rows
    ours, theirs = SkyCoord(ra, dec, unit="deg"), SkyCoord(rows.ra, rows.dec, unit="deg")
    i, j, angle, _ = search_around_sky(ours, theirs, radius * u.deg)
    order = np.lexsort((angle.deg, i))
    i, j, degrees = i[order], j[order], angle.deg[order]
    if nearest:
        first = np.unique(i, return_index=True)[1]
        i, j, degrees = i[first], j[first], degrees[first]
    expected = [
        (int(a) + 1, object_id("survey", rows.survey_source_id[b])) for a, b in zip(i, j, strict=True)
    ]
    assert [row[:2] for row in found] == expected
    np.testing.assert_allclose([row[2] for row in found], degrees, rtol=1e-9)
    assert 50 < len({row[0] for row in found}) < 202
    assert nearest or len(found) > len({row[0] for row in found})


def test_no_position_matches_nothing(filled: psycopg.Connection) -> None:
    assert run_query(filled, "SELECT * FROM galcat.crossmatch('{}', '{}', 1)").rows == []


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("crossmatch('{1,2}', '{3}', 1)", "crossmatch: 2 right ascensions, but 1 declinations"),
        ("crossmatch('{1,2}', '{3,NaN}', 1)", "crossmatch: position 2 is (2, NaN), nowhere on the sky"),
        ("crossmatch('{1,NULL}', '{3,4}', 1)", "crossmatch: position 2 is (NULL, 4), nowhere on the sky"),
        ("crossmatch('{1}', '{3}', -1)", "crossmatch: radius -1 is not between 0 and 180 degrees"),
        ("crossmatch('{1}', '{3}', NULL)", "crossmatch: radius NULL is not between 0 and 180 degrees"),
        ("similar_to_many('{}', '{}', 3)", "similar_to_many: no galaxy is wanted"),
        ("similar_to_many('{12}', '{}', 3)", "no galaxy has object_id 12"),
    ],
)
def test_a_wrong_list_is_an_error_that_names_the_value(
    filled: psycopg.Connection, call: str, message: str
) -> None:
    with pytest.raises(QueryError) as caught:
        run_query(filled, f"SELECT * FROM galcat.{call}")
    assert message in str(caught.value)


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("unwanted", [[], [7, 8], None])
def test_what_is_like_several_lies_between_them_and_away_from_the_unwanted(
    filled: psycopg.Connection, unwanted: list[int] | None, exact: bool
) -> None:
    rows = galaxy_rows(N, seed=0)
    stored = rows.search.astype(np.float16).astype(np.float32)
    wanted = [3, 4, 5]
    query = stored[wanted].mean(axis=0)
    if unwanted:
        query = query + (query - stored[unwanted].mean(axis=0)) * np.float32(0.5)
    distance = np.linalg.norm(stored - query.astype(np.float16), axis=1)
    listed = {*wanted, *(unwanted or [])}
    order = [i for i in np.argsort(distance) if i not in listed][:12]
    identities = {
        name: None if chosen is None else [object_id("survey", f"g{i}") for i in chosen]
        for name, chosen in (("wanted", wanted), ("unwanted", unwanted))
    }
    text = "SELECT object_id, distance FROM galcat.similar_to_many(%(wanted)s, %(unwanted)s, 12)"
    if exact:
        filled.execute("DROP INDEX galcat.embedding_r1_search_hnsw")
    found = select(filled, text, identities).rows
    near = {object_id("survey", rows.survey_source_id[i]): distance[i] for i in order}
    assert len(found) == 12
    assert len(near.keys() & {row[0] for row in found}) >= (12 if exact else 11)
    assert [row[1] for row in found] == pytest.approx([near.get(row[0], row[1]) for row in found], abs=2e-3)
