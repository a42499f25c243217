"""New jobs in galcat_tap.job, and changes of pending ones, within what one address may have."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg

from catalog.adql.published import PublishedTable
from catalog.tap.errors import NotFoundError, UsageError
from catalog.tap.job_store.job import Job
from catalog.tap.job_store.row import parameters_json, select_jobs, uploads_json

_INSERT = """
    INSERT INTO galcat_tap.job
        (job_id, run_id, phase, address, parameters, base_url, destruction, execution_seconds, uploads,
        queued_at)
    VALUES (%(job_id)s, %(run_id)s, %(phase)s, %(address)s, %(parameters)s, %(base_url)s,
        %(destruction)s, %(seconds)s, %(uploads)s,
        CASE WHEN %(phase)s = 'QUEUED' THEN pg_catalog.clock_timestamp() END)
"""
_ALONE = "SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('galcat address ' || %s, 0))"
_ACTIVE = """
    SELECT count(*) FROM galcat_tap.job
    WHERE address = %s AND phase IN ('PENDING', 'QUEUED', 'EXECUTING')
"""
_LOCKED = "SELECT * FROM galcat_tap.job WHERE job_id = %s FOR UPDATE"
_CHANGE = """
    UPDATE galcat_tap.job
    SET parameters = parameters || %s, uploads = uploads || %s, run_id = coalesce(%s, run_id)
    WHERE job_id = %s
"""


@dataclass(frozen=True)
class NewJob:
    """A job to be made: it waits for its client's word, or where `is_queued`, for its turn."""

    job_id: str
    run_id: str | None
    address: str
    parameters: Mapping[str, tuple[str, ...]]
    base_url: str
    destruction: datetime
    execution_seconds: int
    uploads: tuple[PublishedTable, ...] = ()
    is_queued: bool = False


def insert_job(writer: psycopg.Connection, job: NewJob, max_active: int) -> None:
    """Store a new job; those of one address are made one after the other.

    Raises:
        UsageError: So many jobs of its address wait or run already.
    """
    values = {
        "job_id": job.job_id,
        "run_id": job.run_id,
        "phase": "QUEUED" if job.is_queued else "PENDING",
        "address": job.address,
        "parameters": parameters_json(job.parameters),
        "base_url": job.base_url,
        "destruction": job.destruction,
        "seconds": job.execution_seconds,
        "uploads": uploads_json(job.uploads),
    }
    with writer.transaction():
        writer.execute(_ALONE, [job.address])
        check_slot(writer, job.address, max_active)
        writer.execute(_INSERT, values)


def check_slot(writer: psycopg.Connection, address: str, max_active: int) -> None:
    """Refuse another job of an address that has too many already.

    Raises:
        UsageError: So many of its jobs wait or run already.
    """
    row = writer.execute(_ACTIVE, [address]).fetchone()
    active = int(str(row[0])) if row else 0
    if active >= max_active:
        raise UsageError(f"{active} jobs of your address wait or run already: let them end first")


def update_job(
    writer: psycopg.Connection,
    job_id: str,
    parameters: Mapping[str, tuple[str, ...]],
    uploads: Sequence[PublishedTable],
    run_id: str | None,
    max_uploads: int,
) -> tuple[PublishedTable, ...]:
    """Give a pending job other parameters and further tables; a table takes the place of one of its name.

    Returns:
        The tables that no longer belong to the job.

    Raises:
        UsageError: It is no longer pending, or would have too many tables.
        NotFoundError: There is no such job any more.
    """
    with writer.transaction():
        job = _require_pending(select_jobs(writer, _LOCKED, [job_id]), job_id)
        names = {table.name.lower() for table in uploads}
        check_table_count((*names, *(table.name for table in job.uploads)), max_uploads)
        writer.execute(_CHANGE, [parameters_json(parameters), uploads_json(uploads), run_id, job_id])
    return tuple(table for table in job.uploads if table.name.lower() in names)


def check_table_count(names: Iterable[str], max_uploads: int) -> None:
    """Refuse a job that would have too many tables; the same name counts once.

    Raises:
        UsageError: They are too many.
    """
    number = len({name.lower() for name in names})
    if number > max_uploads:
        raise UsageError(f"the job would have {number} tables: {max_uploads} may come with a query")


def _require_pending(found: list[Job], job_id: str) -> Job:
    if not found:
        raise NotFoundError(f"no job {job_id[:50]!r} any more")
    if found[0].phase != "PENDING":
        raise UsageError(f"job {job_id} is {found[0].phase}: its parameters stay as they are")
    return found[0]
