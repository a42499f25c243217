"""Jobs as their clients see and change them: statements on galcat_tap.job by a writer's connection."""

from dataclasses import dataclass
from datetime import datetime

import psycopg

from catalog.tap.errors import NotFoundError
from catalog.tap.job_store.job import Job, JobSummary
from catalog.tap.job_store.row import select_jobs

_ONE = "SELECT * FROM galcat_tap.job WHERE job_id = %s"
_LISTED = """
    SELECT job_id, left(run_id, 1000), phase, created_at FROM galcat_tap.job
    WHERE address = %(address)s AND (created_at > %(after)s OR %(after)s IS NULL)
        AND (phase = ANY (%(phases)s) OR %(phases)s = '{}' AND phase <> 'ARCHIVED')
    ORDER BY created_at DESC, job_id LIMIT %(last)s
"""
_QUEUE = """
    UPDATE galcat_tap.job SET phase = 'QUEUED', queued_at = pg_catalog.clock_timestamp()
    WHERE job_id = %s AND phase = 'PENDING'
"""
_ABORT = """
    UPDATE galcat_tap.job SET phase = 'ABORTED', ended_at = pg_catalog.clock_timestamp()
    WHERE job_id = %s AND phase IN ('PENDING', 'QUEUED', 'EXECUTING', 'HELD', 'SUSPENDED')
"""
_DESTRUCTION = "UPDATE galcat_tap.job SET destruction = %s WHERE job_id = %s"
_DURATION = "UPDATE galcat_tap.job SET execution_seconds = %s WHERE job_id = %s AND phase = 'PENDING'"


@dataclass(frozen=True)
class JobFilter:
    """Which jobs are listed: phases (empty: all but ARCHIVED), made after a time, the latest so many."""

    phases: tuple[str, ...] = ()
    after: datetime | None = None
    last: int | None = None


def read_job(writer: psycopg.Connection, job_id: str) -> Job:
    """Read a job as it is now.

    Raises:
        NotFoundError: There is no such job.
    """
    found = select_jobs(writer, _ONE, [job_id])
    if not found:
        raise NotFoundError(f"no job {job_id[:50]!r}: it never was, or its time was over")
    return found[0]


def list_jobs(
    writer: psycopg.Connection, address: str, job_filter: JobFilter, max_jobs: int
) -> list[JobSummary]:
    """Read the jobs of one address, the oldest first; of very many, the latest."""
    values = {
        "address": address,
        "after": job_filter.after,
        "phases": list(job_filter.phases),
        "last": max_jobs if job_filter.last is None else min(job_filter.last, max_jobs),
    }
    return [JobSummary(*row) for row in writer.execute(_LISTED, values).fetchall()][::-1]


def queue_job(writer: psycopg.Connection, job_id: str) -> bool:
    """Let a pending job run; False where it is not pending."""
    return writer.execute(_QUEUE, [job_id]).rowcount == 1


def abort_job(writer: psycopg.Connection, job_id: str) -> bool:
    """Make a job's phase ABORTED; False where it had ended before."""
    return writer.execute(_ABORT, [job_id]).rowcount == 1


def set_destruction(writer: psycopg.Connection, job_id: str, destruction: datetime) -> None:
    """Set the time when a job is removed."""
    writer.execute(_DESTRUCTION, [destruction, job_id])


def set_duration(writer: psycopg.Connection, job_id: str, seconds: int) -> bool:
    """Set how long a pending job may run; False where it is not pending."""
    return writer.execute(_DURATION, [seconds, job_id]).rowcount == 1
