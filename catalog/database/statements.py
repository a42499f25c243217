"""Statements that SQLAlchemy builds from the schema's mirror, run on a connection of psycopg.

Names of tables and columns stand in `catalog.schema` alone, and are checked where a statement is built. Rows
come back as psycopg reads them, in the caller's transaction.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from sqlalchemy import Delete, Insert, Select, Update
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


def _compile(statement: Statement, columns: list[str] | None = None) -> SQLCompiler:
    compiled = statement.compile(dialect=_DIALECT, column_keys=columns)
    assert isinstance(compiled, SQLCompiler)  # noqa: S101 - what compiles statements, as against types
    return compiled


def _convert(compiled: SQLCompiler, name: str, value: object) -> object:
    """A value as psycopg takes it for its column's type, a dictionary as JSON for instance."""
    convert = compiled.binds[name].type.dialect_impl(_DIALECT).bind_processor(_DIALECT)
    return value if convert is None or value is None else convert(value)
