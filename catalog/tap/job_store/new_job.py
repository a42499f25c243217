"""A new job in galcat_tap.job, where its address has not too many already."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg

from catalog.adql.published import PublishedTable
from catalog.tap.faults import AskedWrongError, NothingThereError
from catalog.tap.job_store.job import Job
from catalog.tap.job_store.row import parameters_json, select_jobs, uploads_json

_INSERT = """
    INSERT INTO galcat_tap.job
        (job_id, run_id, phase, address, parameters, base_url, destruction, execution_seconds, uploads)
    VALUES (%(job_id)s, %(run_id)s, 'PENDING', %(address)s, %(parameters)s, %(base_url)s,
        %(destruction)s, %(seconds)s, %(uploads)s)
"""
_ALONE = "SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('galcat address ' || %s, 0))"
_ACTIVE = """
    SELECT count(*) FROM galcat_tap.job
    WHERE address = %s AND phase IN ('PENDING', 'QUEUED', 'EXECUTING')
"""


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


def make_job(keeper: psycopg.Connection, job: NewJob, most_active: int) -> None:
    """Store a new job; those of one address are made one after the other.

    Raises:
        AskedWrongError: So many jobs of its address wait or run already.
    """
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
    with keeper.transaction():
        keeper.execute(_ALONE, [job.address])
        check_place(keeper, job.address, most_active)
        keeper.execute(_INSERT, values)


def check_place(keeper: psycopg.Connection, address: str, most_active: int) -> None:
    """See whether an address may have another job.

    Raises:
        AskedWrongError: So many of its jobs wait or run already.
    """
    row = keeper.execute(_ACTIVE, [address]).fetchone()
    active = int(str(row[0])) if row else 0
    if active >= most_active:
        raise AskedWrongError(f"{active} jobs of your address wait or run already: let them end first")


_LOCKED = "SELECT * FROM galcat_tap.job WHERE job_id = %s FOR UPDATE"
_CHANGE = """
    UPDATE galcat_tap.job
    SET parameters = parameters || %s, uploads = uploads || %s, run_id = coalesce(%s, run_id)
    WHERE job_id = %s
"""


def change_job(
    keeper: psycopg.Connection,
    job_id: str,
    parameters: Mapping[str, tuple[str, ...]],
    uploads: Sequence[PublishedTable],
    run_id: str | None,
    most_uploads: int,
) -> tuple[PublishedTable, ...]:
    """Give a pending job other parameters and further tables; a table takes the place of one of its name.

    Returns:
        The tables that no longer belong to the job.

    Raises:
        AskedWrongError: It is no longer pending, or would have too many tables.
        NothingThereError: There is no such job any more.
    """
    with keeper.transaction():
        job = _pending(select_jobs(keeper, _LOCKED, [job_id]), job_id)
        names = {table.name.lower() for table in uploads}
        check_number((*names, *(table.name for table in job.uploads)), most_uploads)
        keeper.execute(_CHANGE, [parameters_json(parameters), uploads_json(uploads), run_id, job_id])
    return tuple(table for table in job.uploads if table.name.lower() in names)


def check_number(names: Iterable[str], most_uploads: int) -> None:
    """See whether a job may have tables of these names; the same name counts once.

    Raises:
        AskedWrongError: They are too many.
    """
    number = len({name.lower() for name in names})
    if number > most_uploads:
        raise AskedWrongError(f"the job would have {number} tables: {most_uploads} may come with a query")


def _pending(found: list[Job], job_id: str) -> Job:
    if not found:
        raise NothingThereError(f"no job {job_id[:50]!r} any more")
    if found[0].phase != "PENDING":
        raise AskedWrongError(f"job {job_id} is {found[0].phase}: its parameters stay as they are")
    return found[0]
