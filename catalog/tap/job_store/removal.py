"""Removes jobs from galcat_tap.job; of a row it reads nothing but what shows the way to what it leaves."""

from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg

_DELETE = "DELETE FROM galcat_tap.job WHERE job_id = %s RETURNING job_id, result_file"
_DELETE_OLD = """
    DELETE FROM galcat_tap.job WHERE destruction < pg_catalog.clock_timestamp() RETURNING job_id, result_file
"""
_DELETE_SURPLUS = """
    DELETE FROM galcat_tap.job WHERE job_id IN (
        SELECT job_id FROM galcat_tap.job
        WHERE address = %s AND phase NOT IN ('PENDING', 'QUEUED', 'EXECUTING')
        ORDER BY created_at DESC, job_id OFFSET %s)
    RETURNING job_id, result_file
"""
# Comments are for every login to read: a job's id, by which all may be done with it, is not in there.
_TABLES = """
    SELECT c.relname FROM pg_catalog.pg_class AS c
    WHERE c.relnamespace = 'tap_upload'::regnamespace AND c.relkind = 'r'
        AND pg_catalog.obj_description(c.oid, 'pg_class') IN (%(job)s, tap_upload.job_mark(%(job)s))
"""
_DROP = "SELECT tap_upload.drop_table(%s)"


@dataclass(frozen=True)
class RemovedJob:
    """A job whose row is gone.

    Attributes:
        job_id: The job's identifier, whose digest the comments of its uploaded tables hold.
        result_file: The name of the file with the job's result; None where it has none.
    """

    job_id: str
    result_file: str | None


def delete_job(writer: psycopg.Connection, job_id: str) -> RemovedJob | None:
    """Remove a job's row; None where there is none."""
    found = _delete(writer, _DELETE, [job_id])
    return found[0] if found else None


def delete_old_jobs(writer: psycopg.Connection) -> list[RemovedJob]:
    """Remove the rows of jobs whose destruction has come."""
    return _delete(writer, _DELETE_OLD, [])


def delete_surplus_jobs(writer: psycopg.Connection, address: str, kept: int) -> list[RemovedJob]:
    """Remove the rows of an address's jobs that have ended, but for the latest."""
    return _delete(writer, _DELETE_SURPLUS, [address, kept])


def drop_tables_of(writer: psycopg.Connection, job_id: str) -> None:
    """Remove every table that came with a job, those that others have replaced included."""
    for name in [row[0] for row in writer.execute(_TABLES, {"job": job_id}).fetchall()]:
        writer.execute(_DROP, [name])


def _delete(writer: psycopg.Connection, query: LiteralString, values: list[Any]) -> list[RemovedJob]:
    return [RemovedJob(str(row[0]), row[1]) for row in writer.execute(query, values).fetchall()]
