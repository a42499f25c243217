"""What one address's jobs leave for those of others."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import psycopg
import pytest

from catalog.database.connection import connect
from catalog.tap.job_store.client_store import queue_job
from catalog.tap.job_store.new_job import NewJob, insert_job
from catalog.tap.job_store.worker_store import claim_job
from catalog.tap.limits import ServiceLimits
from tests.catalog.tap.tap_server import RUNAWAY, TapServer, serving
from tests.waiting import wait_until

COUNT = "SELECT COUNT(*) AS n FROM galcat.galaxy"
ROWS = "SELECT * FROM galcat.galaxy ORDER BY object_id"
ONE, OTHER = "192.0.2.1", "192.0.2.2"


@contextmanager
def behind_proxy(galaxies: str, spool: Path, limits: ServiceLimits) -> Iterator[TapServer]:
    """A service that believes a proxy who asks."""
    with serving(galaxies, spool, limits, "https://galaxies.example.org") as served:
        yield served


def run(served: TapServer, address: str, query: str) -> str:
    """Have a job run for an address; returns its URL."""
    made = httpx.post(
        f"{served.url}/tap/async",
        data={"QUERY": query, "PHASE": "RUN", "FORMAT": "csv"},
        headers={"X-Forwarded-For": address},
    )
    assert made.status_code == 303, made.text
    return f"{served.url}/tap/async/{made.headers['location'].split('/')[-1]}"


def phase(url: str) -> str:
    return httpx.get(f"{url}/phase").text


def wait_for_end(url: str) -> str:
    wait_until(lambda: phase(url) not in {"QUEUED", "EXECUTING"})
    return phase(url)


def queue(writer: psycopg.Connection, *addresses: str) -> None:
    """Queue a job of each address, in this order; their ids are 0, 1, ..."""
    for i, address in enumerate(addresses):
        destruction = datetime.now(UTC) + timedelta(days=1)
        insert_job(writer, NewJob(str(i), None, address, {}, "http://x", destruction, 60), len(addresses))
        queue_job(writer, str(i))


def test_long_jobs_of_one_address_do_not_keep_another_waiting(
    galaxies: str, tmp_path: Path, limits: ServiceLimits
) -> None:
    with behind_proxy(galaxies, tmp_path, limits) as served:
        long = [run(served, ONE, RUNAWAY) for _ in range(5)]
        wait_until(lambda: served.running() == limits.jobs_at_once_an_address)
        assert wait_for_end(run(served, OTHER, COUNT)) == "COMPLETED"
        assert sorted(map(phase, long)) == ["EXECUTING"] * 2 + ["QUEUED"] * 3
        for url in long:
            httpx.delete(url)


def test_the_address_with_the_fewest_running_jobs_is_served_first(connection: psycopg.Connection) -> None:
    queue(connection, ONE, ONE, ONE, ONE, OTHER, OTHER)
    claimed = [claim_job(connection, 2) for _ in range(5)]
    assert [job and job.job_id for job in claimed] == ["0", "4", "1", "5", None]


def test_servers_that_claim_at_the_same_time_give_an_address_no_more_than_its_share(
    connection: psycopg.Connection, database: str
) -> None:
    queue(connection, *[ONE] * 8)
    writers = [connect(database, autocommit=True) for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        claimed = list(threads.map(lambda writer: claim_job(writer, 2), writers))
    for writer in writers:
        writer.close()
    assert sum(job is not None for job in claimed) == 2


def test_jobs_made_at_the_same_time_are_no_more_than_an_address_may_have(served: TapServer) -> None:
    def code(_: int) -> int:
        return httpx.post(f"{served.url}/tap/async", data={"QUERY": COUNT}).status_code

    with ThreadPoolExecutor(30) as threads:
        codes = list(threads.map(code, range(60)))
    assert sorted(codes) == [303] * 6 + [400] * 54
    assert served.value("SELECT count(*) FROM galcat_tap.job") == "6"


@pytest.mark.parametrize("at_once", [1, 4])
def test_results_of_one_address_leave_room_for_those_of_others(
    galaxies: str, tmp_path: Path, limits: ServiceLimits, at_once: int
) -> None:
    with serving(galaxies, tmp_path / "other", limits) as served:
        size = len(served.ask(ROWS, FORMAT="csv").content)
    tight = replace(
        limits,
        spool_bytes_an_address=size * 5 // 2,
        jobs_at_once=at_once,
        jobs_at_once_an_address=at_once,
    )
    with behind_proxy(galaxies, tmp_path, tight) as served:
        jobs = [run(served, ONE, ROWS) for _ in range(5)]
        assert sorted(map(wait_for_end, jobs)) == ["COMPLETED"] * 2 + ["ERROR"] * 3
        failed = next(url for url in jobs if phase(url) == "ERROR")
        assert "there is room for" in httpx.get(f"{failed}/error").text
        assert wait_for_end(run(served, OTHER, ROWS)) == "COMPLETED"
        assert served.value("SELECT sum(result_bytes) FROM galcat_tap.job") == str(3 * size)
    assert sum(path.stat().st_size for path in (tmp_path / "results").iterdir()) == 3 * size
