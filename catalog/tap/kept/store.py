"""Jobs as their clients see them: in galcat_tap.job, by a keeper's connection in autocommit mode."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg

from catalog.adql.published import PublishedTable
from catalog.tap.faults import NothingThereError
from catalog.tap.kept.job import Job
from catalog.tap.kept.row import parameters_json, select_jobs, uploads_json

_INSERT = """
    INSERT INTO galcat_tap.job
        (job_id, run_id, phase, address, parameters, base_url, destruction, execution_seconds, uploads)
    VALUES (%(job_id)s, %(run_id)s, 'PENDING', %(address)s, %(parameters)s, %(base_url)s,
        %(destruction)s, %(seconds)s, %(uploads)s)
"""
_ONE = "SELECT * FROM galcat_tap.job WHERE job_id = %s"
_LISTED = """
    SELECT * FROM galcat_tap.job
    WHERE address = %(address)s AND (created_at > %(after)s OR %(after)s IS NULL)
        AND (phase = ANY (%(phases)s) OR %(phases)s = '{}' AND phase <> 'ARCHIVED')
    ORDER BY created_at DESC, job_id LIMIT %(last)s
"""
_ACTIVE = """
    SELECT count(*) FROM galcat_tap.job
    WHERE address = %s AND phase IN ('PENDING', 'QUEUED', 'EXECUTING')
"""
_QUEUE = """
    UPDATE galcat_tap.job SET phase = 'QUEUED', queued_at = pg_catalog.clock_timestamp()
    WHERE job_id = %s AND phase = 'PENDING'
"""
_ABORT = """
    UPDATE galcat_tap.job SET phase = 'ABORTED', ended_at = pg_catalog.clock_timestamp()
    WHERE job_id = %s AND phase IN ('PENDING', 'QUEUED', 'EXECUTING', 'HELD', 'SUSPENDED')
"""
_CHANGE = """
    UPDATE galcat_tap.job
    SET parameters = parameters || %s, uploads = uploads || %s, run_id = coalesce(%s, run_id)
    WHERE job_id = %s AND phase = 'PENDING'
"""
_DESTRUCTION = "UPDATE galcat_tap.job SET destruction = %s WHERE job_id = %s"
_DURATION = "UPDATE galcat_tap.job SET execution_seconds = %s WHERE job_id = %s AND phase = 'PENDING'"
_DELETE = "DELETE FROM galcat_tap.job WHERE job_id = %s RETURNING *"


@dataclass(frozen=True)
class NewJob:
    """A job to be made; its phase is PENDING."""

    job_id: str
    run_id: str | None
    address: str
    parameters: Mapping[str, tuple[str, ...]]
    base_url: str
    destruction: datetime
    execution_seconds: int
    uploads: tuple[PublishedTable, ...] = ()


@dataclass(frozen=True)
class JobFilter:
    """Which jobs are listed: phases (none: all but ARCHIVED), made after a time, the last so many."""

    phases: tuple[str, ...] = ()
    after: datetime | None = None
    last: int | None = None


def make_job(keeper: psycopg.Connection, job: NewJob) -> None:
    """Store a new job."""
    values = {
        "job_id": job.job_id,
        "run_id": job.run_id,
        "address": job.address,
        "parameters": parameters_json(job.parameters),
        "base_url": job.base_url,
        "destruction": job.destruction,
        "seconds": job.execution_seconds,
        "uploads": uploads_json(job.uploads),
    }
    keeper.execute(_INSERT, values)


def read_job(keeper: psycopg.Connection, job_id: str) -> Job:
    """A job as it is now.

    Raises:
        NothingThereError: There is no such job.
    """
    found = select_jobs(keeper, _ONE, [job_id])
    if not found:
        raise NothingThereError(f"no job {job_id[:50]!r}: it never was, or its time was over")
    return found[0]


def list_jobs(keeper: psycopg.Connection, address: str, wanted: JobFilter) -> list[Job]:
    """Jobs of one address, the oldest first."""
    values = {
        "address": address,
        "after": wanted.after,
        "phases": list(wanted.phases),
        "last": wanted.last,
    }
    return select_jobs(keeper, _LISTED, values)[::-1]


def count_active(keeper: psycopg.Connection, address: str) -> int:
    """How many jobs of an address wait or run."""
    row = keeper.execute(_ACTIVE, [address]).fetchone()
    return int(str(row[0])) if row else 0


def queue_job(keeper: psycopg.Connection, job_id: str) -> bool:
    """Let a pending job run; False where it is not pending."""
    return keeper.execute(_QUEUE, [job_id]).rowcount == 1


def abort_job(keeper: psycopg.Connection, job_id: str) -> bool:
    """Make a job's phase ABORTED; False where it had ended before."""
    return keeper.execute(_ABORT, [job_id]).rowcount == 1


def change_job(
    keeper: psycopg.Connection,
    job_id: str,
    parameters: Mapping[str, tuple[str, ...]],
    uploads: Sequence[PublishedTable],
    run_id: str | None,
) -> bool:
    """Give a pending job other parameters and further tables; False where it is not pending."""
    values = [parameters_json(parameters), uploads_json(uploads), run_id, job_id]
    return keeper.execute(_CHANGE, values).rowcount == 1


def set_destruction(keeper: psycopg.Connection, job_id: str, destruction: datetime) -> None:
    """Set when a job is removed."""
    keeper.execute(_DESTRUCTION, [destruction, job_id])


def set_duration(keeper: psycopg.Connection, job_id: str, seconds: int) -> bool:
    """Set how long a pending job may run; False where it is not pending."""
    return keeper.execute(_DURATION, [seconds, job_id]).rowcount == 1


def delete_job(keeper: psycopg.Connection, job_id: str) -> Job | None:
    """Remove a job's row; returns it as it was."""
    found = select_jobs(keeper, _DELETE, [job_id])
    return found[0] if found else None
