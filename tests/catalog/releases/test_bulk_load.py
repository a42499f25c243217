"""Loads without the vector index: when, what searches give meanwhile, and an end that is cut off."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import psycopg
import pytest

from catalog.checks.index import check_index
from catalog.database.connection import connect
from catalog.ingestion.writer import write_tile
from catalog.releases.bulk_load import (
    build_search_index_online,
    is_bulk,
    loading,
    others_load,
    set_index_aside,
)
from catalog.releases.releases import (
    build_search_index,
    lacks_search_index,
    list_release_states,
    refresh_statistics,
)
from catalog.search.request import Search
from catalog.search.search import search
from tests.catalog.galaxies import fill, galaxy_rows, tile_record
from tests.waiting import wait_until

N = 200
NAME = "embedding_r1_search_hnsw"


def add_tile(connection: psycopg.Connection, name: str, n: int = 20) -> list[int]:
    """Write one more tile; returns the object_ids of its galaxies."""
    write_tile(connection, 1, 1, tile_record(name), galaxy_rows(n, len(name), prefix=name), [])
    rows = connection.execute(
        "SELECT object_id FROM galcat.source JOIN galcat.tile USING (tile_id) WHERE name = %s", [name]
    ).fetchall()
    return [row[0] for row in rows]


def nearest_are_right(connection: psycopg.Connection) -> bool:
    """Whether a search gives what numpy finds over all vectors."""
    rows = connection.execute("SELECT object_id, search FROM galcat.galaxy ORDER BY 1").fetchall()
    vectors = np.array([row[1].to_numpy() for row in rows], np.float64)
    distance = np.linalg.norm(vectors - vectors[0], axis=1)
    found = search(connection, Search((rows[0][0],), n=10))
    return bool(np.allclose([row[1] for row in found.rows], np.sort(distance)[1:11], atol=1e-5))


@contextmanager
def building(database: str) -> Iterator[Future[bool]]:
    """Meanwhile a session builds the index, and waits for a transaction that writes vectors."""
    with (
        connect(database) as writer,
        connect(database, autocommit=True) as builder,
        connect(database, autocommit=True) as watcher,
        ThreadPoolExecutor(1) as thread,
    ):
        writer.execute("LOCK TABLE galcat.embedding_r1 IN ROW EXCLUSIVE MODE")
        result = thread.submit(build_search_index_online, builder, 1)
        query = "SELECT phase FROM pg_stat_progress_create_index WHERE datname = current_database()"
        waits = ("waiting for writers before build",)
        wait_until(lambda: watcher.execute(query).fetchone() == waits, "the beginning of the build")
        yield result
        writer.rollback()


@pytest.mark.parametrize(
    ("n_new", "n_there", "expected"),
    [
        (20_000, 100_000, True),  # 48 s with the index; 5 s and 33 s to build without
        (20_000, 200_000, False),  # 48 s; 5 s and 61 s
        (9_000, 0, False),  # too few to matter
        (400_000, 2_000_000, True),
        (4_000_000, 2_100_000, False),  # searches would take too long
    ],
)
def test_a_load_is_large_where_building_anew_is_faster(n_new: int, n_there: int, expected: bool) -> None:
    assert is_bulk(n_new, n_there) == expected


def test_the_size_of_a_load_is_judged_by_the_tiles_that_are_there(connection: psycopg.Connection) -> None:
    fill(connection, N)
    build_search_index(connection, 1)
    assert not set_index_aside(connection, 49, is_declared=None)  # of 200 galaxies each
    assert not set_index_aside(connection, 1_000, is_declared=False)
    assert not lacks_search_index(connection, 1)
    assert set_index_aside(connection, 50, is_declared=None)
    assert lacks_search_index(connection, 1)
    assert not set_index_aside(connection, 50, is_declared=None)  # it is gone already


def test_searches_are_right_without_the_index_and_the_end_of_the_load_builds_it(
    connection: psycopg.Connection, database: str
) -> None:
    fill(connection, N)
    assert build_search_index_online(connection, 1)
    assert set_index_aside(connection, 1, is_declared=True)
    with connect(database, autocommit=True) as other, loading(other):
        add_tile(connection, "second")
        assert nearest_are_right(connection)
        assert others_load(connection)
    assert not others_load(connection)
    assert build_search_index_online(connection, 1)
    assert not build_search_index_online(connection, 1)
    refresh_statistics(connection)
    assert [result.name for result in check_index(connection) if not result.passed] == []
    assert connection.execute("SHOW role").fetchone() == ("none",)


def test_tiles_are_written_while_the_index_is_built(connection: psycopg.Connection, database: str) -> None:
    fill(connection, N)
    with building(database) as result:
        ids = add_tile(connection, "meanwhile")
        assert nearest_are_right(connection)
    assert result.result()
    connection.execute("SET enable_seqscan = off; SET enable_sort = off")
    for one in ids:
        nearest = "SELECT object_id FROM galcat.neighbours(%s) ORDER BY distance LIMIT 1"
        assert connection.execute(nearest, [one]).fetchone() == (one,)


@pytest.mark.parametrize("online", [True, False])
def test_a_build_that_was_cut_off_leaves_a_catalogue_that_opens_and_goes_on(
    connection: psycopg.Connection, database: str, online: bool
) -> None:
    fill(connection, N)
    with building(database) as result:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_progress_create_index "
            "WHERE datname = current_database()"
        )
        with pytest.raises(psycopg.errors.AdminShutdown):
            result.result()
    left = connection.execute(
        "SELECT indisvalid FROM pg_index WHERE indexrelid = %s::regclass", [f"galcat.{NAME}"]
    )
    assert left.fetchone() == (False,)
    assert lacks_search_index(connection, 1)
    assert not list_release_states(connection)[0].has_index
    assert nearest_are_right(connection)
    add_tile(connection, "after")
    assert check_index(connection)[0].example == f"{NAME} is invalid"
    build = build_search_index_online if online else build_search_index
    assert build(connection, 1)
    refresh_statistics(connection)
    assert [result.name for result in check_index(connection) if not result.passed] == []
