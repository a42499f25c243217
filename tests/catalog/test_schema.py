"""The Python mirror and the database say the same."""

import re

import astropy.units as u
import psycopg
import sqlalchemy
from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import Column, types
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from catalog.constants import BANDS, FIELD_PX, SEARCH_DIMENSION, SEARCH_TYPE
from catalog.database.connection import connect
from catalog.database.sql_files import sql_files
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


def test_the_mirror_names_every_table_and_view_and_their_keys_as_reflection_finds_them(database: str) -> None:
    engine = sqlalchemy.create_engine("postgresql+psycopg://", creator=lambda: connect(database))
    found = sqlalchemy.inspect(engine)
    tables = set(found.get_table_names("galcat")) - {"schema_history"}
    views = set(found.get_view_names("galcat"))
    mirror = {table.name: table for table in metadata.tables.values()}
    assert set(mirror) == tables | views
    assert {name for name, table in mirror.items() if table.info.get("is_view")} == views
    for name, table in mirror.items():
        key = found.get_pk_constraint(name, "galcat")["constrained_columns"] if name in tables else []
        assert sorted(column.name for column in table.primary_key) == sorted(key), name
    engine.dispose()


def test_the_width_of_a_search_vector_and_of_a_cutout_are_those_of_the_sql(database: str) -> None:
    widths = {
        width
        for file in sql_files()
        for width in re.findall(r"halfvec\((\d+)\)|generate_series\(0, (\d+)\) AS i\)::public", file.text)
    }
    assert widths == {(str(SEARCH_DIMENSION), ""), ("", str(SEARCH_DIMENSION - 1))}
    with connect(database) as connection:
        search_type = connection.execute(
            "SELECT format_type(atttypid, atttypmod) FROM pg_attribute "
            "WHERE attrelid = 'galcat.embedding'::regclass AND attname = 'search'"
        ).fetchone()
        comment = connection.execute(
            "SELECT col_description('galcat.source'::regclass, attnum) FROM pg_attribute "
            "WHERE attrelid = 'galcat.source'::regclass AND attname = 'pixel_scale_arcsec'"
        ).fetchone()
        magnitudes = connection.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'galcat.source'::regclass "
            "AND attname LIKE 'mag\\_%' ORDER BY attnum"
        ).fetchall()
    assert search_type == (SEARCH_TYPE.removeprefix("public."),)
    assert comment is not None
    assert f"whose field is {FIELD_PX} such pixels" in comment[0]
    assert [name.removeprefix("mag_") for (name,) in magnitudes] == list(BANDS)


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
