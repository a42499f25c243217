"""What a database holds, in numbers: of every table its rows, and a digest whatever their order."""

from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
from psycopg import sql

SETTINGS = (
    "SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO'; SET LOCAL intervalstyle = 'postgres'; "
    "SET LOCAL bytea_output = 'hex'; SET LOCAL extra_float_digits = 1"
)
"""With which a digest is made: a row is digested as Postgres writes it."""
# Uploads belong to queries that run; a table that an extension brings comes with it.
_TABLES = """
    SELECT n.nspname, c.relname
    FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_'
        AND n.nspname NOT IN ('information_schema', 'tap_upload')
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d WHERE d.deptype = 'e'
            AND d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid)
    ORDER BY 1, 2
"""


@dataclass(frozen=True)
class TableContent:
    """A table's content in numbers.

    Attributes:
        schema: Schema of the table.
        name: Name of the table.
        rows: Number of its rows.
        digest: Sum over all rows of 64 bits of MD5 of the row's text, as decimal digits.
    """

    schema: str
    name: str
    rows: int
    digest: str


def list_tables(connection: psycopg.Connection) -> list[tuple[str, str]]:
    """List schema and name of all tables that a backup holds, partitions one by one."""
    return [(str(schema), str(name)) for schema, name in connection.execute(_TABLES).fetchall()]


def describe_tables(connection: psycopg.Connection, tables: list[tuple[str, str]]) -> Iterator[TableContent]:
    """Count and digest tables, one after another.

    Args:
        connection: Open connection inside a transaction, which sees one moment.
        tables: Schema and name of each.
    """
    connection.execute(SETTINGS)
    for schema, name in tables:
        row = connection.execute(digest_query(schema, name)).fetchone()
        assert row is not None  # noqa: S101 - an aggregate gives a row
        yield TableContent(schema, name, int(row[0]), str(row[1]))


def digest_query(schema: str, name: str) -> sql.Composed:
    """The query that gives the number of a table's rows and their digest, whatever the search path."""
    return sql.SQL(
        "SELECT pg_catalog.count(*), coalesce(pg_catalog.sum(('x' || pg_catalog.left(pg_catalog.md5("
        "(one.*)::pg_catalog.text), 16))::pg_catalog.bit(64)::pg_catalog.int8::pg_catalog.numeric), 0)"
        "::pg_catalog.text FROM ONLY {} AS one"
    ).format(sql.Identifier(schema, name))
