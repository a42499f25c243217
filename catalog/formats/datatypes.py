"""The datatypes of VOTable as numpy has them."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from catalog.columns import UNSIGNED_LONG, ColumnMeta
from catalog.errors import QueryError

NUMBERS = {"short": "i2", "int": "i4", "long": "i8", UNSIGNED_LONG: "u8", "float": "f4", "double": "f8"}
WHOLE = {"short", "int", "long", UNSIGNED_LONG}
FLOATS = {"float", "double"}


def length(column: ColumnMeta) -> int | None:
    """How many numbers each value of an array has (the product of its axes); None where that varies."""
    if column.arraysize.endswith("*"):
        return None
    return math.prod(int(axis) for axis in column.arraysize.split("x"))


def numbers(column: ColumnMeta, values: Sequence[object], byte_order: str = "=") -> NDArray[np.generic]:
    """Convert a column's numbers to an array, (n,) or as deep as they are nested; None becomes NaN.

    Args:
        column: A column of the datatype short, int, long, float or double.
        values: The column's values; none of them may be None where the column holds whole numbers.
        byte_order: The byte order as numpy writes it: `=`, `<` or `>`.

    Raises:
        QueryError: A whole number is missing or too large, or lists are of different lengths.
    """
    try:
        with np.errstate(over="raise"):
            return np.array(values, dtype=byte_order + NUMBERS[column.datatype])
    except (TypeError, ValueError, ArithmeticError) as error:
        raise QueryError(f"column {column.name} cannot be written as {column.datatype}: {error}") from error


def flatten(column: ColumnMeta, values: Sequence[object]) -> tuple[list[int], list[object]]:
    """Split a column's lists into their lengths (None has 0) and one list of all their elements.

    Raises:
        QueryError: A list is not as long as the column says, or a NULL is among whole numbers or booleans: no
            format can hold one.
    """
    lists = [[] if value is None else _elements(value) for value in values]
    lengths, elements = list(map(len, lists)), [one for part in lists for one in part]
    fixed = length(column)
    for value, found in zip(values, lengths, strict=True):
        if value is not None and fixed not in {None, found}:
            raise QueryError(f"column {column.name}: an array of {found} numbers, where {fixed} are expected")
    if column.datatype not in FLOATS and None in elements:
        raise QueryError(f"column {column.name}: a NULL within an array that is no array of floats")
    return lengths, elements


def _elements(value: object) -> list[object]:
    if isinstance(value, np.ndarray):
        return list(value.ravel().tolist())
    if not isinstance(value, list | tuple):
        return [value]
    if value and isinstance(value[0], list | tuple):
        return [one for part in value for one in _elements(part)]
    return list(value)
