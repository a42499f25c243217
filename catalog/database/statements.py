"""Statements that SQLAlchemy builds from the schema's mirror, run on a connection of psycopg.

Names of tables and columns stand in `catalog.schema` alone, and are checked where a statement is built. Rows
come back as psycopg reads them, in the caller's transaction.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from sqlalchemy import Delete, Insert, Select, Table, Update
from sqlalchemy.dialects.postgresql import Insert as Upsert
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.sql.compiler import SQLCompiler

Statement = Select[Any] | Insert | Update | Delete
Row = tuple[Any, ...]

_DIALECT = PGDialect_psycopg()  # type: ignore[no-untyped-call] # SQLAlchemy leaves it untyped


def run(
    connection: psycopg.Connection | psycopg.Cursor[tuple[object, ...]], statement: Statement
) -> psycopg.Cursor[Row]:
    """Run one statement.

    Args:
        connection: Open connection, or a cursor of one.
        statement: The statement, with its values.

    Returns:
        The cursor that holds its rows.
    """
    compiled = _compile(statement)
    parameters = {name: _convert(compiled, name, value) for name, value in compiled.params.items()}
    return connection.execute(compiled.string.encode(), parameters)


def insert_rows(
    cursor: psycopg.Cursor[tuple[object, ...]], statement: Insert, rows: Sequence[Mapping[str, object]]
) -> None:
    """Insert rows one after another, in one trip to the server; none where there are none.

    Args:
        cursor: Cursor of an open connection.
        statement: The insertion, without values.
        rows: Values by column, each row with the same columns.
    """
    if not rows:
        return
    compiled = _compile(statement.inline(), list(rows[0]))  # else each row would give its key back
    cursor.executemany(
        compiled.string.encode(),
        [{name: _convert(compiled, name, value) for name, value in row.items()} for row in rows],
    )


def upsert(
    table: Table,
    key: Mapping[str, object],
    values: Mapping[str, object],
    otherwise: Mapping[str, object] | None = None,
) -> Upsert:
    """Insert a row; a row that has its key already gets the values instead.

    Args:
        table: Table of the schema's mirror.
        key: Values of the columns that tell the row from others.
        values: Values of further columns, for a new row and for one that is there.
        otherwise: Values or expressions that a row gets only where it is there already.
    """
    statement = insert(table).values({**key, **values})
    new = {name: statement.excluded[name] for name in values}
    return statement.on_conflict_do_update(index_elements=list(key), set_={**new, **(otherwise or {})})


def returned_number(cursor: psycopg.Cursor[Row]) -> int:
    """The whole number that a statement with RETURNING gave for its one row."""
    row = cursor.fetchone()
    assert row is not None  # noqa: S101 - RETURNING returns
    return int(row[0])


def _compile(statement: Statement, columns: list[str] | None = None) -> SQLCompiler:
    compiled = statement.compile(dialect=_DIALECT, column_keys=columns)
    assert isinstance(compiled, SQLCompiler)  # noqa: S101 - what compiles statements, as against types
    return compiled


def _convert(compiled: SQLCompiler, name: str, value: object) -> object:
    """A value as psycopg takes it for its column's type, a dictionary as JSON for instance."""
    convert = compiled.binds[name].type.dialect_impl(_DIALECT).bind_processor(_DIALECT)
    return value if convert is None or value is None else convert(value)
