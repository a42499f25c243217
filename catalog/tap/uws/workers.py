"""Threads that run the jobs, each on connections of its own."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime

import psycopg

from catalog.errors import CatalogError, ServerError
from catalog.tap.database.query_log import LoggedQuery
from catalog.tap.errors import INTERNAL_MESSAGE
from catalog.tap.job_store.job import Job, JobResult
from catalog.tap.job_store.removal import drop_tables_of
from catalog.tap.job_store.results import JobResults, SpoolFullError
from catalog.tap.job_store.worker_store import (
    claim_job,
    complete_job,
    fail_job,
    find_room,
    list_executing,
    release_job,
)
from catalog.tap.queries.run_query import RunningQuery
from catalog.tap.service import Service
from catalog.tap.uploads.room import find_spare_bytes, require_free_disk
from catalog.tap.uws.make_result import Running, make_result

_log = logging.getLogger(__name__)

_LOOK_S = 5.0
"""Other servers of the same database may queue jobs too."""
_CONNECT_AGAIN_S = 2.0


class JobWorkers:
    """The threads that run jobs.

    Args:
        service: The service whose jobs are run.
        results: Where the results are written.
        on_change: Called with a job's identifier when its phase has changed.
    """

    def __init__(self, service: Service, results: JobResults, on_change: Callable[[str], None]) -> None:
        self._service = service
        self._results = results
        self._on_change = on_change
        self._calls = threading.Semaphore(0)
        self._is_closing = threading.Event()
        self._running: Running = {}
        self._stopping: set[str] = set()
        # As many as jobs run at once: one that Postgres does not listen to holds up no other.
        self._cancellers = ThreadPoolExecutor(service.limits.jobs_at_once, thread_name_prefix="canceller")
        self._threads = [
            threading.Thread(target=self._work, name=f"job-worker-{i}", daemon=True)
            for i in range(service.limits.jobs_at_once)
        ]

    def open(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop what runs, to be run again when the service starts again, and end."""
        self._is_closing.set()
        self.call(len(self._threads))
        for thread in self._threads:
            while thread.is_alive():
                for job_id in list(self._running):
                    self.stop(job_id, "the service is being stopped")
                thread.join(timeout=0.1)
        self._cancellers.shutdown()

    def call(self, times: int = 1) -> None:
        """Wake as many workers as jobs have been queued."""
        if times:
            self._calls.release(times)

    def stop(self, job_id: str, reason: str) -> None:
        """Have a job's query cancelled in Postgres, if it runs here; nobody waits until Postgres listens."""
        query = self._running.get(job_id)
        if query is not None and job_id not in self._stopping:
            self._stopping.add(job_id)
            self._cancellers.submit(self._cancel, job_id, query, reason)

    def _cancel(self, job_id: str, query: RunningQuery, reason: str) -> None:
        try:
            query.stop(reason)
        finally:
            self._stopping.discard(job_id)

    def stop_strays(self) -> None:
        """Stop the jobs that were aborted or removed, maybe by another server."""
        running = list(self._running)
        if not running:
            return
        with self._service.connections.writer() as writer:
            wanted = list_executing(writer, running)
        for job_id in set(running) - wanted:
            self.stop(job_id, "the job was aborted")

    def _work(self) -> None:
        while not self._is_closing.is_set():
            try:
                with self._service.connections.open_writer() as writer:
                    self._service.connections.outage.end()
                    self._serve(writer)
            except (psycopg.Error, ServerError) as error:
                self._service.connections.outage.begin(error)
                self._is_closing.wait(_CONNECT_AGAIN_S)

    def _serve(self, writer: psycopg.Connection) -> None:
        while not self._is_closing.is_set():
            job = claim_job(writer, self._service.limits.jobs_at_once_an_address)
            if job is None:
                self._calls.acquire(timeout=_LOOK_S)
                continue
            self._on_change(job.job_id)
            self._run(writer, job)
            if not self._is_closing.is_set():
                with suppress(psycopg.errors.LockNotAvailable):  # an abandoned query reads it: it goes later
                    drop_tables_of(writer, job.job_id)
            release_job(writer, job.job_id)
            self._on_change(job.job_id)

    def _run(self, writer: psycopg.Connection, job: Job) -> None:
        asked_at, began = datetime.now(UTC), time.monotonic()
        rows, phase, error = 0, "ABORTED", ""
        try:
            require_free_disk(self._service.spool, self._service.limits)
            room = min(
                find_room(writer, job.address, self._service.limits),
                find_spare_bytes(self._service.spool, self._service.limits),
            )
            result = make_result(self._service, self._results, job, room, self._running)
            rows = result.rows
            phase = "COMPLETED" if self._complete(writer, job, result) else "ABORTED"
        except CatalogError as fault:
            error = str(fault)
            phase = "ERROR" if self._fail(writer, job, error) else "ABORTED"
        except psycopg.Error:
            raise
        except Exception:  # noqa: BLE001 - the next job may go well
            _log.exception("job %s failed by our fault", job.job_id)
            error = INTERNAL_MESSAGE
            phase = "ERROR" if self._fail(writer, job, error) else "ABORTED"
        finally:
            self._service.log.add(_make_log_row(job, asked_at, time.monotonic() - began, rows, phase, error))

    def _complete(self, writer: psycopg.Connection, job: Job, result: JobResult) -> bool:
        try:
            is_kept = complete_job(writer, job, result, self._service.limits)
        except SpoolFullError:
            self._results.remove(result.file)
            raise
        if not is_kept:
            self._results.remove(result.file)
        return is_kept

    def _fail(self, writer: psycopg.Connection, job: Job, error: str) -> bool:
        # What is stopped with the service runs again with it.
        return not self._is_closing.is_set() and fail_job(writer, job.job_id, error)


def _make_log_row(
    job: Job, asked_at: datetime, seconds: float, rows: int, phase: str, error: str
) -> LoggedQuery:
    return LoggedQuery(
        asked_at=asked_at,
        ended_at=datetime.now(UTC),
        address=job.address,
        interface="async",
        language=" ".join(job.parameters.get("LANG", ())),
        query=" ".join(job.parameters.get("QUERY", ())),
        phase=phase,
        rows=rows,
        seconds=seconds,
        error=error or None,
        job_id=job.job_id,
        user_agent="",
    )
