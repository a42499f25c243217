"""Makes, fills and drops the Postgres tables of tables that came with queries."""

from contextlib import suppress
from datetime import datetime

import psycopg
from psycopg import sql

from catalog.adql.published import PublishedColumn, PublishedTable
from catalog.columns import ColumnMeta
from catalog.tap.uploads.copy_text import CopyText
from catalog.tap.uploads.error import UploadError
from catalog.tap.uploads.position import find_position

_SCHEMA = "tap_upload"
_TYPES = {
    "boolean": "boolean",
    "short": "smallint",
    "int": "integer",
    "long": "bigint",
    "float": "real",
    "double": "double precision",
    "char": "text",
}


def store_text(connection: psycopg.Connection, name: str, text: CopyText, job: str | None) -> PublishedTable:
    """Make a Postgres table of an uploaded one that was read before, whole or not at all.

    It is read-only, indexed on the sky where it has a right ascension and a declination, and analysed.

    Args:
        connection: A connection of a member of galcat_writer.
        name: The table's name in the query, behind TAP_UPLOAD.
        text: The table's rows as Postgres reads them.
        job: The identifier of the job that the table belongs to, as long as which it stays; None for a
            synchronous query.

    Returns:
        The table as queries may name it; its columns are called c1, c2, ... in Postgres.

    Raises:
        UploadError: A value does not fit in its column.
    """
    sky = find_position(text.declared)
    try:
        with connection.transaction(), connection.cursor() as cursor:
            relation = _make_table(cursor, text.declared, job)
            with cursor.copy(sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(_SCHEMA, relation))) as copy:
                for chunk in text.chunks:
                    copy.write(chunk)
            ends = [None if i is None else f"c{i + 1}" for i in sky]
            cursor.execute("SELECT tap_upload.finish_table(%s, %s, %s)", [relation, *ends])
    except psycopg.DataError as error:
        raise UploadError(f"table {name}: {str(error).splitlines()[0]}") from None
    published = tuple(
        PublishedColumn(column, f"c{i + 1}", is_indexed=None not in sky and i in sky)
        for i, column in enumerate(text.columns)
    )
    return PublishedTable(
        "TAP_UPLOAD",
        name,
        (_SCHEMA, relation),
        published,
        "A table that came with the query.",
        rows=text.n_rows,
    )


def drop_upload(connection: psycopg.Connection, table: PublishedTable) -> None:
    """Remove a table that came with a query; nothing where it is gone already."""
    connection.execute("SELECT tap_upload.drop_table(%s)", [table.relation[1]])


def drop_stale(connection: psycopg.Connection, older_than: datetime) -> int:
    """Remove the tables that a crash left: older than that, and of no job that still exists.

    Args:
        connection: A connection of a member of galcat_writer.
        older_than: A time with a zone, further back than any query takes.

    Returns:
        How many there were; one that a query still reads goes another time, and does not count.
    """
    names = [row[0] for row in connection.execute("SELECT tap_upload.stale_tables(%s)", [older_than])]
    n_dropped = 0
    for name in names:
        with suppress(psycopg.errors.LockNotAvailable):
            connection.execute("SELECT tap_upload.drop_table(%s)", [name])
            n_dropped += 1
    return n_dropped


def _make_table(cursor: psycopg.Cursor, columns: tuple[ColumnMeta, ...], job: str | None) -> str:
    types = [_postgres_type(column) for column in columns]
    row = cursor.execute("SELECT tap_upload.make_table(%s, %s)", [types, job]).fetchone()
    assert row is not None  # noqa: S101 - a function returns
    return str(row[0])


def _postgres_type(column: ColumnMeta) -> str:
    if column.is_text and column.xtype == "timestamp":
        return "timestamp"
    return _TYPES[column.datatype] + ("[]" if column.is_array else "")
