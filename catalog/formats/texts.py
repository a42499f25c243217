"""Values as text: the shortest that reads back as the same value."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from itertools import pairwise

import numpy as np
import pyarrow as pa

from catalog.columns import ColumnMeta
from catalog.formats.datatypes import FLOATS, flatten, numbers


@dataclass(frozen=True)
class Spelling:
    """How a format writes NULL, special numbers, texts and arrays.

    Attributes:
        text: Makes a text safe within the format.
        null: What stands for NULL.
        special: What stands for NaN, infinity and minus infinity.
        brackets: What opens an array, stands between its numbers, and closes it.
        booleans: The texts for false and for true, in this order.
        number: Makes text of a finite floating-point number; None for the shortest text that reads back.
    """

    text: Callable[[str], str]
    null: str = ""
    special: tuple[str, str, str] = ("NaN", "Infinity", "-Infinity")
    brackets: tuple[str, str, str] = ("", " ", "")
    booleans: tuple[str, str] = ("false", "true")
    number: Callable[[float], str] | None = None


def texts(column: ColumnMeta, values: Sequence[object], spelling: Spelling) -> list[str]:
    """Write the n values of a column as text.

    Raises:
        QueryError: A value is none of the column's datatype.
    """
    if not column.is_array:
        return _scalars(column, values, spelling)
    lengths, elements = flatten(column, values)
    scalars = _scalars(column, elements, replace(spelling, null=spelling.special[0]))
    opening, between, closing = spelling.brackets
    ends = np.cumsum([0, *lengths]).tolist()
    cells = [opening + between.join(scalars[i:j]) + closing for i, j in pairwise(ends)]
    return [spelling.null if value is None else cell for value, cell in zip(values, cells, strict=True)]


def plain_text(value: object) -> str:
    """Write a value of a text column: times as DALI 1.1 has them (ISO 8601, UTC, no zone), bytes in hex."""
    if isinstance(value, datetime):
        return (value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else str(value)


def _scalars(column: ColumnMeta, values: Sequence[object], spelling: Spelling) -> list[str]:
    null = spelling.null
    if column.is_text:
        text = spelling.text
        return [null if value is None else text(plain_text(value)) for value in values]
    if column.datatype == "boolean":
        return [null if value is None else spelling.booleans[bool(value)] for value in values]
    if column.datatype in FLOATS:
        return _floats(column, values, spelling)
    return [null if value is None else str(value) for value in values]


def _floats(column: ColumnMeta, values: Sequence[object], spelling: Spelling) -> list[str]:
    array = numbers(column, values)
    spelt: list[str] = pa.array(array).cast(pa.string()).to_pylist()
    if spelling.number is not None:
        finite = np.flatnonzero(np.isfinite(array)).tolist()
        for i in finite:
            spelt[i] = spelling.number(float(str(values[i])))
    special = dict(zip(("nan", "inf", "-inf"), spelling.special, strict=True))
    for i in np.flatnonzero(~np.isfinite(array)).tolist():
        spelt[i] = spelling.null if values[i] is None else special[spelt[i]]
    return spelt
