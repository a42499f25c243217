"""Watches the jobs that somebody waits for: one look serves all who wait for the same job."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

import psycopg
from anyio.to_thread import run_sync

from catalog.errors import CatalogError
from catalog.tap.job_store.job import Job
from catalog.tap.uws.job_events import JobEvents

_LOOK_S = 2.0
"""The job may run on another server of the same database."""


@dataclass(frozen=True)
class JobSnapshot:
    """A job as a look has found it.

    Attributes:
        after: The snapshot that follows.
        job: The job as it was read.
    """

    job: Job
    after: asyncio.Future["JobSnapshot"]


@dataclass
class _Watched:
    next_snapshot: asyncio.Future[JobSnapshot]
    end: ExitStack
    watchers: int = 0


class JobWatch:
    """Who waits for which job; to be used inside the event loop.

    Args:
        read: Reads a job by its identifier; it is called in a thread.
        events: Tells when a job that this process runs has changed.
    """

    def __init__(self, read: Callable[[str], Job], events: JobEvents) -> None:
        self._read = read
        self._events = events
        self._watched: dict[str, _Watched] = {}

    @contextmanager
    def watch(self, job_id: str) -> Iterator[asyncio.Future[JobSnapshot]]:
        """Give what the next look finds: there is one when the job has changed, and every two seconds.

        It raises CatalogError or psycopg.Error where the job could not be read.
        """
        watched = self._watched.get(job_id) or self._begin(job_id)
        watched.watchers += 1
        try:
            yield watched.next_snapshot
        finally:
            watched.watchers -= 1
            if not watched.watchers:
                watched.end.close()
                del self._watched[job_id]

    def _begin(self, job_id: str) -> _Watched:
        watched = self._watched[job_id] = _Watched(_future(), ExitStack())
        event = watched.end.enter_context(self._events.listen(job_id))
        task = asyncio.create_task(self._look(job_id, watched, event))
        watched.end.callback(task.cancel)
        return watched

    async def _look(self, job_id: str, watched: _Watched, event: asyncio.Event) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(event.wait(), _LOOK_S)
            event.clear()
            # Who comes while this look goes on may know more already: that one waits for the next.
            snapshot, watched.next_snapshot = watched.next_snapshot, _future()
            try:
                snapshot.set_result(JobSnapshot(await run_sync(self._read, job_id), watched.next_snapshot))
            except (CatalogError, psycopg.Error) as error:
                snapshot.set_exception(error)
                snapshot.exception()  # maybe nobody waits for it: no reason for asyncio to complain


def _future() -> asyncio.Future[JobSnapshot]:
    return asyncio.get_running_loop().create_future()
