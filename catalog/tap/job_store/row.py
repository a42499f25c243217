"""Converts rows of galcat_tap.job to jobs, and back where JSON is needed."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, LiteralString

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from catalog.adql.published import PublishedColumn, PublishedTable
from catalog.columns import ColumnMeta
from catalog.tap.errors import InternalError
from catalog.tap.job_store.job import Job, JobResult


class UnreadableJobError(InternalError):
    """A row holds what Python cannot hold, or what another version of the service wrote."""


def select_jobs(
    writer: psycopg.Connection, query: LiteralString, values: Mapping[str, object] | list[Any]
) -> list[Job]:
    """Run a statement that gives whole rows of galcat_tap.job.

    Raises:
        UnreadableJobError: One of them cannot be read.
    """
    with writer.cursor(row_factory=dict_row) as cursor:
        cursor.execute(query, values)
        try:
            return [_make_job(row) for row in cursor.fetchall()]
        except (psycopg.DataError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise UnreadableJobError(f"a job cannot be read: {error}") from error


def parameters_json(parameters: Mapping[str, tuple[str, ...]]) -> Jsonb:
    """Convert parameters for the column `parameters`."""
    return Jsonb(dict(parameters))


def uploads_json(tables: Sequence[PublishedTable]) -> Jsonb:
    """Convert tables for the column `uploads`."""
    return Jsonb({table.name.lower(): to_record(table) for table in tables})


def _make_job(row: Mapping[str, Any]) -> Job:
    return Job(
        job_id=row["job_id"],
        run_id=row["run_id"],
        phase=row["phase"],
        address=row["address"] or "",
        parameters={name: tuple(values) for name, values in row["parameters"].items()},
        base_url=row["base_url"],
        created_at=row["created_at"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        destruction=row["destruction"],
        execution_seconds=row["execution_seconds"],
        error=row["error"] or "",
        result=_make_result(row),
        uploads=tuple(from_record(record) for record in row["uploads"].values()),
    )


def _make_result(row: Mapping[str, Any]) -> JobResult | None:
    if row["result_file"] is None:
        return None
    return JobResult(
        row["result_file"], row["result_type"], row["result_bytes"], row["result_rows"], row["is_cut"]
    )


def to_record(table: PublishedTable) -> dict[str, object]:
    """Convert a table to what JSON can hold."""
    return asdict(table)


def from_record(record: Mapping[str, Any]) -> PublishedTable:
    """Convert a record of JSON to the table that it was."""
    columns = tuple(
        PublishedColumn(**{**column, "meta": ColumnMeta(**column["meta"])}) for column in record["columns"]
    )
    schema, name = record["relation"]
    return PublishedTable(**{**record, "relation": (schema, name), "columns": columns})
