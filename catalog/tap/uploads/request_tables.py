"""Stores the tables of a request in Postgres for as long as they are needed."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from catalog.adql.published import PublishedTable
from catalog.errors import ReadOnlyError
from catalog.tap.database.postgres_errors import translate_error
from catalog.tap.errors import READ_ONLY_MESSAGE, NotFoundError
from catalog.tap.held_tables import HeldByRequest
from catalog.tap.job_store.client_store import read_job
from catalog.tap.job_store.results import JobResults
from catalog.tap.service import Service
from catalog.tap.uploads.copy_text import write_copy_text
from catalog.tap.uploads.error import UploadError
from catalog.tap.uploads.postgres_tables import drop_stale, drop_upload, store_text
from catalog.tap.uploads.read import read_upload
from catalog.tap.uploads.room import require_free_disk, require_room
from catalog.tap.uploads.upload_parameter import UploadReference
from table_files.limits import TableLimits
from table_files.row_table import RowTable

_log = logging.getLogger(__name__)

_LEFT_OVER = timedelta(hours=1)


def store_tables(
    service: Service, tables: Sequence[UploadReference], job_id: str | None, held: HeldByRequest
) -> tuple[PublishedTable, ...]:
    """Store tables in Postgres, all or none.

    Args:
        service: The service whose database holds the tables.
        tables: The tables that UPLOAD named.
        job_id: The job that the tables belong to; None for a synchronous query.
        held: What the tables of the request that sent them take; they are added.

    Raises:
        CatalogError: One cannot be read, or is too large.
    """
    stored: list[PublishedTable] = []
    limits = service.limits
    if tables and service.connections.is_read_only:  # before a file is unpacked
        raise ReadOnlyError(READ_ONLY_MESSAGE)
    try:
        for table in tables:
            require_free_disk(service.spool, limits)
            with (
                service.upload_throttle.slot_in_thread(held.address),
                write_copy_text(_read_table(service, table), limits.stored_bytes_a_table) as text,
                service.connections.writer() as writer,
            ):  # not held while the file is read
                others = service.held_tables.n_bytes[held.address]
                require_room(writer, held.address, text.n_bytes, limits, others)
                held.add(text.n_bytes)
                stored.append(store_text(writer, table.name, text, job_id))
    except BaseException:
        drop_tables(service, stored)
        raise
    return tuple(stored)


def drop_tables(service: Service, tables: Sequence[PublishedTable]) -> None:
    """Remove tables from Postgres; one that cannot be removed now is a left-over, and goes later."""
    for table in tables:
        try:
            with service.connections.writer() as writer:
                drop_upload(writer, table)
        except psycopg.Error as error:
            _log.warning("the uploaded table %s stays for now: %s", table.relation[1], error)


@contextmanager
def hold_tables(
    service: Service, tables: Sequence[UploadReference], address: str
) -> Iterator[tuple[PublishedTable, ...]]:
    """Hold tables in Postgres as long as this context lasts.

    Args:
        service: The service whose database holds the tables.
        tables: The tables that UPLOAD named.
        address: The IP address of the client that sent them.

    Raises:
        CatalogError: As `store_tables`; or the database cannot be reached.
    """
    with service.held_tables.hold(address) as held:
        try:
            stored = store_tables(service, tables, None, held)
        except psycopg.Error as error:
            raise translate_error(error, service.limits.sync_seconds) from error
        try:
            yield stored
        finally:
            drop_tables(service, stored)


def drop_left_overs(service: Service) -> None:
    """Drop the tables that crashes have left."""
    with service.connections.writer() as writer:
        drop_stale(writer, datetime.now(UTC) - _LEFT_OVER)


def _read_table(service: Service, table: UploadReference) -> RowTable:
    limits = TableLimits(bytes=service.limits.upload_bytes, rows=service.limits.upload_rows)
    if not isinstance(table.source, str):
        return read_upload(table.source.file, table.source.content_type, table.name, limits)
    return read_upload(*_find_result(service, table.name, table.source), table.name, limits)


def _find_result(service: Service, name: str, job_id: str) -> tuple[Path, str]:
    """The file that a job made, and its type."""
    with suppress(NotFoundError), service.connections.writer() as writer:
        result = read_job(writer, job_id).result
        if result is not None:
            path = JobResults.beside(service.spool).path(result.file)
            if path.is_file():
                return path, result.content_type
    raise UploadError(f"table {name}: job {job_id} has no result on this server")
