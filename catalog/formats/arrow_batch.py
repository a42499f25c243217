"""Converts rows to Arrow batches, which both spooled formats, FITS and Parquet, are made from."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from catalog.columns import ColumnMeta
from catalog.formats.datatypes import FLOATS, NUMBERS, WHOLE, flatten, length, numbers
from catalog.formats.texts import plain_text
from catalog.formats.writer import Row

_SCALARS = {name: pa.from_numpy_dtype(np.dtype(dtype)) for name, dtype in NUMBERS.items()}
_SCALARS |= {"boolean": pa.bool_(), "char": pa.string(), "unicodeChar": pa.string()}


def arrow_schema(columns: Sequence[ColumnMeta]) -> pa.Schema:
    """Make a schema: numbers as wide as VOTable has them, times as text, arrays as lists."""
    return pa.schema([(column.name, _arrow_type(column)) for column in columns])


def arrow_batch(columns: Sequence[ColumnMeta], rows: Sequence[Row]) -> pa.RecordBatch:
    """Convert some rows; a NULL is told from NaN, empty text and an empty array.

    Raises:
        QueryError: A value is none of its column's datatype.
    """
    values = zip(*rows, strict=True) if rows else [()] * len(columns)
    arrays = [_array(column, value) for column, value in zip(columns, values, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=arrow_schema(columns))


def _arrow_type(column: ColumnMeta) -> pa.DataType:
    scalar = _SCALARS[column.datatype]
    return pa.list_(scalar, length(column) or -1) if column.is_array else scalar


def _array(column: ColumnMeta, values: Sequence[object]) -> pa.Array:
    nulls = np.array([value is None for value in values], dtype=bool)
    if not column.is_array:
        return _scalars(column, values, nulls)
    width = length(column)
    if width is not None:
        values = [[0] * width if value is None else value for value in values]
    lengths, elements = flatten(column, values)
    inner = _scalars(column, elements, np.zeros(len(elements), dtype=bool))
    if width is not None:
        return pa.FixedSizeListArray.from_arrays(inner, width, mask=pa.array(nulls))
    starts = pa.array(np.cumsum([0, *lengths], dtype=np.int32))
    return pa.ListArray.from_arrays(starts, inner, mask=pa.array(nulls))


def _boolean(value: object) -> bool | None:
    return None if value is None else bool(value)


def _scalars(column: ColumnMeta, values: Sequence[object], nulls: np.typing.NDArray[np.bool_]) -> pa.Array:
    if column.is_text:
        return pa.array([None if value is None else plain_text(value) for value in values], pa.string())
    if column.datatype == "boolean":
        return pa.array(map(_boolean, values), pa.bool_())
    if column.datatype in WHOLE and nulls.any():
        values = [0 if value is None else value for value in values]
    return pa.array(numbers(column, values), mask=nulls if column.datatype in WHOLE | FLOATS else None)
