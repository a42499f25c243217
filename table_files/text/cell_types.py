"""Which type the cells of a text table have: numbers, booleans, times or text.

A CSV file does not say what its columns are. A column is read as numbers only where every cell is written as
programs write numbers, so that what only looks like one keeps its text:

- whole numbers have no leading zero and no plus sign: `0266` is text, and `-12` a number;
- other numbers have a decimal point, or an exponent with a sign: `1.5e3` and `1e-05` are numbers, `1501e02`
  is text; a leading zero before other digits makes text of them too;
- whole numbers of 64 bits keep every digit; those beyond, and among fractions those that a float cannot hold,
  make text of their column;
- an empty cell is no value, and so are NaN, NULL, --, and beside numbers NA, N/A and None; a column without
  any value holds numbers.
"""

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

NULL_WORDS = ("", "NaN", "nan", "NULL", "null", "--")
"""What stands for no value in a column of any type."""
_NUMBER_NULL_WORDS = (*NULL_WORDS, "NA", "N/A", "None", "none", "NAN")
_WHOLE = r"^-?(?:0|[1-9][0-9]*)$"
_NUMBER = (
    r"^(?:[+-]?(?:0|[1-9][0-9]*)"
    r"|[+-]?(?:(?:0|[1-9][0-9]*)\.[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
    r"|-?(?:0|[1-9][0-9]*)[eE][+-][0-9]+"
    r"|[+-]?(?:inf|Inf|INF|infinity|Infinity))$"
)
_TRUE, _FALSE = ("true", "True", "TRUE"), ("false", "False", "FALSE")
_TIME = r"^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)?(?:Z|[+-]\d\d:?\d\d)?$"
_EXACT_DIGITS = 15
"""Whole numbers of so many digits are exact among floats."""


def type_cells(cells: pa.Array, *, with_times: bool = False) -> pa.Array:
    """Convert cells to the type that all of them have; text where they have none in common.

    Args:
        cells: The cells as text, (n,); null where a cell is empty.
        with_times: Whether ISO 8601 times become timestamps in UTC, without a zone; else they stay text.
    """
    bare = pc.replace_substring(pc.utf8_trim_whitespace(cells), "\u2212", "-")
    values = _without(bare, _NUMBER_NULL_WORDS)
    if values.null_count == len(values):
        return pa.nulls(len(cells), pa.float64()) if _has_no_value(bare) else cells
    numbers = _as_numbers(values)
    if numbers is not None:
        return numbers
    values = _without(bare, NULL_WORDS)
    if _all(pc.is_in(values.drop_null(), pa.array([*_TRUE, *_FALSE]))):
        return pc.if_else(pc.is_null(values), None, pc.is_in(values, pa.array(_TRUE)))
    if with_times and _all_match(values, _TIME):
        return _as_times(values) or cells
    return cells


def _as_numbers(values: pa.Array) -> pa.Array | None:
    if _all_match(values, _WHOLE):
        for kind in (pa.int64(), pa.uint64()):
            try:
                return values.cast(kind)
            except pa.ArrowInvalid:
                continue
        return None
    if not _all_match(values, _NUMBER):
        return None
    plain = pc.utf8_ltrim(values, characters="+")
    whole = plain.filter(pc.fill_null(pc.match_substring_regex(plain, _WHOLE), fill_value=False))
    if len(whole) + plain.null_count == len(plain):
        return None  # whole numbers with a plus sign
    long = whole.filter(pc.greater(pc.utf8_length(whole), _EXACT_DIGITS))
    if any(int(float(text)) != int(text) for text in long.to_pylist()):
        return None
    return plain.cast(pa.float64())


def _as_times(values: pa.Array) -> pa.Array | None:
    for kind in (pa.timestamp("us"), pa.timestamp("us", "UTC")):
        try:
            return values.cast(kind).cast(pa.timestamp("us"))
        except pa.ArrowInvalid:
            continue
    return None


def _has_no_value(bare: pa.Array) -> bool:
    return bool(_without(bare, NULL_WORDS).null_count == len(bare))


def _without(bare: pa.Array, words: Iterable[str]) -> pa.Array:
    return pc.if_else(pc.is_in(bare, pa.array(list(words))), None, bare)


def _all_match(values: pa.Array, pattern: str) -> bool:
    return _all(pc.match_substring_regex(values, pattern))


def _all(holds: pa.Array) -> bool:
    """Whether all of them hold that are not null; is_in says false of null, which is none of the words."""
    return bool(pc.all(holds, min_count=0).as_py())
