"""/tap/tables of VOSI 1.1: the published tables as VODataService 1.1 describes them."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, LiteralString

import psycopg
from psycopg.rows import dict_row

from catalog.formats.xml import HEAD, element, text
from catalog.tap.errors import NotFoundError

_Row = Mapping[str, Any]

_NAMESPACES = {
    "xmlns:vosi": "http://www.ivoa.net/xml/VOSITables/v1.0",
    "xmlns:vs": "http://www.ivoa.net/xml/VODataService/v1.1",
    "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
}
_SCHEMAS: LiteralString = "SELECT * FROM tap_schema.schemas ORDER BY schema_index"
_TABLES: LiteralString = "SELECT * FROM tap_schema.tables ORDER BY table_index"
_COLUMNS: LiteralString = "SELECT * FROM tap_schema.columns ORDER BY table_name, column_index"
_KEYS: LiteralString = (
    "SELECT k.*, c.from_column, c.target_column "
    "FROM tap_schema.keys AS k JOIN tap_schema.key_columns AS c USING (key_id) "
    "ORDER BY k.key_id, c.from_column"
)


def write_tables(connection: psycopg.Connection, *, with_columns: bool) -> bytes:
    """Write all tables, with or without their columns and foreign keys."""
    schemas, tables = _read_rows(connection, _SCHEMAS), _read_rows(connection, _TABLES)
    columns = _group_rows(_read_rows(connection, _COLUMNS), "table_name") if with_columns else {}
    keys = _group_rows(_read_rows(connection, _KEYS), "from_table") if with_columns else {}
    inside = [
        element(
            "schema",
            text("name", schema["schema_name"]),
            text("description", schema["description"]),
            *(
                _table(
                    "table", table, columns.get(table["table_name"], ()), keys.get(table["table_name"], ())
                )
                for table in tables
                if table["schema_name"] == schema["schema_name"]
            ),
        )
        for schema in schemas
    ]
    return (HEAD + element("vosi:tableset", *inside, given=_NAMESPACES)).encode()


def add_esa_flags(document: bytes) -> bytes:
    """Change the document for astroquery's TapPlus, which reads no column without ESA's flags.

    No other client gets them: the schema of VODataService does not allow them. TapPlus also takes the last
    description it meets for the table's own, so those of foreign keys are left out.
    """
    namespace = b'xmlns:esatapplus="http://esa.int/xml/EsaTapPlus" xmlns:vosi='
    flagged = document.replace(b"<column ", b'<column esatapplus:flags="0" ')
    without = re.sub(rb"(</fkColumn>\n)<description>.*?</description>\n", rb"\1", flagged, flags=re.DOTALL)
    return without.replace(b"xmlns:vosi=", namespace, 1)


def write_table(connection: psycopg.Connection, name: str) -> bytes:
    """Write one table, with its columns and foreign keys.

    Raises:
        NotFoundError: There is no such table.
    """
    for table in _read_rows(connection, _TABLES):
        if table["table_name"].lower() == name.lower():
            columns = _group_rows(_read_rows(connection, _COLUMNS), "table_name")[table["table_name"]]
            keys = _group_rows(_read_rows(connection, _KEYS), "from_table")[table["table_name"]]
            return (HEAD + _table("vosi:table", table, columns, keys, _NAMESPACES)).encode()
    raise NotFoundError(f"no table {name[:100]!r}: /tap/tables lists what there is")


def _table(
    tag: str,
    table: _Row,
    columns: Sequence[_Row],
    keys: Sequence[_Row],
    namespaces: Mapping[str, str] | None = None,
) -> str:
    return element(
        tag,
        text("name", table["table_name"]),
        text("description", table["description"]),
        text("utype", table["utype"]),
        *(_column(column) for column in columns),
        *(_foreign_key(parts) for parts in _group_rows(keys, "key_id").values()),
        given={**(namespaces or {}), "type": table["table_type"]},
    )


def _column(column: _Row) -> str:
    kind = {
        "xsi:type": "vs:VOTableType",
        "arraysize": column["arraysize"] or "",
        "extendedType": column["xtype"] or "",
    }
    return element(
        "column",
        text("name", column["column_name"]),
        text("description", column["description"]),
        text("unit", column["unit"]),
        text("ucd", column["ucd"]),
        text("utype", column["utype"]),
        text("dataType", column["datatype"], kind),
        text("flag", "indexed" if column["indexed"] else None),
        text("flag", "primary" if column["principal"] else None),
        given={"std": "true" if column["std"] else "false"},
    )


def _foreign_key(parts: Sequence[_Row]) -> str:
    return element(
        "foreignKey",
        text("targetTable", parts[0]["target_table"]),
        *(
            element(
                "fkColumn",
                text("fromColumn", part["from_column"]),
                text("targetColumn", part["target_column"]),
            )
            for part in parts
        ),
        text("description", parts[0]["description"]),
        text("utype", parts[0]["utype"]),
    )


def _read_rows(connection: psycopg.Connection, query: LiteralString) -> list[_Row]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return list(cursor.execute(query).fetchall())


def _group_rows(rows: Sequence[_Row], key: str) -> dict[str, list[_Row]]:
    groups: dict[str, list[_Row]] = defaultdict(list)
    for row in rows:
        groups[row[key]].append(row)
    return groups
