"""A query's answer as a file: CSV, JSON, VOTable or Parquet."""

import csv
import io
import json
import math
from collections.abc import Callable

import pyarrow as pa
import pyarrow.parquet as pq

from catalog.errors import QueryError
from catalog.result import Result

_ARROW = {
    "?": pa.bool_(),
    "i2": pa.int16(),
    "i4": pa.int32(),
    "i8": pa.int64(),
    "f4": pa.float32(),
    "f8": pa.float64(),
}


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
    if output_format != "csv":
        result.require_unique_names()
    return FORMATS[output_format](result)


def _csv(result: Result) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(result.columns)
    writer.writerows(
        [value.hex() if isinstance(value, bytes) else value for value in row] for row in result.plain().rows
    )
    return text.getvalue().encode()


def _json(result: Result) -> bytes:
    rows = [dict(zip(result.columns, map(_finite, row), strict=True)) for row in result.plain().rows]
    return (json.dumps(rows, default=_json_value, indent=1, allow_nan=False) + "\n").encode()


def _finite(value: object) -> object:
    """JSON has no NaN and no infinity: null."""
    if isinstance(value, list):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _json_value(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def _votable(result: Result) -> bytes:
    buffer = io.BytesIO()
    result.to_astropy().write(buffer, format="votable", tabledata_format="binary2")
    return buffer.getvalue()


def _parquet(result: Result) -> bytes:
    table = pa.table(
        {
            name: pa.array(values, _ARROW.get(field.dtype or ""))
            for name, values, field in result.plain_columns()
        }
    )
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


FORMATS: dict[str, Callable[[Result], bytes]] = {
    "csv": _csv,
    "json": _json,
    "votable": _votable,
    "parquet": _parquet,
}
