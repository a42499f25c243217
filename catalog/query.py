"""Run a reader's SQL: read-only, as the reader role, with one-line errors."""

from dataclasses import dataclass
from typing import LiteralString

import psycopg
from psycopg import sql
from psycopg.pq import ExecStatus

from catalog.errors import QueryError

Parameters = dict[str, object]


@dataclass(frozen=True)
class Result:
    """A query's answer: column names, and rows of plain Python values."""

    columns: tuple[str, ...]
    rows: list[tuple[object, ...]]


def run_query(connection: psycopg.Connection, query: str) -> Result:
    """Run one SQL statement as a user typed it.

    Returns:
        Its answer; no columns where the statement has none.

    Raises:
        QueryError: Postgres refused it; the text has the place and Postgres' hint.
    """
    return _run(connection, query.encode(), None, exact=False)


def select(
    connection: psycopg.Connection,
    query: LiteralString | sql.Composed,
    parameters: Parameters,
    *,
    exact: bool = False,
) -> Result:
    """Run a query of ours with bound parameters; `exact` forbids index scans, and so approximate answers.

    Raises:
        QueryError: Postgres refused it, for instance for an unknown object_id.
    """
    composed = query if isinstance(query, sql.Composed) else sql.SQL(query)
    return _run(connection, composed, parameters, exact=exact)


def _run(
    connection: psycopg.Connection,
    query: bytes | sql.SQL | sql.Composed,
    parameters: Parameters | None,
    *,
    exact: bool,
) -> Result:
    try:
        with connection.transaction():
            connection.execute("SET TRANSACTION READ ONLY")
            connection.execute("SET LOCAL ROLE galcat_reader")
            if exact:
                connection.execute("SET LOCAL enable_indexscan = off")
            # Prepared: Postgres then refuses a second statement behind a semicolon.
            cursor = connection.execute(query, parameters, prepare=True)
            if cursor.pgresult is not None and cursor.pgresult.status == ExecStatus.EMPTY_QUERY:
                raise QueryError("there is no query in that text")
            if cursor.description is None:
                return Result((), [])
            return Result(tuple(column.name for column in cursor.description), cursor.fetchall())
    except psycopg.Error as error:
        raise QueryError(_one_line(error)) from error


def _one_line(error: psycopg.Error) -> str:
    """Postgres' message with its place and hint, without the drawing of the line."""
    diagnosis = error.diag
    parts = [diagnosis.message_primary or str(error).strip().splitlines()[0]]
    if diagnosis.statement_position:
        parts.append(f"at character {diagnosis.statement_position}")
    if diagnosis.message_hint:
        parts.append(f"({diagnosis.message_hint})")
    return " ".join(parts)
