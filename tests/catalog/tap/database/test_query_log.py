"""What the log of queries keeps, and for how long."""

from pathlib import Path

import httpx
import psycopg

from catalog.tap.database.query_log import forget_old_queries
from catalog.tap.limits import ServiceLimits
from tests.catalog.tap.tap_server import TapServer, serving
from tests.waiting import wait_until

COUNT = "SELECT COUNT(*) AS n FROM galcat.galaxy"


def test_a_long_query_is_cut_in_the_log(served: TapServer) -> None:
    query = COUNT + " " * 60_000 + "WHERE ra > 0"
    assert served.ask(query).status_code == 200
    httpx.post(f"{served.url}/tap/async", data={"QUERY": query, "LANG": "x" * 60_000, "PHASE": "RUN"})
    wait_until(lambda: served.value("SELECT count(*) FROM galcat_tap.query_log") == "2")
    longest = "SELECT max(greatest(length(query), length(language), length(error))) FROM galcat_tap.query_log"
    assert served.value(longest) == "10000"
    assert served.value("SELECT min(rtrim(query)) FROM galcat_tap.query_log") == COUNT


def test_rows_of_the_log_are_forgotten_after_90_days(
    galaxies: str, tmp_path: Path, limits: ServiceLimits
) -> None:
    with psycopg.connect(galaxies, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO galcat_tap.query_log (asked_at, interface, query, phase) "
            "SELECT now() - make_interval(days => d), 'sync', d, 'COMPLETED' "
            "FROM unnest('{1,89,91,400}'::int[]) AS d"
        )
    with serving(galaxies, tmp_path, limits) as served:
        kept = "SELECT array_agg(query ORDER BY query::int) FROM galcat_tap.query_log"
        assert served.value(kept) == "['1', '89']"


def test_the_log_is_bounded_in_bytes_however_fast_it_grew(galaxies: str) -> None:
    with psycopg.connect(galaxies, autocommit=True) as connection:
        connection.execute(  # texts as they are, so that their lengths are their bytes
            "ALTER TABLE galcat_tap.query_log ALTER COLUMN query SET STORAGE EXTERNAL"
        )
        connection.execute(
            "INSERT INTO galcat_tap.query_log (interface, phase, query) SELECT 'sync', 'COMPLETED', "
            "string_agg(md5(i || ' ' || j), '') "
            "FROM generate_series(1, 1000) AS i, generate_series(1, 100) AS j "
            "GROUP BY i ORDER BY i"
        )
        kept = "SELECT count(*), sum(length(query)), min(query_id) FROM galcat_tap.query_log"
        forget_old_queries(connection, 90, 10_000_000)
        assert connection.execute(kept).fetchone() == (1000, 3_200_000, 1)
        forget_old_queries(connection, 90, 500_000)
        n, n_bytes, first = connection.execute(kept).fetchone() or (0, 0, 0)
        assert 400_000 < n_bytes < 500_000
        assert first == 1001 - n  # the oldest went
