"""Many clients that wait for jobs."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import httpx
import pytest
from defusedxml.ElementTree import fromstring

from catalog.tap.errors import NotFoundError
from catalog.tap.job_store.job import Job
from catalog.tap.limits import ServiceLimits
from catalog.tap.uws import job_watch
from catalog.tap.uws.job_events import JobEvents
from catalog.tap.uws.job_watch import JobWatch
from tests.catalog.tap.tap_server import serving
from tests.waiting import LAST_LIMIT_S

COUNT = "SELECT COUNT(*) AS n FROM galcat.galaxy"
JOB = Job("a", None, "PENDING", "", {}, "", datetime.now(UTC), None, None, datetime.now(UTC), 60)


class Reads:
    """Reads of a job, counted; each finds it another second older."""

    def __init__(self) -> None:
        self.n = 0

    def __call__(self, _job_id: str) -> Job:
        self.n += 1
        return replace(JOB, execution_seconds=self.n)


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_watch, "_LOOK_S", 0.1)


async def third_news(watch: JobWatch) -> int:
    with watch.watch("a") as first:
        second = (await first).after
        third = (await second).after
        return (await third).job.execution_seconds


@pytest.mark.usefixtures("_quick")
def test_all_who_wait_for_a_job_share_its_looks() -> None:
    async def wait() -> list[int]:
        return await asyncio.gather(*(third_news(watch) for _ in range(50)))

    reads = Reads()
    watch = JobWatch(reads, JobEvents())
    assert asyncio.run(wait()) == [3] * 50
    assert reads.n == 3


def test_whoever_waits_hears_of_every_change_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_watch, "_LOOK_S", 10**6)  # nobody hears of anything by looking

    async def wait() -> int:
        waits = asyncio.create_task(third_news(watch))
        while not waits.done():
            events.notify("a")
            await asyncio.sleep(0)
        return waits.result()

    events = JobEvents()
    watch = JobWatch(Reads(), events)
    assert asyncio.run(wait()) == 3


@pytest.mark.usefixtures("_quick")
def test_whoever_waits_is_told_that_the_job_is_gone() -> None:
    def read(job_id: str) -> Job:
        raise NotFoundError(job_id)

    with pytest.raises(NotFoundError):
        asyncio.run(third_news(JobWatch(read, JobEvents())))


def test_an_address_that_waits_often_enough_is_answered_at_once(
    galaxies: str, tmp_path: Path, limits: ServiceLimits
) -> None:
    few = replace(limits, waits_an_address=3)
    with serving(galaxies, tmp_path, few, "https://galaxies.example.org") as served:
        made = httpx.post(f"{served.url}/tap/async", data={"QUERY": COUNT})
        url = f"{served.url}/tap/async/{made.headers['location'].split('/')[-1]}"

        def phase_in_the_end(address: str, seconds: float = LAST_LIMIT_S) -> str | None:
            client = {"X-Forwarded-For": address}
            asked = httpx.get(url, params={"WAIT": f"{seconds:.0f}"}, headers=client)
            assert asked.status_code == 200
            return fromstring(asked.content).findtext("{http://www.ivoa.net/xml/UWS/v1.0}phase")

        with ThreadPoolExecutor(8) as threads:
            one = [threads.submit(phase_in_the_end, "192.0.2.1") for _ in range(6)]
            other = threads.submit(phase_in_the_end, "192.0.2.2")
            at_once = list(islice(as_completed(one), 3))
            httpx.post(f"{url}/phase", data={"PHASE": "ABORT"})
            assert [future.result() for future in at_once] == ["PENDING"] * 3
            assert [future.result() for future in one if future not in at_once] == ["ABORTED"] * 3
            assert other.result() == "ABORTED"

        made = httpx.post(f"{served.url}/tap/async", data={"QUERY": COUNT})
        url = f"{served.url}/tap/async/{made.headers['location'].split('/')[-1]}"
        began = time.monotonic()
        assert phase_in_the_end("192.0.2.1", 1) == "PENDING"
        assert time.monotonic() - began >= 1
