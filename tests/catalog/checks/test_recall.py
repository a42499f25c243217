"""Recall of the vector index: measured against numpy, kept by time, and an alarm where it is low."""

from dataclasses import replace

import numpy as np
import psycopg
import pytest

from catalog.checks.recall import NEAREST, QUERIES, Recall, judge_recall, keep_recall, measure_recall
from catalog.database.connection import connect
from catalog.releases.releases import build_search_index, refresh_statistics
from tests.catalog.galaxies import fill

N = 3000


def kept(connection: psycopg.Connection) -> list[tuple[object, ...]]:
    return connection.execute(
        "SELECT release_id, occasion, round(recall::numeric, 4)::float, nearest, queries, vectors, "
        "vacuumed_at IS NOT NULL FROM galcat.recall ORDER BY measured_at"
    ).fetchall()


def test_without_galaxies_or_index_there_is_nothing_to_measure(connection: psycopg.Connection) -> None:
    assert measure_recall(connection) is None
    fill(connection, 100)
    assert measure_recall(connection) is None
    build_search_index(connection, 1)
    connection.execute(
        "UPDATE pg_index SET indisvalid = false "
        "WHERE indexrelid = 'galcat.embedding_r1_search_hnsw'::regclass"
    )
    assert measure_recall(connection) is None


def test_it_is_the_share_of_the_nearest_that_the_index_alone_finds(connection: psycopg.Connection) -> None:
    fill(connection, N)
    connection.execute(
        "CREATE INDEX embedding_r1_search_hnsw ON galcat.embedding_r1 "
        "USING hnsw (search public.halfvec_l2_ops) WITH (m = 4, ef_construction = 8)"
    )
    connection.execute("SET hnsw.ef_search = 20")
    measured = measure_recall(connection)
    rows = connection.execute("SELECT object_id, search FROM galcat.galaxy ORDER BY 1").fetchall()
    vectors = np.array([row[1].to_numpy() for row in rows], np.float64)
    found = 0
    connection.execute("SET enable_seqscan = off; SET enable_sort = off")
    for i in range(QUERIES):
        query = "SELECT search <-> (SELECT galcat.vector_of(%s)) FROM galcat.embedding_r1 ORDER BY 1 LIMIT 20"
        near = [row[0] for row in connection.execute(query, [rows[i][0]])]
        furthest = np.sort(np.linalg.norm(vectors - vectors[i], axis=1))[NEAREST - 1]
        found += sum(one <= furthest + 2e-6 for one in near)
    assert measured is not None
    assert replace(measured, vacuumed_at=None) == Recall(1, found, QUERIES * NEAREST, QUERIES, N, None)
    assert measured.share < 0.9
    result = judge_recall(measured)
    assert (result.violations, result.example) == (
        1000 - found,
        f"{1000 - found} of 1000 nearest galaxies not found",
    )
    assert "REINDEX INDEX CONCURRENTLY galcat.embedding_r1_search_hnsw" in result.remedy


def test_measurements_are_kept_with_their_occasion_and_the_last_vacuum(
    connection: psycopg.Connection,
) -> None:
    fill(connection, 200)
    build_search_index(connection, 1)
    refresh_statistics(connection)
    for occasion in ("ingest", "night"):
        measured = measure_recall(connection)
        assert measured is not None
        assert keep_recall(connection, measured, occasion)  # type: ignore[arg-type] # of the tuple
        connection.execute("VACUUM galcat.embedding_r1")
        connection.execute("SELECT pg_stat_force_next_flush()")
    assert kept(connection) == [
        (1, "ingest", 1.0, 20, 50, 200, False),
        (1, "night", 1.0, 20, 50, 200, True),
    ]
    assert judge_recall(measured).passed


def test_a_login_that_may_only_read_measures_and_keeps_nothing(
    connection: psycopg.Connection, database: str
) -> None:
    fill(connection, 200)
    build_search_index(connection, 1)
    visitor = f"visitor_{connection.info.dbname}"
    connection.execute(f"CREATE ROLE {visitor} LOGIN IN ROLE galcat_reader".encode())
    try:
        url = database.replace("postgres@", f"{visitor}@")
        with connect(url, autocommit=True) as reader:
            measured = measure_recall(reader)
            assert measured is not None
            assert measured.share == pytest.approx(1)
            assert not keep_recall(reader, measured, "check")
    finally:
        connection.execute(f"DROP ROLE {visitor}".encode())
    assert kept(connection) == []
