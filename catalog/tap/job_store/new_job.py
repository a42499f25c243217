"""A new job in galcat_tap.job, where its address has not too many already."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import psycopg

from catalog.adql.published import PublishedTable
from catalog.tap.faults import AskedWrongError
from catalog.tap.job_store.row import parameters_json, uploads_json

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
