"""The room that uploaded tables may take: for one client, for all together, and on the disks."""

import shutil
from pathlib import Path

import psycopg

from catalog.database.disk import find_database_bytes, find_free_bytes
from catalog.tap.errors import BusyError
from catalog.tap.limits import NO_BOUND, ServiceLimits
from catalog.tap.uploads.error import UploadError

_BYTES = """
    WITH stored AS (
        SELECT pg_catalog.pg_total_relation_size(c.oid) AS bytes,
            pg_catalog.obj_description(c.oid, 'pg_class') AS mark
        FROM pg_catalog.pg_class AS c
        WHERE c.relnamespace = 'tap_upload'::regnamespace AND c.relkind = 'r')
    SELECT coalesce(sum(bytes), 0)::bigint,
        coalesce(sum(bytes) FILTER (WHERE mark IN (
            SELECT tap_upload.job_mark(j.job_id) FROM galcat_tap.job AS j
            WHERE j.address = %s AND j.phase IN ('PENDING', 'QUEUED', 'EXECUTING'))), 0)::bigint
    FROM stored
"""


def require_room(
    writer: psycopg.Connection, address: str, n_bytes: int, limits: ServiceLimits, held_bytes: int = 0
) -> None:
    """Refuse a table that would take more disk than there is for its client, or for all.

    Args:
        writer: A connection of a member of galcat_writer.
        address: The IP address of the client that sent the table.
        n_bytes: The length of the table's text, about what it takes on disk.
        limits: The limits of the service.
        held_bytes: What tables of the client's requests that go on take, of no stored job.

    Raises:
        UploadError: The client's own tables take too much already.
        BusyError: All tables together do, or the database's disk or its bound would be reached.
    """
    row = writer.execute(_BYTES, [address]).fetchone()
    of_all, of_address = (int(row[0]), int(row[1])) if row else (0, 0)
    if of_address + held_bytes + n_bytes > limits.stored_bytes_an_address:
        most = f"{limits.stored_bytes_an_address / 1e6:g} MB"
        raise UploadError(
            f"the tables of your queries and jobs would take more than {most}: let them end, or remove jobs, "
            "first"
        )
    if of_all + n_bytes > limits.stored_bytes:
        raise BusyError("there is no room for another uploaded table now: try again later")
    free = find_free_bytes(writer)
    is_full = free is not None and free - n_bytes < limits.min_free_bytes
    if limits.database_bytes < NO_BOUND:
        is_full |= find_database_bytes(writer) + n_bytes > limits.database_bytes
    if is_full:
        raise BusyError("the database's disk is nearly full: try again later")


def require_free_disk(folder: Path, limits: ServiceLimits) -> None:
    """Refuse to fill the last of the service's disk.

    Args:
        folder: A folder on the disk; that of the service's files.
        limits: The limits of the service.

    Raises:
        BusyError: Too little is free.
    """
    if shutil.disk_usage(folder).free < limits.min_free_bytes:
        raise BusyError("the service's disk is nearly full: try again later")


def find_spare_bytes(folder: Path, limits: ServiceLimits) -> int:
    """How large a file for one answer may become, so that all that are made at once leave the floor free.

    Args:
        folder: A folder on the disk; that of the service's files.
        limits: The limits of the service.
    """
    spare = shutil.disk_usage(folder).free - limits.min_free_bytes
    return max(0, spare // (limits.queries_at_once + limits.jobs_at_once))
