"""Neighbours against numpy, by index and without, in the order and number that brute force gives."""

import numpy as np
import psycopg
import pytest

from catalog.errors import QueryError, UnknownObjectError
from catalog.query import run_query
from catalog.records import object_id
from catalog.release import build_search_index, refresh_statistics
from catalog.search import galaxy_at, similar, similar_to_vector
from catalog.thumbnails import thumbnails
from tests.catalog.galaxies import fill, galaxy_rows

N = 1500


@pytest.fixture
def indexed(connection: psycopg.Connection) -> psycopg.Connection:
    """A catalogue with its vector index and statistics."""
    _, release_id = fill(connection, N)
    assert build_search_index(connection, release_id)
    refresh_statistics(connection)
    return connection


def nearest(query: np.ndarray, n: int) -> list[tuple[int, float]]:
    """object_id and distance of the n nearest, with the rounding of the stored halves."""
    rows = galaxy_rows(N, seed=0)
    stored = rows.search.astype(np.float16).astype(np.float64)
    distance = np.linalg.norm(stored - query.astype(np.float16).astype(np.float64), axis=1)
    order = np.argsort(distance)[:n]
    return [(object_id("survey", rows.survey_source_id[i]), float(distance[i])) for i in order]


@pytest.mark.parametrize("n", [1, 10, 200, N - 1, N + 10])
def test_similar_gives_what_brute_force_gives(indexed: psycopg.Connection, n: int) -> None:
    rows = galaxy_rows(N, seed=0)
    for i in (0, 17, 1234):
        found = similar(indexed, object_id("survey", f"g{i}"), n)
        wanted = nearest(rows.search[i], n + 1)[1:]
        assert len(found.rows) == len(wanted)
        recall = len({row[0] for row in found.rows} & {row[0] for row in wanted}) / len(wanted)
        assert recall >= 0.95
        assert [row[1] for row in found.rows] == sorted(row[1] for row in found.rows)
        distances = dict(wanted)
        for row in found.rows:
            assert row[1] == pytest.approx(distances.get(row[0], row[1]), abs=1e-5)


def test_a_vector_finds_its_galaxy(indexed: psycopg.Connection) -> None:
    rows = galaxy_rows(N, seed=0)
    found = similar_to_vector(indexed, rows.search[5], 3)
    assert [row[0] for row in found.rows] == [row[0] for row in nearest(rows.search[5], 3)]
    assert found.rows[0][1] == pytest.approx(0, abs=1e-6)


def test_an_unknown_galaxy_is_an_error_that_names_it(indexed: psycopg.Connection) -> None:
    with pytest.raises(QueryError, match="no galaxy has object_id 12"):
        similar(indexed, 12, 3)
    with pytest.raises(QueryError, match="no galaxy has object_id 12"):
        run_query(indexed, "SELECT galcat.morph_distance(12, 12)")
    with pytest.raises(UnknownObjectError, match=r'no galaxy within 3" of \(1.5, 89.5\)'):
        galaxy_at(indexed, 1.5, 89.5, 3)
    with pytest.raises(UnknownObjectError, match="object_id 12 has no picture"):
        thumbnails(indexed, [12])


def test_a_limit_inside_acts_before_filters_and_neighbours_after(indexed: psycopg.Connection) -> None:
    identity = object_id("survey", "g0")
    inside = run_query(
        indexed,
        f"SELECT count(*) FROM galcat.similar_to({identity}, 50) JOIN galcat.galaxy USING (object_id) "  # noqa: S608
        "WHERE mag_r < 15",
    )
    outside = run_query(
        indexed,
        "SELECT count(*) FROM (SELECT object_id "  # noqa: S608
        f"FROM galcat.neighbours({identity}) AS n JOIN galcat.galaxy AS g USING (object_id) "
        "WHERE g.mag_r < 15 ORDER BY n.distance LIMIT 50) AS x",
    )
    assert int(str(inside.rows[0][0])) < 50
    assert outside.rows == [(50,)]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT object_id FROM galcat.galaxy "
        "ORDER BY search OPERATOR(public.<->) galcat.vector_of({id}) LIMIT 10",
        "SELECT object_id FROM galcat.neighbours({id}) ORDER BY distance LIMIT 10",
        "SELECT * FROM galcat.similar_to({id}, 10)",
        "SELECT * FROM galcat.similar_to_many('{{{id}}}', '{{}}', 10)",
        "SELECT g.ra FROM galcat.neighbours({id}) AS n JOIN galcat.galaxy AS g USING (object_id) "
        "WHERE g.mag_r < 18 ORDER BY n.distance LIMIT 10",
    ],
)
def test_similarity_uses_the_vector_index_as_the_reader(connection: psycopg.Connection, query: str) -> None:
    _, release_id = fill(connection, N)
    for tile in range(8):  # enough rows that the index is worth it
        connection.execute(
            "INSERT INTO galcat.embedding SELECT object_id + %(tile)s, release_id, search "
            "FROM galcat.embedding WHERE object_id %% 11 = 0 OR %(tile)s = 1 ON CONFLICT DO NOTHING",
            {"tile": tile},
        )
    connection.execute(
        "INSERT INTO galcat.source SELECT e.object_id, 1, 'copy' || e.object_id, 1, 10, 10, 0 "
        "FROM galcat.embedding AS e ON CONFLICT DO NOTHING"
    )
    build_search_index(connection, release_id)
    refresh_statistics(connection)
    connection.execute("SET search_path = ''")
    text = query.format(id=object_id("survey", "g0"))
    plan = "\n".join(str(row[0]) for row in run_query(connection, f"EXPLAIN {text}").rows)
    assert "_search_hnsw" in plan, plan


def test_the_index_is_built_once(indexed: psycopg.Connection) -> None:
    assert not build_search_index(indexed, 1)
