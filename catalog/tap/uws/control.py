"""What clients may do with jobs; every method waits for the database, so it is called in a thread."""

import logging
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg

from catalog.errors import ReadOnlyError
from catalog.tap.errors import READ_ONLY_MESSAGE, UsageError
from catalog.tap.held_tables import HeldByRequest, HeldTables
from catalog.tap.job_store.client_store import (
    JobFilter,
    abort_job,
    list_jobs,
    queue_job,
    read_job,
    set_destruction,
    set_duration,
)
from catalog.tap.job_store.job import Job, JobSummary
from catalog.tap.job_store.new_job import NewJob, check_slot, check_table_count, insert_job, update_job
from catalog.tap.job_store.removal import (
    RemovedJob,
    delete_job,
    delete_surplus_jobs,
    drop_tables_of,
)
from catalog.tap.job_store.results import JobResults
from catalog.tap.service import Service
from catalog.tap.uploads.request_tables import drop_tables, store_tables
from catalog.tap.uploads.upload_parameter import UploadReference
from catalog.tap.uws.workers import JobWorkers

_log = logging.getLogger(__name__)

_ID_BYTES = 12
"""Who knows a job's id may do all with it: it cannot be guessed."""


@dataclass(frozen=True)
class JobOptions:
    """What a client asks of a job beside its query.

    Attributes:
        run_id: The client's own name for the job; None where it gives none.
        destruction: When the job is to be removed; None for the usual time.
        seconds: How long the job may run, in seconds; None for the usual time.
    """

    run_id: str | None = None
    destruction: datetime | None = None
    seconds: int | None = None


class JobControl:
    """Makes, reads, changes and ends jobs for their clients."""

    def __init__(self, service: Service, results: JobResults, workers: JobWorkers) -> None:
        self._service = service
        self._results = results
        self._workers = workers

    def create(
        self,
        address: str,
        base_url: str,
        parameters: Mapping[str, tuple[str, ...]],
        tables: Sequence[UploadReference],
        options: JobOptions,
        *,
        runs: bool = False,
    ) -> str:
        """Make a job; returns its id.

        Where it runs at once, it is queued as it is made: a service that dies in between would leave a job
        that nobody knows of and nobody runs.

        Raises:
            UsageError: The address has too many jobs that wait or run.
            CatalogError: A table that came with it cannot be read.
        """
        if self._service.connections.is_read_only:
            raise ReadOnlyError(READ_ONLY_MESSAGE)
        limits, job_id = self._service.limits, secrets.token_hex(_ID_BYTES)
        with self._service.connections.writer() as writer:
            check_slot(writer, address, limits.jobs_an_address)
            surplus = delete_surplus_jobs(writer, address, limits.ended_jobs_an_address)
        for removed in surplus:
            self.clear_up(removed)
        with self._service.held_tables.hold(address) as held:
            uploads = store_tables(self._service, tables, job_id, held)
            job = NewJob(
                job_id=job_id,
                run_id=options.run_id,
                address=address,
                parameters=parameters,
                base_url=base_url,
                destruction=self._bound_destruction(options.destruction),
                execution_seconds=self._bound_seconds(options.seconds),
                uploads=uploads,
                is_queued=runs,
            )
            try:
                with self._service.connections.writer() as writer:
                    insert_job(writer, job, limits.jobs_an_address)
            except BaseException:
                drop_tables(self._service, uploads)
                raise
        self._workers.call(int(runs))
        return job_id

    def read(self, job_id: str) -> Job:
        """Read a job as it is now.

        Raises:
            NotFoundError: There is no such job.
        """
        with self._service.connections.writer() as writer:
            return read_job(writer, job_id)

    def list(self, address: str, wanted: JobFilter) -> list[JobSummary]:
        """List the jobs of one address, the oldest first; of very many, the latest."""
        with self._service.connections.writer() as writer:
            return list_jobs(writer, address, wanted, self._service.limits.listed_jobs)

    def change(
        self,
        job: Job,
        parameters: Mapping[str, tuple[str, ...]],
        tables: Sequence[UploadReference],
        run_id: str | None,
    ) -> None:
        """Give a pending job other parameters.

        Raises:
            UsageError: It is no longer pending, or would have too many tables.
            CatalogError: A table that came with them cannot be read.
        """
        maximum = self._service.limits.uploads
        check_table_count(
            [*(table.name for table in job.uploads), *(table.name for table in tables)], maximum
        )
        by_job = HeldByRequest(HeldTables(), job.address)  # the job is stored: its tables count by it
        uploads = store_tables(self._service, tables, job.job_id, by_job)
        try:
            with self._service.connections.writer() as writer:
                replaced = update_job(writer, job.job_id, parameters, uploads, run_id, maximum)
        except BaseException:
            drop_tables(self._service, uploads)
            raise
        drop_tables(self._service, replaced)

    def run(self, job: Job) -> None:
        """Let a job run; nothing happens where it waits or runs already.

        Raises:
            UsageError: The job has ended.
        """
        with self._service.connections.writer() as writer:
            is_queued = queue_job(writer, job.job_id)
        if is_queued:
            self._workers.call()
        elif not job.is_active:
            raise _not_pending_error(job, "make a new one")

    def abort(self, job: Job) -> None:
        """End a job, in Postgres too; nothing happens where it has ended."""
        with self._service.connections.writer() as writer:
            is_over = abort_job(writer, job.job_id)
        self._workers.stop(job.job_id, "the job was aborted")
        if is_over and job.phase != "EXECUTING":  # else who runs it drops them
            self._drop_tables(job.job_id)

    def remove(self, job: Job) -> None:
        """End a job and remove all that belongs to it."""
        with self._service.connections.writer() as writer:
            removed = delete_job(writer, job.job_id)
        if removed is not None:
            self.clear_up(removed)

    def clear_up(self, removed: RemovedJob) -> None:
        """Remove what a job whose row is gone has left; tables that cannot go now go later."""
        self._workers.stop(removed.job_id, "the job was removed")
        if removed.result_file is not None:
            self._results.remove(removed.result_file)
        self._drop_tables(removed.job_id)

    def _drop_tables(self, job_id: str) -> None:
        try:
            with self._service.connections.writer() as writer:
                drop_tables_of(writer, job_id)
        except psycopg.Error as error:
            _log.warning("the tables of a job stay for now: %s", error)

    def set_destruction(self, job: Job, wanted: datetime) -> None:
        """Set when a job is removed; one too late or gone by becomes the nearest possible, as UWS allows."""
        with self._service.connections.writer() as writer:
            set_destruction(writer, job.job_id, self._bound_destruction(wanted))

    def set_duration(self, job: Job, seconds: int) -> None:
        """Set how long a job may run; too long a time is cut, as UWS allows, and so is 0, which is for ever.

        Raises:
            UsageError: It is no longer pending.
        """
        with self._service.connections.writer() as writer:
            if not set_duration(writer, job.job_id, self._bound_seconds(seconds)):
                raise _not_pending_error(job, "its time stays as it is")

    def _bound_destruction(self, wanted: datetime | None) -> datetime:
        now, limits = datetime.now(UTC), self._service.limits
        if wanted is None:
            return now + timedelta(days=limits.job_days)
        return max(now, min(wanted, now + timedelta(days=limits.max_job_days)))

    def _bound_seconds(self, wanted: int | None) -> int:
        maximum = self._service.limits.max_job_seconds
        return self._service.limits.job_seconds if wanted is None else min(wanted or maximum, maximum)


def _not_pending_error(job: Job, consequence: str) -> UsageError:
    return UsageError(f"job {job.job_id} is {job.phase}: {consequence}")
