"""What the service publishes, read from the database's TAP_SCHEMA."""

from typing import LiteralString

import psycopg

from catalog.adql.published import Published, PublishedColumn, PublishedTable
from catalog.columns import ColumnMeta

SEARCHED = ("galcat", "galaxy")
"""The table whose galaxies can be compared and found by their position, in ADQL as in Postgres."""
EMBEDDING = ("galcat_tap", "embedding")
"""The table that shows their vectors."""

_TABLES: LiteralString = (
    "SELECT p.table_name, p.schema_name, p.name, p.stored_schema, p.stored_name, t.description, "
    "s.description FROM galcat_tap.published AS p JOIN tap_schema.tables AS t USING (table_name) "
    "JOIN tap_schema.schemas AS s ON s.schema_name = p.schema_name ORDER BY t.table_index"
)
_COLUMNS: LiteralString = (
    "SELECT table_name, btrim(column_name, '\"'), datatype, coalesce(arraysize, ''), coalesce(xtype, ''), "
    "coalesce(unit, ''), coalesce(ucd, ''), coalesce(description, ''), "
    "coalesce(utype, ''), indexed = 1, principal = 1, std = 1 "
    "FROM tap_schema.columns ORDER BY table_name, column_index"
)
_STAMP: LiteralString = (
    "SELECT md5(string_agg(concat_ws(' ', a.attrelid, a.attnum, a.attname, a.atttypid, d.description), "
    "E'\\n' ORDER BY a.attrelid, a.attnum)) "
    "FROM galcat_tap.published AS p "
    "JOIN pg_catalog.pg_attribute AS a ON a.attrelid = p.relation AND a.attnum > 0 AND NOT a.attisdropped "
    "LEFT JOIN pg_catalog.pg_description AS d ON d.classoid = 'pg_catalog.pg_class'::regclass "
    "AND d.objoid = a.attrelid AND d.objsubid = a.attnum"
)


def load_published(connection: psycopg.Connection) -> Published:
    """Read every table and column of TAP_SCHEMA, and what they are in Postgres.

    A name that ADQL reserves stands in TAP_SCHEMA in its double quotes, and here without.

    Args:
        connection: A connection of the role galcat_public, or of any role that may read what that one may.
    """
    columns: dict[str, list[PublishedColumn]] = {}
    for table, *meta, indexed, principal, standard in connection.execute(_COLUMNS).fetchall():
        column = PublishedColumn(ColumnMeta(*meta), meta[0], indexed, principal, standard)
        columns.setdefault(table, []).append(column)
    schemas: dict[str, str] = {}
    tables: list[PublishedTable] = []
    for table, schema, name, stored_schema, stored_name, meaning, of_schema in connection.execute(_TABLES):
        schemas[schema] = of_schema
        relation = (stored_schema, stored_name)
        tables.append(
            PublishedTable(
                schema,
                name,
                relation,
                tuple(columns[table]),
                meaning,
                search_column="search" if relation == SEARCHED else "",
                search_array="search" if relation == EMBEDDING else "",
                has_sky_index=relation == SEARCHED,
            )
        )
    return Published(tuple(tables), schemas)


def read_published_stamp(connection: psycopg.Connection) -> str:
    """Read a text that changes when a published column appears, goes, or gets another type or meaning.

    Reading it is cheap, so that whoever keeps what `load_published` gave can ask each second.
    """
    row = connection.execute(_STAMP).fetchone()
    assert row is not None  # noqa: S101 - an aggregate gives a row
    return str(row[0])
