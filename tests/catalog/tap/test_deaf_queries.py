"""Queries whose process in Postgres listens to nothing any more: nobody waits for them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import psutil  # type: ignore[import-untyped] # it ships no types
import psycopg
import pytest

from catalog.tap.database import connections
from catalog.tap.limits import ServiceLimits
from catalog.tap.queries import run_query
from catalog.tap.uploads.postgres_tables import drop_stale
from tests.catalog.tap.tap_server import COUNT, RUNAWAY, TABLES, TapServer, serving, statuses, upload
from tests.waiting import wait_until


@pytest.fixture
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_CANCEL_S", "_TERMINATE_S", "_TERMINATE_AGAIN_S"):
        monkeypatch.setattr(run_query, name, 0.2)


@contextmanager
def stopped_backend(served: TapServer) -> Iterator[psutil.Process]:
    """The process of Postgres that works on the one query, which listens to no signal any more."""
    query = (
        "SELECT coalesce(min(pid), 0) FROM pg_stat_activity WHERE datname = current_database() "
        "AND usename = 'galcat_public' AND state = 'active' AND backend_type = 'client backend' "
        "AND query ~* 'cross join'"
    )
    pids: list[int] = []
    wait_until(lambda: pids.append(int(served.value(query))) or pids[-1] > 0)
    backend = psutil.Process(pids[-1])
    backend.suspend()
    try:
        yield backend
    finally:
        backend.resume()


@pytest.mark.usefixtures("short_patience")
def test_a_query_that_listens_neither_to_its_timeout_nor_to_its_end_keeps_no_request_waiting(
    galaxies: str, tmp_path: Path, limits: ServiceLimits
) -> None:
    with serving(galaxies, tmp_path, replace(limits, sync_seconds=8)) as served:
        with ThreadPoolExecutor(1) as client:
            asked = client.submit(served.ask, RUNAWAY)
            with stopped_backend(served) as backend:
                refused = asked.result()
                assert (refused.status_code, statuses(refused)) == (400, ["ERROR"])
                assert "the query took longer than 8 s and was cancelled" in refused.text
                assert served.ask(COUNT, FORMAT="csv").text.split() == ["n", "300"]
                assert "galcat_abandoned_backends 1.0" in httpx.get(f"{served.url}/metrics").text
                assert backend.is_running()
        # It ends as soon as it listens, and is forgotten.
        wait_until(lambda: "galcat_abandoned_backends 0.0" in httpx.get(f"{served.url}/metrics").text)
        wait_until(lambda: not backend.is_running())


@pytest.mark.usefixtures("short_patience")
def test_a_job_whose_query_listens_to_nothing_is_aborted_all_the_same_and_others_run(
    served: TapServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = served.make_job(RUNAWAY, PHASE="RUN")
    with stopped_backend(served):
        httpx.post(f"{url}/phase", data={"PHASE": "ABORT"})
        assert httpx.get(f"{url}/phase").text == "ABORTED"
        wait_until(lambda: "galcat_abandoned_backends 1.0" in httpx.get(f"{served.url}/metrics").text)
        next_one = served.make_job(COUNT, PHASE="RUN")
        wait_until(lambda: httpx.get(f"{next_one}/phase").text == "COMPLETED")
        monkeypatch.setattr(connections, "MAX_ABANDONED", 1)
        full = served.ask(COUNT)
        assert (full.status_code, "1 queries do not end although they were stopped" in full.text) == (
            503,
            True,
        )
        assert httpx.get(f"{served.url}/health/ready").status_code == 503
    wait_until(lambda: served.ask(COUNT).status_code == 200)


@pytest.mark.usefixtures("short_patience")
def test_the_table_of_a_query_that_listens_to_nothing_keeps_neither_request_nor_worker_waiting(
    galaxies: str, tmp_path: Path, limits: ServiceLimits
) -> None:
    """Who would drop the table waited for the query's lock on it, for ever."""
    of_all = RUNAWAY.replace(" AS d ", " AS d CROSS JOIN TAP_UPLOAD.t AS u ")
    with serving(galaxies, tmp_path, replace(limits, jobs_at_once=1, jobs_at_once_an_address=1)) as served:
        url = upload(served, b"a\n1\n", QUERY=of_all, PHASE="RUN").headers["location"]
        with stopped_backend(served) as backend:
            assert httpx.delete(url).status_code == 303
            assert httpx.get(url).status_code == 404
            next_one = served.make_job(COUNT, PHASE="RUN")
            wait_until(lambda: httpx.get(f"{next_one}/phase").text == "COMPLETED")
            assert served.value(TABLES) == "1"
        wait_until(lambda: not backend.is_running())
        with psycopg.connect(galaxies, autocommit=True) as owner:
            assert drop_stale(owner, datetime.now(UTC) + timedelta(hours=1)) == 1
