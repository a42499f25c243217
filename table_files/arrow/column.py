"""A column that Arrow has read, in numpy's own types."""

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from table_files.table import TableColumn, decode_bytes, pack_values


def convert_arrow_column(
    name: str, column: pa.Array | pa.ChunkedArray, unit: str = "", description: str = ""
) -> TableColumn:
    """Convert a column: numbers and booleans in their own type, times and what numpy lacks as text.

    Args:
        name: Name of the column.
        column: The column as Arrow read it, (n,).
        unit: Its unit as the file spells it; empty where it has none.
        description: What the file says of it; empty where it says nothing.
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = kind.value_type
    if pa.types.is_null(kind):
        values, missing = np.full(len(column), np.nan), np.ones(len(column), dtype=np.bool_)
        return TableColumn(name, values, missing, unit, description)
    if pa.types.is_decimal(kind):
        column, kind = _convert_decimals(column)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        missing = np.asarray(column.is_null().to_numpy(zero_copy_only=False))
        filled = column.fill_null(pa.scalar(0, pa.int8()).cast(kind)) if column.null_count else column
        values = filled.to_numpy(zero_copy_only=False)
        missing = missing | np.isnan(values) if values.dtype.kind == "f" else missing
        return TableColumn(name, values, missing, unit, description)
    if pa.types.is_nested(kind):
        return TableColumn(name, *pack_values(column.to_pylist()), unit, description)
    texts = [None if value is None else _as_text(value) for value in column.to_pylist()]
    return TableColumn(name, *pack_values(texts, is_text=True), unit, description)


def _convert_decimals(column: pa.ChunkedArray) -> tuple[pa.ChunkedArray, pa.DataType]:
    """Decimals as whole numbers or floats where these hold every one as it is written, else as text."""
    for kind in (pa.int64(), pa.uint64()) if column.type.scale == 0 else ():
        try:
            return column.cast(kind), kind
        except pa.ArrowInvalid:
            continue
    numbers = pc.cast(column, pa.float64())
    pairs = zip(numbers.to_pylist(), column.to_pylist(), strict=True)
    if all(exact is None or Decimal(repr(number)) == exact for number, exact in pairs):
        return numbers, pa.float64()
    return pa.array([None if value is None else str(value) for value in column.to_pylist()]), pa.string()


def _as_text(value: object) -> str:
    return decode_bytes(value) if isinstance(value, bytes) else str(value)
