"""The Python mirror and the database say the same."""

import re

import astropy.units as u
import psycopg
from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import Column, types
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from catalog.database.connection import connect
from catalog.schema import metadata

POSTGRES_TYPES = {
    types.BigInteger: "bigint",
    types.SmallInteger: "smallint",
    types.Integer: "integer",
    types.Text: "text",
    types.Double: "double precision",
    types.REAL: "real",
    types.Boolean: "boolean",
    types.LargeBinary: "bytea",
    types.DateTime: "timestamp with time zone",
    JSONB: "jsonb",
}


def database_columns(connection: psycopg.Connection) -> dict[str, list[tuple[str, str, bool]]]:
    """Name, type and nullability of every column of every relation that is not a partition."""
    columns: dict[str, list[tuple[str, str, bool]]] = {}
    for relation, *column in connection.execute(
        "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull "
        "FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid "
        "WHERE c.relnamespace = 'galcat'::regnamespace AND c.relkind IN ('r', 'p', 'v') "
        "AND NOT c.relispartition AND a.attnum > 0 AND c.relname <> 'schema_history' "
        "ORDER BY c.relname, a.attnum"
    ):
        columns.setdefault(relation, []).append((column[0], column[1], column[2]))
    return columns


def mirror_type(column: Column[object]) -> str:
    kind = column.type
    if isinstance(kind, HALFVEC):
        return f"halfvec({kind.dim})" if kind.dim else "halfvec"
    if isinstance(kind, ARRAY):
        return f"{POSTGRES_TYPES[type(kind.item_type)]}[]"
    return POSTGRES_TYPES[type(kind)]


def test_the_mirror_is_the_database(database: str) -> None:
    mirror = {
        table.name: [(column.name, mirror_type(column), bool(column.nullable)) for column in table.columns]
        for table in metadata.tables.values()
    }
    with connect(database) as connection:
        assert mirror == database_columns(connection)


def test_every_public_column_has_a_comment_that_ends_with_a_unit(database: str) -> None:
    with connect(database) as connection:
        comments = connection.execute(
            "SELECT c.relname || '.' || a.attname, col_description(c.oid, a.attnum) "
            "FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid "
            "WHERE c.relnamespace = 'galcat'::regnamespace AND c.relkind IN ('r', 'p', 'v') "
            "AND NOT c.relispartition AND a.attnum > 0 AND c.relname <> 'schema_history'"
        ).fetchall()
    assert len(comments) > 150
    for name, comment in comments:
        found = re.fullmatch(r".+ \[(.+)\]", comment or "")
        assert found, name
        if found[1] != "-":
            u.Unit(found[1])


def test_every_function_and_relation_has_a_comment(database: str) -> None:
    with connect(database) as connection:
        silent = connection.execute(
            "SELECT p.oid::regprocedure::text FROM pg_proc AS p "
            "WHERE p.pronamespace = 'galcat'::regnamespace AND obj_description(p.oid, 'pg_proc') IS NULL "
            "UNION ALL SELECT c.relname FROM pg_class AS c WHERE c.relnamespace = 'galcat'::regnamespace "
            "AND c.relkind IN ('r', 'p', 'v') AND obj_description(c.oid, 'pg_class') IS NULL"
        ).fetchall()
    assert silent == []
