"""Run a reader's SQL: read-only, as the reader role, with one-line errors."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.abc import Buffer
from psycopg.pq import ExecStatus
from psycopg.types.datetime import DateLoader, TimestampLoader, TimestamptzLoader

from catalog.errors import QueryError
from catalog.result import Result, ResultField

Parameters = dict[str, object]

_DTYPES = {"bool": "?", "int2": "i2", "int4": "i4", "int8": "i8", "float4": "f4", "float8": "f8"}
_COMMENTS = (
    "SELECT c.place, pg_catalog.col_description(c.relation, c.number) "
    "FROM unnest(%s::oid[], %s::int[]) WITH ORDINALITY AS c (relation, number, place)"
)
_FIRST_WORD = re.compile(r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)*(?P<word>[A-Za-z]+)", re.DOTALL)
# Some of them outlast their transaction, and COPY would take the connection over.
_ANSWERLESS = re.compile(
    "abort|begin|checkpoint|close|commit|copy|deallocate|declare|discard|do|end|listen|load|lock|move|notify|"
    "prepare|release|reset|rollback|savepoint|set|start|unlisten",
    re.IGNORECASE,
)
_UNIT = re.compile(r" \[([^\]]+)\]$")


def run_query(connection: psycopg.Connection, query: str) -> Result:
    """Run one SQL statement as a user typed it.

    Raises:
        QueryError: Postgres refused it, and the text has the place and Postgres' hint; or it asks nothing, as
            BEGIN or LISTEN, and nothing of it stays.
    """
    first = _FIRST_WORD.match(query)
    is_alone = ";" not in query.rstrip("; \n")  # several statements are refused as such
    if first is not None and is_alone and _ANSWERLESS.fullmatch(first["word"]):
        raise _answers_nothing(first["word"].upper())
    with read_transaction(connection):
        return _answer(connection, _execute_typed(connection, query))


def is_empty(connection: psycopg.Connection) -> bool:
    """Whether nothing was ingested yet: the schema is not there, or it has no release to show."""
    row = connection.execute("SELECT to_regclass('galcat.release')").fetchone()
    if row is None or row[0] is None:
        return True
    # As text: `galcat sql` asks this first, and SQLAlchemy takes longer to import than a query takes.
    return connection.execute("SELECT galcat.current_release() IS NULL").fetchone() != (False,)


def select(
    connection: psycopg.Connection, query: LiteralString | sql.Composed, parameters: Parameters
) -> Result:
    """Run a query of ours with bound parameters.

    Raises:
        QueryError: Postgres refused it, for instance for an unknown object_id.
    """
    with read_transaction(connection):
        return select_within(
            connection, query if isinstance(query, sql.Composed) else sql.SQL(query), parameters
        )


@contextmanager
def read_transaction(
    connection: psycopg.Connection, settings: Mapping[str, str] | None = None
) -> Iterator[None]:
    """A transaction that can only read, as the reader role, and sees one moment; `settings` last as long.

    Raises:
        QueryError: Postgres refused something, in one line.
    """
    # Plans for the values at hand: a plan for any cone or LIMIT would use no index.
    wanted = {"plan_cache_mode": "force_custom_plan", **(settings or {})}
    try:
        with connection.transaction():
            connection.execute(
                "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL ROLE galcat_reader"
            )
            set_for_now(connection, wanted)
            yield
    except psycopg.Error as error:
        raise QueryError(_in_one_line(error)) from error


def set_for_now(connection: psycopg.Connection, settings: Mapping[str, str]) -> None:
    """Change settings until the transaction ends."""
    for name, value in settings.items():
        connection.execute("SELECT pg_catalog.set_config(%s, %s, true)", [name, value])


def select_within(
    connection: psycopg.Connection, query: sql.SQL | sql.Composed, parameters: Parameters
) -> Result:
    """Run a query of ours inside the caller's `read_transaction`, which tells what Postgres refuses."""
    return _answer(connection, connection.execute(query, parameters, prepare=True))


def _answers_nothing(statement: str) -> QueryError:
    return QueryError(f"{statement} answers nothing: ask by SELECT, TABLE, VALUES, WITH, SHOW or EXPLAIN")


def _execute_typed(connection: psycopg.Connection, query: str) -> psycopg.Cursor[tuple[object, ...]]:
    # In a pipeline Postgres refuses a second statement behind a semicolon, as it does where one is prepared;
    # but a prepared one would not survive that the columns of SELECT * change with the tasks.
    cursor = connection.cursor()
    cursor.adapters.register_loader("date", _DateLoader)
    cursor.adapters.register_loader("timestamp", _TimestampLoader)
    cursor.adapters.register_loader("timestamptz", _TimestamptzLoader)
    with connection.pipeline():
        return cursor.execute(query.encode(), prepare=False)


def _text_where_too_far(load: Callable[[Buffer], object], data: Buffer) -> object:
    """A day as Python has it; as Postgres writes it where Python has none: 'infinity', '4713-01-01 BC'."""
    try:
        return load(data)
    except psycopg.DataError:
        return bytes(data).decode()


class _DateLoader(DateLoader):
    def load(self, data: Buffer) -> Any:  # noqa: ANN401 - psycopg's own type is narrower
        return _text_where_too_far(super().load, data)


class _TimestampLoader(TimestampLoader):
    def load(self, data: Buffer) -> Any:  # noqa: ANN401 - as above
        return _text_where_too_far(super().load, data)


class _TimestamptzLoader(TimestamptzLoader):
    def load(self, data: Buffer) -> Any:  # noqa: ANN401 - as above
        return _text_where_too_far(super().load, data)


def _answer(connection: psycopg.Connection, cursor: psycopg.Cursor[tuple[object, ...]]) -> Result:
    if cursor.pgresult is not None and cursor.pgresult.status == ExecStatus.EMPTY_QUERY:
        raise QueryError("there is no query in that text")
    if cursor.description is None:
        raise _answers_nothing(cursor.statusmessage or "that statement")
    names = tuple(column.name for column in cursor.description)
    return Result(names, cursor.fetchall(), _fields(connection, cursor))


def _fields(connection: psycopg.Connection, cursor: psycopg.Cursor) -> tuple[ResultField, ...]:
    """Types of an answer's columns, and what the comments of a relation say of those that are its own."""
    result, description = cursor.pgresult, cursor.description or []
    assert result is not None  # noqa: S101 - there is a description
    origins = [(result.ftable(i), result.ftablecol(i)) for i in range(len(description))]
    comments: dict[int, str | None] = dict(
        connection.execute(_COMMENTS, [[t for t, _ in origins], [c for _, c in origins]]).fetchall()
        if any(table for table, _ in origins)
        else []
    )
    return tuple(
        _field(_DTYPES.get(column.type_display.split("(")[0]), comments.get(i) or "")
        for i, column in enumerate(description, 1)
    )


def _field(dtype: str | None, comment: str) -> ResultField:
    unit = _UNIT.search(comment)
    named = unit.group(1) if unit else ""
    return ResultField(dtype, None if named in {"", "-", "1"} else named, _UNIT.sub("", comment))


def _in_one_line(error: psycopg.Error) -> str:
    """Postgres' message with its place and hint, without the drawing of the line."""
    diagnosis = error.diag
    parts = [diagnosis.message_primary or str(error).strip().splitlines()[0]]
    if parts[0].startswith("cannot insert multiple commands"):
        parts = ["one statement at a time: there is a second one behind a semicolon"]
    if diagnosis.statement_position:
        parts.append(f"at character {diagnosis.statement_position}")
    if diagnosis.message_hint:
        parts.append(f"({diagnosis.message_hint})")
    return " ".join(parts)
