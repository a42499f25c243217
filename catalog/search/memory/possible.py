"""Which galaxies may fulfil a condition: never fewer than those that do."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catalog.search.memory.condition import (
    All,
    AnyOf,
    Apart,
    Comparison,
    Condition,
    IsNull,
    Not,
    Unknown,
)
from catalog.search.memory.held_columns import WHOLE
from catalog.search.memory.rows import HeldRows

Mask = NDArray[np.bool_]
_SMALL_DEG = 0.3
"""Radius up to which single precision would let in too many neighbours of a cone."""
_COSINE_ERROR = 1e-6
"""Of the cosine of an angle in single precision; far more than its rounding."""
_ANGLE_ERROR_DEG = 1e-9
_BLOCK = 32_768
"""Galaxies whose angles are reckoned at once: a twentieth of the time of all, for they stay in the cache."""


@dataclass(frozen=True)
class Possible:
    """What may be said of each of n galaxies.

    Attributes:
        true: (n,) where the condition may be true.
        false: (n,) where it may be false. It may be both, and where it is NULL it is neither.
    """

    true: Mask
    false: Mask


def find_possible(condition: Condition, rows: HeldRows) -> Mask:
    """Where a condition may be true, (n,)."""
    match condition:
        case All(parts):  # what may be false matters under NOT alone
            masks = [find_possible(part, rows) for part in parts if not isinstance(part, Unknown)]
            return _reduce(np.logical_and, masks) if masks else np.ones(len(rows), np.bool_)
        case AnyOf(parts):
            return _reduce(np.logical_or, [find_possible(part, rows) for part in parts])
        case Comparison():
            return _may_compare(condition, rows)
        case _:
            return _find(condition, rows).true


def _reduce(how: np.ufunc, masks: list[Mask]) -> Mask:
    together: Mask = how.reduce(masks)
    return together


def _find(condition: Condition, rows: HeldRows) -> Possible:  # noqa: PLR0911 - a case a form
    match condition:
        case Unknown():
            anything = np.ones(len(rows), np.bool_)
            return Possible(anything, anything)
        case Not(part):
            inner = _find(part, rows)
            return Possible(inner.false, inner.true)
        case All(parts):
            each = [_find(part, rows) for part in parts]
            return Possible(
                _reduce(np.logical_and, [one.true for one in each]),
                _reduce(np.logical_or, [one.false for one in each]),
            )
        case AnyOf(parts):
            each = [_find(part, rows) for part in parts]
            return Possible(
                _reduce(np.logical_or, [one.true for one in each]),
                _reduce(np.logical_and, [one.false for one in each]),
            )
        case IsNull(column):
            values = rows.columns[column]
            nothing = np.isnan(values) if values.dtype.kind == "f" else np.zeros(len(rows), np.bool_)
            return Possible(nothing, ~nothing)
        case Comparison(column, sign, low, high):
            opposite: dict[str, Comparison] = {
                "<": Comparison(column, ">", low, high),
                ">": Comparison(column, "<", low, high),
                "<>": Comparison(column, "=", low, high),
                "=": Comparison(column, "<>", low, high),
            }
            return Possible(_may_compare(condition, rows), _may_compare(opposite[sign], rows))
        case Apart():
            return _compare_distance(condition, rows)


def _may_compare(wanted: Comparison, rows: HeldRows) -> Mask:
    """Where a column may compare so; a number's last bit is left open, as are equal values."""
    values = rows.columns[wanted.column]
    low, high = _widened(wanted, values.dtype)
    may: Mask
    match wanted.sign:
        case "<":
            may = values <= high
        case ">":
            may = values >= low
        case "=":
            may = (values >= low) & (values <= high)
        case "<>":
            may = ~np.isnan(values) if values.dtype.kind == "f" else np.ones(len(rows), np.bool_)
    return may


def _widened(wanted: Comparison, dtype: np.dtype[Any]) -> tuple[Any, Any]:
    if wanted.column in WHOLE:
        bounds = np.iinfo(np.int64)
        least, largest = (max(bounds.min, min(bounds.max, int(end))) for end in (wanted.low, wanted.high))
        return np.int64(least), np.int64(largest)
    with np.errstate(over="ignore"):
        low, high = (np.array(end).astype(dtype) for end in (wanted.low, wanted.high))
    return np.nextafter(low, dtype.type(-np.inf)), np.nextafter(high, dtype.type(np.inf))


def _compare_distance(wanted: Apart, rows: HeldRows) -> Possible:
    near, certain = _within(wanted, rows)
    return Possible(near, ~certain) if wanted.is_within else Possible(~certain, near)


def _within(wanted: Apart, rows: HeldRows) -> tuple[Mask, Mask]:
    """Where a position may lie within the radius, and where it certainly lies deep inside."""
    if wanted.radius_deg > _SMALL_DEG:
        return _compare_cosine(wanted, rows)
    dec = rows.columns["dec"]
    margin = wanted.radius_deg + _ANGLE_ERROR_DEG
    band = np.flatnonzero((dec >= wanted.dec_deg - margin) & (dec <= wanted.dec_deg + margin))
    apart = rows.columns["ra"][band], dec[band]
    chord = np.linalg.norm(_unit(*apart) - _unit(wanted.ra_deg, wanted.dec_deg), axis=-1)
    angle = np.degrees(2 * np.arcsin(np.minimum(1, chord / 2)))
    near, certain = np.zeros((2, len(rows)), np.bool_)
    near[band] = angle <= margin
    certain[band] = angle < wanted.radius_deg - _ANGLE_ERROR_DEG
    return near, certain


def _compare_cosine(wanted: Apart, rows: HeldRows) -> tuple[Mask, Mask]:
    x, y, z = _unit(wanted.ra_deg, wanted.dec_deg).astype(np.float32)
    edge = np.cos(np.radians(wanted.radius_deg))
    near, certain = np.empty((2, len(rows)), np.bool_)
    for start in range(0, len(rows), _BLOCK):
        block = slice(start, start + _BLOCK)
        cosine = rows.unit[0, block] * x
        cosine += rows.unit[1, block] * y
        cosine += rows.unit[2, block] * z
        np.greater_equal(cosine, np.float32(edge - _COSINE_ERROR), out=near[block])
        np.greater(cosine, np.float32(edge + _COSINE_ERROR), out=certain[block])
    return near, certain


def _unit(ra_deg: float | NDArray[np.float64], dec_deg: float | NDArray[np.float64]) -> NDArray[np.float64]:
    ra, dec = np.radians(ra_deg), np.radians(dec_deg)
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=-1)
