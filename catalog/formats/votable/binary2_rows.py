"""Rows in VOTable's BINARY2: a run of columns of fixed width is one numpy record, cut only where it must be.

A row is a bit a column, set where it is NULL, then the values, big-endian; a value of any length has its
length before it in four bytes (VOTable 1.4, section 5.4).
"""

import struct
from collections.abc import Iterable, Sequence
from itertools import accumulate, chain, groupby, pairwise

import numpy as np
from numpy.typing import NDArray

from catalog.columns import ColumnMeta
from catalog.formats.datatypes import WHOLE, flatten, length, numbers
from catalog.formats.texts import plain_text
from catalog.formats.writer import Row

_LENGTH = struct.Struct(">i")
_TRUTH: dict[object, bytes] = {True: b"T", False: b"F", None: b"?"}
_Values = Sequence[object]


def binary2_rows(columns: Sequence[ColumnMeta], rows: Sequence[Row]) -> bytes:
    r"""Write rows as they stand in the stream.

    Text is in UTF-16 where its datatype is unicodeChar, and in ASCII where it is char: anything else is in
    escapes such as \xe9 there, since astropy refuses UTF-8 and TOPCAT garbles it.

    Raises:
        QueryError: A value is none of its column's datatype.
    """
    if not rows:
        return b""
    values: list[_Values] = list(zip(*rows, strict=True))
    fixed = {"flags": _flags(values)}
    if all(map(_is_fixed, columns)):
        return _record(columns, values, range(len(columns)), fixed).tobytes()
    parts: list[list[bytes]] = []
    for is_fixed, run in groupby(range(len(columns)), lambda i: _is_fixed(columns[i])):
        if is_fixed:
            parts.append(_cells(_record(columns, values, run, fixed)))
        else:
            parts += [_cells(_record(columns, values, (), fixed))] if fixed else []
            parts += [_encode_variable_width(columns[i], values[i]) for i in run]
        fixed = {}
    return b"".join(chain.from_iterable(zip(*parts, strict=True)))


def _is_fixed(column: ColumnMeta) -> bool:
    return not column.is_text and not (column.is_array and length(column) is None)


def _flags(values: Sequence[_Values]) -> NDArray[np.uint8]:
    nulls = np.zeros((len(values[0]), len(values)), dtype=bool)
    for i, column in enumerate(values):
        if None in column:
            nulls[:, i] = [value is None for value in column]
    return np.packbits(nulls, axis=1)


def _record(
    columns: Sequence[ColumnMeta],
    values: Sequence[_Values],
    run: Iterable[int],
    before: dict[str, NDArray[np.uint8]],
) -> NDArray[np.void]:
    """Columns of fixed width side by side, behind what comes before them."""
    arrays: dict[str, NDArray[np.generic]] = {**before}
    arrays |= {str(i): _encode_fixed_width(columns[i], values[i]) for i in run}
    layout = np.dtype([(name, array.dtype, array.shape[1:]) for name, array in arrays.items()])
    record = np.empty(len(values[0]), dtype=layout)
    for name, array in arrays.items():
        record[name] = array
    return record


def _encode_fixed_width(column: ColumnMeta, values: _Values) -> NDArray[np.generic]:
    """Values of fixed width; where the flags say NULL, a zero, a NaN or a question mark."""
    nothing = 0 if column.datatype in WHOLE else None
    if not column.is_array:
        return _scalars(column, [nothing if v is None else v for v in values] if None in values else values)
    width = length(column) or 0
    elements = flatten(column, [[nothing] * width if value is None else value for value in values])[1]
    return _scalars(column, elements).reshape(len(values), width)


def _encode_variable_width(column: ColumnMeta, values: _Values) -> list[bytes]:
    if not column.is_text:
        lengths, elements = flatten(column, values)
        array = _scalars(column, elements)
        ends = accumulate(lengths, initial=0)
        return [_LENGTH.pack(j - i) + array[i:j].tobytes() for i, j in pairwise(ends)]
    texts = ["" if value is None else value if type(value) is str else plain_text(value) for value in values]
    if column.datatype == "unicodeChar":
        encoded = [text.encode("utf-16-be", "replace") for text in texts]
        return [_LENGTH.pack(len(one) // 2) + one for one in encoded]
    encoded = [text.encode("ascii", "backslashreplace") for text in texts]
    return [_LENGTH.pack(len(one)) + one for one in encoded]


def _scalars(column: ColumnMeta, values: _Values) -> NDArray[np.generic]:
    if column.datatype == "boolean":
        return np.array([_TRUTH[value] for value in values], dtype="S1")
    return numbers(column, values, ">")


def _cells(record: NDArray[np.void]) -> list[bytes]:
    width = record.dtype.itemsize
    whole = record.tobytes()
    return [whole[i : i + width] for i in range(0, len(whole), width)]
