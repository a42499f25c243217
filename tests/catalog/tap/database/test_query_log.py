"""What the log of queries keeps, and for how long."""

from pathlib import Path

import httpx
import psycopg

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
