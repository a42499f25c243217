"""Many clients that wait for jobs."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from catalog.tap.errors import NotFoundError
from catalog.tap.job_store.job import Job
from catalog.tap.limits import ServiceLimits
from catalog.tap.uws import job_watch
from catalog.tap.uws.job_events import JobEvents
from catalog.tap.uws.job_watch import JobWatch
from tests.catalog.tap.tap_server import serving

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


def test_whoever_waits_hears_of_every_change_at_once() -> None:
    async def wait() -> int:
        waits = asyncio.create_task(third_news(watch))
        while not waits.done():
            events.notify("a")
            await asyncio.sleep(0)
        return waits.result()

    events = JobEvents()
    watch = JobWatch(Reads(), events)
    began = time.monotonic()
    assert asyncio.run(wait()) == 3
    assert time.monotonic() - began < 1


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

        def seconds(address: str) -> float:
            began = time.monotonic()
            asked = httpx.get(url, params={"WAIT": "3"}, headers={"X-Forwarded-For": address}, timeout=30)
            assert asked.status_code == 200
            return time.monotonic() - began

        with ThreadPoolExecutor(8) as threads:
            one = [threads.submit(seconds, "192.0.2.1") for _ in range(6)]
            other = threads.submit(seconds, "192.0.2.2")
            took = sorted(future.result() for future in one)
        assert max(took[:3]) < 2
        assert min(took[3:]) >= 3
        assert other.result() >= 3
        assert seconds("192.0.2.1") >= 3
