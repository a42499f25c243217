"""The cells of a FITS binary table (FITS 4.0, section 7.3), in numpy records."""

import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from catalog.columns import UNSIGNED_LONG, ColumnMeta
from catalog.formats.datatypes import NUMBERS, WHOLE
from catalog.formats.fits.shape import FitsShape

_CODES = {
    "short": "I",
    "int": "J",
    "long": "K",
    UNSIGNED_LONG: "K",
    "float": "E",
    "double": "D",
    "boolean": "L",
}
NOT_ASCII = r"[^\x20-\x7e]"
"""Any character that FITS cannot hold."""


def ascii_text(text: str) -> str:
    r"""Replace any character that FITS cannot hold by Python's escape for it, such as \xe9."""
    return re.sub(NOT_ASCII, lambda found: found[0].encode("unicode_escape").decode(), text)


def form(shape: FitsShape, heap_bytes: int) -> str:
    """The TFORM of a column, in a table with so many bytes behind its rows."""
    column = shape.column
    if column.is_text:
        return f"{shape.widest}A"
    if shape.is_variable:
        return f"1{'PQ'[heap_bytes >= 2**31]}{_CODES[column.datatype]}({shape.widest})"
    return f"{shape.widest if column.is_array else 1}{_CODES[column.datatype]}"


def row_layout(shapes: Sequence[FitsShape], heap_bytes: int) -> np.dtype[np.void]:
    """The numpy record of a row, whose fields are called by their position."""
    pointer = ">i8" if heap_bytes >= 2**31 else ">i4"
    fields: list[tuple[str, str, tuple[int, ...]]] = []
    for i, shape in enumerate(shapes):
        if shape.column.is_text:
            fields.append((str(i), f"S{shape.widest}", ()))
        elif shape.is_variable:
            fields.append((str(i), pointer, (2,)))
        else:
            fields.append((str(i), _number(shape.column), (shape.widest,) if shape.column.is_array else ()))
    return np.dtype(fields)


def element_bytes(column: ColumnMeta) -> int:
    """How many bytes a number of the column takes."""
    return np.dtype(_number(column)).itemsize


def cells(shape: FitsShape, values: pa.Array, heap_at: int) -> tuple[NDArray[np.generic], bytes]:
    """Convert some rows of a column, and what of them lies behind the table from the byte `heap_at` on."""
    column = shape.column
    if column.is_text:
        return np.array(values.fill_null("").to_pylist(), dtype=f"S{shape.widest}"), b""
    valid = values.is_valid().to_numpy(zero_copy_only=False)
    if shape.is_variable:
        lengths = values.value_lengths().fill_null(0).to_numpy().astype(np.int64)
        starts = heap_at + (np.cumsum(lengths) - lengths) * element_bytes(column)
        behind = shift_unsigned(column, _numbers(column, values.flatten()))
        return np.stack([lengths, starts], axis=1), behind.tobytes()
    width = (shape.widest,) if column.is_array else ()
    array = np.full((len(values), *width), _nothing(shape), dtype=_number(column))
    given = values.flatten() if column.is_array else values.drop_null()
    array[valid] = _numbers(column, given).reshape(-1, *width)
    return shift_unsigned(column, array), b""


def shift_unsigned(column: ColumnMeta, numbers: NDArray[np.generic]) -> NDArray[np.generic]:
    """Unsigned numbers less 2**63, as FITS stores them beside TZERO; any others as they are."""
    return numbers.astype(">u8") ^ np.uint64(2**63) if column.datatype == UNSIGNED_LONG else numbers


def _number(column: ColumnMeta) -> str:
    return "u1" if column.datatype == "boolean" else ">" + NUMBERS[column.datatype]


def _nothing(shape: FitsShape) -> int | float:
    if shape.column.datatype == "boolean":
        return 0
    return (shape.null or 0) if shape.column.datatype in WHOLE else np.nan


def _numbers(column: ColumnMeta, values: pa.Array) -> NDArray[np.generic]:
    array: NDArray[np.generic] = values.to_numpy(zero_copy_only=False)
    if column.datatype == "boolean":
        array = np.where(array.astype(bool), ord("T"), ord("F"))
    return array.astype(_number(column))
