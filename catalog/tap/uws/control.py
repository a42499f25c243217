"""What clients may do with jobs; every method waits for the database, so it is called in a thread."""

import logging
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg

from catalog.tap.faults import AskedWrongError
from catalog.tap.job_store.job import Job
from catalog.tap.job_store.new_job import NewJob, change_job, check_number, check_place, make_job
from catalog.tap.job_store.removal import RemovedJob, delete_job, drop_tables_of
from catalog.tap.job_store.results import JobResults
from catalog.tap.job_store.store import (
    JobFilter,
    abort_job,
    list_jobs,
    queue_job,
    read_job,
    set_destruction,
    set_duration,
)
from catalog.tap.service import Service
from catalog.tap.uploads.sent_tables import SentTable
from catalog.tap.uploads.stored_tables import drop_tables, store_tables
from catalog.tap.uws.workers import JobWorkers

_log = logging.getLogger(__name__)

_ID_BYTES = 12
"""Who knows a job's id may do all with it: it cannot be guessed."""


@dataclass(frozen=True)
class Wishes:
    """What a client says of a job beside its query.

    Attributes:
        run_id: What the client calls it.
        destruction: When to remove it.
        seconds: How long it may run.
    """

    run_id: str | None = None
    destruction: datetime | None = None
    seconds: int | None = None


class JobControl:
    """All that happens to jobs from outside."""

    def __init__(self, service: Service, results: JobResults, workers: JobWorkers) -> None:
        self._service = service
        self._results = results
        self._workers = workers

    def create(
        self,
        address: str,
        base_url: str,
        parameters: Mapping[str, tuple[str, ...]],
        tables: Sequence[SentTable],
        wishes: Wishes,
    ) -> str:
        """Make a job that waits to be run; returns its id.

        Raises:
            AskedWrongError: The address has too many jobs that wait or run.
            CatalogError: A table that came with it cannot be read.
        """
        limits, job_id = self._service.limits, secrets.token_hex(_ID_BYTES)
        with self._service.connections.keeper() as keeper:
            check_place(keeper, address, limits.jobs_an_address)
        uploads = store_tables(self._service, tables, job_id)
        try:
            with self._service.connections.keeper() as keeper:
                make_job(
                    keeper,
                    NewJob(
                        job_id=job_id,
                        run_id=wishes.run_id,
                        address=address,
                        parameters=parameters,
                        base_url=base_url,
                        destruction=self._destruction(wishes.destruction),
                        execution_seconds=self._seconds(wishes.seconds),
                        uploads=uploads,
                    ),
                    limits.jobs_an_address,
                )
        except BaseException:
            drop_tables(self._service, uploads)
            raise
        return job_id

    def read(self, job_id: str) -> Job:
        """A job as it is now.

        Raises:
            NothingThereError: There is no such job.
        """
        with self._service.connections.keeper() as keeper:
            return read_job(keeper, job_id)

    def list(self, address: str, wanted: JobFilter) -> list[Job]:
        """Jobs of one address, the oldest first."""
        with self._service.connections.keeper() as keeper:
            return list_jobs(keeper, address, wanted)

    def change(
        self,
        job: Job,
        parameters: Mapping[str, tuple[str, ...]],
        tables: Sequence[SentTable],
        run_id: str | None,
    ) -> None:
        """Give a job other parameters.

        Raises:
            AskedWrongError: It is no longer pending, or would have too many tables.
            CatalogError: A table that came with them cannot be read.
        """
        most = self._service.limits.uploads
        check_number([*(table.name for table in job.uploads), *(table.name for table in tables)], most)
        uploads = store_tables(self._service, tables, job.job_id)
        try:
            with self._service.connections.keeper() as keeper:
                replaced = change_job(keeper, job.job_id, parameters, uploads, run_id, most)
        except BaseException:
            drop_tables(self._service, uploads)
            raise
        drop_tables(self._service, replaced)

    def run(self, job: Job) -> None:
        """Let a job run; nothing happens where it waits or runs already.

        Raises:
            AskedWrongError: It has ended.
        """
        with self._service.connections.keeper() as keeper:
            is_queued = queue_job(keeper, job.job_id)
        if is_queued:
            self._workers.call()
        elif not job.is_active:
            raise _not_pending(job, "make a new one")

    def abort(self, job: Job) -> None:
        """End a job, in Postgres too; nothing happens where it has ended."""
        with self._service.connections.keeper() as keeper:
            abort_job(keeper, job.job_id)
        self._workers.stop(job.job_id, "the job was aborted")

    def remove(self, job: Job) -> None:
        """End a job and remove all that belongs to it."""
        with self._service.connections.keeper() as keeper:
            removed = delete_job(keeper, job.job_id)
        if removed is not None:
            self.clear_up(removed)

    def clear_up(self, removed: RemovedJob) -> None:
        """Remove what a job whose row is gone has left; tables that cannot go now go later."""
        self._workers.stop(removed.job_id, "the job was removed")
        if removed.result_file is not None:
            self._results.remove(removed.result_file)
        try:
            with self._service.connections.keeper() as keeper:
                drop_tables_of(keeper, removed.job_id)
        except psycopg.Error as error:
            _log.warning("the tables of job %s stay for now: %s", removed.job_id, error)

    def set_destruction(self, job: Job, wanted: datetime) -> None:
        """Set when a job is removed; one too late or gone by becomes the nearest possible, as UWS allows."""
        with self._service.connections.keeper() as keeper:
            set_destruction(keeper, job.job_id, self._destruction(wanted))

    def set_duration(self, job: Job, seconds: int) -> None:
        """Set how long a job may run; too long a time is cut, as UWS allows, and so is 0, which is for ever.

        Raises:
            AskedWrongError: It is no longer pending.
        """
        with self._service.connections.keeper() as keeper:
            if not set_duration(keeper, job.job_id, self._seconds(seconds)):
                raise _not_pending(job, "its time stays as it is")

    def _destruction(self, wanted: datetime | None) -> datetime:
        now, limits = datetime.now(UTC), self._service.limits
        if wanted is None:
            return now + timedelta(days=limits.job_days)
        return max(now, min(wanted, now + timedelta(days=limits.most_job_days)))

    def _seconds(self, wanted: int | None) -> int:
        most = self._service.limits.most_job_seconds
        return self._service.limits.job_seconds if wanted is None else min(wanted or most, most)


def _not_pending(job: Job, then: str) -> AskedWrongError:
    return AskedWrongError(f"job {job.job_id} is {job.phase}: {then}")
