"""Converts Postgres' types to those of VOTable, and values to plain Python values."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

import psycopg

from catalog.columns import ColumnMeta
from catalog.errors import QueryError
from catalog.formats.writer import Row

_SCALARS = {
    "bool": "boolean",
    "int2": "short",
    "int4": "int",
    "oid": "long",
    "int8": "long",
    "float4": "float",
    "float8": "double",
    "numeric": "double",
}
_TEXTS = ("text", "varchar", "bpchar", "name")
_TIME = "timestamp"
_TIMES = ("timestamp", "timestamptz", "date")
_ODD = {
    psycopg.adapters.types["timestamptz"].oid,
    psycopg.adapters.types["date"].oid,
    psycopg.adapters.types["numeric"].oid,
    psycopg.adapters.types["numeric"].array_oid,
}


class PostgresColumn(Protocol):
    """What Postgres says of an answer's column."""

    @property
    def type_code(self) -> int:
        """The type's OID."""


def describe_columns(
    columns: Sequence[ColumnMeta], answer: Sequence[PostgresColumn]
) -> tuple[ColumnMeta, ...]:
    """Give the expected columns the types that Postgres gave them.

    Raises:
        QueryError: A column has a type that no format can hold; names both.
    """
    return tuple(
        _describe_column(meta, column.type_code) for meta, column in zip(columns, answer, strict=True)
    )


def convert_rows(rows: list[Row], answer: Sequence[PostgresColumn]) -> list[Row]:
    """Convert times to naive UTC datetimes and Decimals to floats; all else is plain as it comes."""
    odd = [i for i, column in enumerate(answer) if column.type_code in _ODD]
    return [_convert_row(row, odd) for row in rows] if odd else rows


def _describe_column(meta: ColumnMeta, oid: int) -> ColumnMeta:
    known = _KNOWN.get(oid)
    if known is None:
        name = getattr(psycopg.adapters.types.get(oid), "name", f"number {oid}")
        raise QueryError(f"column {meta.name} has the type {name}, which no format can hold: CAST it")
    datatype, arraysize, xtype = known
    if datatype == "char":
        kept = meta if meta.is_text else replace(meta, datatype=datatype, arraysize="*", xtype="")
        return replace(kept, xtype=xtype) if xtype != kept.xtype and _TIME in (xtype, kept.xtype) else kept
    fits = meta.datatype == datatype and bool(meta.arraysize) == bool(arraysize)
    return meta if fits else replace(meta, datatype=datatype, arraysize=arraysize, xtype="")


def _convert_row(row: Row, odd: list[int]) -> Row:
    values = list(row)
    for i in odd:
        values[i] = _convert_value(values[i])
    return tuple(values)


def _convert_value(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, list):
        return [_convert_value(one) for one in value]
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)  # the session's zone is UTC
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001 - naive is what formats take
    return value


def _by_oid() -> dict[int, tuple[str, str, str]]:
    types = psycopg.adapters.types
    known = {types[name].oid: (datatype, "", "") for name, datatype in _SCALARS.items()}
    known |= {types[name].array_oid: (datatype, "*", "") for name, datatype in _SCALARS.items()}
    known |= {types[name].oid: ("char", "*", "") for name in _TEXTS}
    return known | {types[name].oid: ("char", "*", _TIME) for name in _TIMES}


_KNOWN = _by_oid()
