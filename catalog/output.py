"""A query's answer as a file: CSV, JSON, VOTable or Parquet."""

import csv
import io
import json
import math
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from astropy.table import MaskedColumn, Table
from pgvector import HalfVector, Vector

from catalog.errors import QueryError
from catalog.query import Result


def write_result(result: Result, output_format: str) -> bytes:
    """Serialise an answer.

    Args:
        result: The answer.
        output_format: csv, json, votable or parquet.

    Raises:
        QueryError: No such format, or two columns share a name where the format forbids it.
    """
    if output_format not in FORMATS:
        raise QueryError(f"no format {output_format!r}: choose table, {', '.join(FORMATS)}")
    twice = {name for name in result.columns if result.columns.count(name) > 1}
    if twice and output_format != "csv":
        raise QueryError(f"two columns are named {min(twice)!r}: rename one with AS")
    return FORMATS[output_format](_plain(result))


def plain_value(value: object) -> object:
    """Turn what psycopg gives into a number, text, bytes, bool, None or list."""
    if isinstance(value, HalfVector | Vector):
        return [float(number) for number in value.to_list()]
    if isinstance(value, np.ndarray):
        return value.astype(float).tolist()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value


def _plain(result: Result) -> Result:
    return Result(result.columns, [tuple(plain_value(value) for value in row) for row in result.rows])


def _csv(result: Result) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(result.columns)
    writer.writerows(
        [value.hex() if isinstance(value, bytes) else value for value in row] for row in result.rows
    )
    return text.getvalue().encode()


def _json(result: Result) -> bytes:
    rows = [dict(zip(result.columns, map(_finite, row), strict=True)) for row in result.rows]
    return (json.dumps(rows, default=_json_value, indent=1, allow_nan=False) + "\n").encode()


def _finite(value: object) -> object:
    """JSON has no NaN and no infinity: null."""
    if isinstance(value, list):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _json_value(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def _votable(result: Result) -> bytes:
    table = Table([_votable_column(name, values) for name, values in _columns(result)])
    buffer = io.BytesIO()
    table.write(buffer, format="votable", tabledata_format="binary2")
    return buffer.getvalue()


def _votable_column(name: str, values: list[object]) -> MaskedColumn:
    mask = [value is None for value in values]
    given = [value for value in values if value is not None]
    if given and isinstance(given[0], list):
        width = max(len(value) for value in given if isinstance(value, list))
        filled: list[object] = [[np.nan] * width if value is None else value for value in values]
        return MaskedColumn(np.array(filled, dtype=float), name=name)
    if given and all(isinstance(value, bool | int | float) for value in given):
        return MaskedColumn([0 if value is None else value for value in values], name=name, mask=mask)
    texts = ["" if value is None else _text(value) for value in values]
    return MaskedColumn(texts, name=name, mask=mask, dtype=str)


def _text(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def _parquet(result: Result) -> bytes:
    table = pa.table({name: pa.array(values) for name, values in _columns(result)})
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


def _columns(result: Result) -> list[tuple[str, list[object]]]:
    return [(name, [row[i] for row in result.rows]) for i, name in enumerate(result.columns)]


FORMATS: dict[str, Callable[[Result], bytes]] = {
    "csv": _csv,
    "json": _json,
    "votable": _votable,
    "parquet": _parquet,
}
