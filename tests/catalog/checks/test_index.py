"""The vector index: missing, invalid, blind, and as it should be."""

import psycopg

from catalog.checks.index import check_index
from catalog.releases.releases import build_search_index, refresh_statistics
from tests.catalog.galaxies import fill

N = 3000


def test_an_empty_catalogue_and_one_with_its_index_pass(connection: psycopg.Connection) -> None:
    assert all(result.passed for result in check_index(connection))
    _, release_id = fill(connection, N)
    build_search_index(connection, release_id)
    refresh_statistics(connection)
    results = check_index(connection)
    assert [result.name for result in results] == ["indexes", "sky_counts", "index_recall"]
    assert all(result.passed for result in results)
    recall = results[-1]
    assert "asked for 50 galaxies" in recall.description


def test_a_missing_and_an_invalid_index_are_named_with_what_mends_them(
    connection: psycopg.Connection,
) -> None:
    _, release_id = fill(connection, 100)
    missing, counts = check_index(connection)
    assert (missing.violations, missing.example) == (35, "embedding_r1_search_hnsw is missing")
    assert (counts.violations, counts.example) == (100, "0 galaxies counted, 100 there")
    for result in (missing, counts):
        connection.execute(result.remedy.split(": ", 1)[1].encode())
    assert all(result.passed for result in check_index(connection))
    connection.execute(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = "
        "to_regclass('galcat.' || galcat.search_index_name(%s::smallint))",
        [release_id],
    )
    connection.execute("DROP INDEX galcat.source_sky")
    invalid, _ = check_index(connection)
    assert (invalid.violations, invalid.example) == (2, "embedding_r1_search_hnsw is invalid")
    connection.execute(invalid.remedy.split(": ", 1)[1].encode())
    missing, *_ = check_index(connection)
    assert missing.example == "source_sky is missing"
    connection.execute(missing.remedy.split(": ", 1)[1].encode())
    assert all(result.passed for result in check_index(connection))
    # What a REINDEX CONCURRENTLY that was cut off leaves is one index too many.
    connection.execute("CREATE INDEX source_sky_ccnew1 ON galcat.source USING gist (point(ra, dec))")
    connection.execute(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'galcat.source_sky_ccnew1'::regclass"
    )
    left, *_ = check_index(connection)
    assert left.example == "source_sky_ccnew1 is invalid"
    connection.execute(left.remedy.split(": ", 1)[1].encode())
    assert connection.execute("SELECT to_regclass('galcat.source_sky_ccnew1')").fetchone() == (None,)
    assert all(result.passed for result in check_index(connection))


def test_an_index_that_misses_the_nearest_is_told(connection: psycopg.Connection) -> None:
    fill(connection, N)
    connection.execute(
        "CREATE INDEX embedding_r1_search_hnsw ON galcat.embedding_r1 "
        "USING hnsw (search public.halfvec_l2_ops) WITH (m = 2, ef_construction = 4)"
    )
    refresh_statistics(connection)
    connection.execute("SET hnsw.ef_search = 1; SET hnsw.iterative_scan = strict_order")
    connection.execute("SELECT galcat.build_cut_indexes(1::smallint)")
    present, _, recall = check_index(connection)
    assert present.passed
    assert not recall.passed
    assert recall.violations > 10
    assert "of 1000 nearest galaxies not found" in str(recall.example)
