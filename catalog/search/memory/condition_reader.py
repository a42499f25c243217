"""Reads a condition in SQL, as far as it can be answered from columns held in memory.

What is read here must mean what Postgres means by it, so little is read: comparisons of a held column, or of
the distance to a place, with numbers, and what AND, OR and NOT make of them.
"""

import math
import re
from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from catalog.search.memory.condition import (
    All,
    AnyOf,
    Apart,
    Comparison,
    Condition,
    IsNull,
    Not,
    Sign,
    Unknown,
)
from catalog.search.memory.held_columns import HELD, WHOLE

# Where Postgres and sqlglot may disagree on where a word ends, nothing is known of the whole text.
_ODD = re.compile(r"[\\$;#@{}`]|--|/\*|[eEuUxXbBnN]&?'")
_PLACEHOLDER = re.compile(r"%\((\w+)\)s|%%")
_WHOLE_TYPES = {exp.DataType.Type.INT, exp.DataType.Type.BIGINT}
_REAL_TYPES = {exp.DataType.Type.FLOAT, exp.DataType.Type.DOUBLE}
_TWO = frozenset({"this", "expression"})
_PARTS: dict[type[exp.Expression], frozenset[str]] = {
    exp.Between: frozenset({"this", "low", "high"}),
    exp.In: frozenset({"this", "expressions"}),
    exp.Is: _TWO | {"negate"},
    exp.Column: frozenset({"this", "table"}),
    exp.Literal: frozenset({"this", "is_string"}),
    exp.Cast: frozenset({"this", "to"}),
    exp.Anonymous: frozenset({"this", "expressions"}),
    exp.Identifier: frozenset({"this", "quoted"}),
}
"""The parts of a node that are looked at."""
_MIRRORED: dict[Sign, Sign] = {"<": ">", ">": "<", "=": "=", "<>": "<>"}
_SIGNS: dict[type[exp.Expression], Sign] = {
    exp.LT: "<",
    exp.LTE: "<",
    exp.GT: ">",
    exp.GTE: ">",
    exp.EQ: "=",
    exp.NEQ: "<>",
}


def read_condition(
    text: str, alias: str = "galaxy", parameters: Mapping[str, object] | None = None
) -> Condition:
    """Read a condition on columns of galcat.galaxy.

    Args:
        text: An expression of SQL as it is sent to Postgres.
        alias: What it calls galcat.galaxy.
        parameters: Values of its placeholders, `%(name)s`; None where it has none, and a percent sign is one.
    """
    if parameters is not None:
        text = _PLACEHOLDER.sub(lambda found: _written(found, parameters), text)
    return _read(text, alias)


def _written(found: re.Match[str], parameters: Mapping[str, object]) -> str:
    if found[0] == "%%":
        return "%"
    value = parameters.get(found[1])
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return f"({int.__repr__(value) if isinstance(value, int) else float.__repr__(value)})"
    return "unknown_value"


@lru_cache(maxsize=256)
def _read(text: str, alias: str) -> Condition:
    if _ODD.search(text):
        return Unknown()
    try:
        parsed = parse_one(f"SELECT 1 WHERE ({text}\n)", read="postgres")
    except (SqlglotError, RecursionError, ValueError):
        return Unknown()
    parts = {name for name, part in parsed.args.items() if part}
    if not isinstance(parsed, exp.Select) or parts != {"expressions", "where"}:
        return Unknown()
    inside = parsed.args["where"].this
    return _condition(inside, alias) if isinstance(inside, exp.Paren) else Unknown()


def _condition(node: exp.Expression, alias: str) -> Condition:  # noqa: C901, PLR0911 - a case a form
    if not _is_plain(node):
        return Unknown()
    match node:
        case exp.Paren():
            return _condition(node.this, alias)
        case exp.And():
            return All((_condition(node.this, alias), _condition(node.expression, alias)))
        case exp.Or():
            return AnyOf((_condition(node.this, alias), _condition(node.expression, alias)))
        case exp.Not():
            return Not(_condition(node.this, alias))
        case exp.Between():
            low, high = node.args["low"], node.args["high"]
            return All((_comparison(node.this, ">", low, alias), _comparison(node.this, "<", high, alias)))
        case exp.In() if node.expressions:
            return AnyOf(tuple(_comparison(node.this, "=", one, alias) for one in node.expressions))
        case exp.Is() if isinstance(node.expression, exp.Null):
            name = _column(node.this, alias)
            if name is None:
                return Unknown()
            return Not(IsNull(name)) if node.args.get("negate") else IsNull(name)
        case exp.LT() | exp.LTE() | exp.GT() | exp.GTE() | exp.EQ() | exp.NEQ():
            return _comparison(node.this, _SIGNS[type(node)], node.expression, alias)
        case exp.Dot():
            place = _call(node, "cone", alias)
            return Unknown() if place is None else _apart(place, is_within=True)
        case _:
            return Unknown()


def _is_plain(node: exp.Expression) -> bool:
    """Whether a node has no parts but those that are looked at: a NOT or SYMMETRIC may be such a part."""
    parts = {name for name, part in node.args.items() if part}
    return parts <= _PARTS.get(type(node), _TWO)


def _comparison(left: exp.Expression, sign: Sign, right: exp.Expression, alias: str) -> Condition:
    for subject, other, way in ((left, right, sign), (right, left, _MIRRORED[sign])):
        number = _number(other)
        if number is None:
            continue
        name = _column(subject, alias)
        if name is not None:
            if name in WHOLE and not all(isinstance(end, int) for end in number):
                return Unknown()
            return Comparison(name, way, *number)
        place = _call(subject, "sky_distance", alias)
        if place is not None and way in {"<", ">"}:
            return _apart((*place, number[way == "<"]), is_within=way == "<")
    return Unknown()


def _apart(place: tuple[float, ...], *, is_within: bool) -> Condition:
    """Distance from a place beside an angle: ra, dec, angle; unknown where Postgres refuses one."""
    ra_deg, dec_deg, radius_deg = place
    if -360 <= ra_deg <= 720 and -90 <= dec_deg <= 90 and 0 <= radius_deg <= 180:  # noqa: PLR2004 - degrees
        return Apart(ra_deg, dec_deg, radius_deg, is_within)
    return Unknown()


def _column(node: exp.Expression, alias: str) -> str | None:
    """Name of the held column that a node is."""
    if not isinstance(node, exp.Column) or not _is_plain(node):
        return None
    identifier, table = node.this, node.args.get("table")
    if not isinstance(identifier, exp.Identifier) or (table is not None and _name(table) != alias):
        return None
    name = _name(identifier)
    return name if name in HELD else None


def _name(identifier: exp.Identifier) -> str:
    return str(identifier.this) if identifier.args.get("quoted") else str(identifier.this).lower()


def _call(node: exp.Expression, function: str, alias: str) -> tuple[float, ...] | None:
    """The numbers of a call of `galcat.function(ra, dec, number, number, ...)`; None where it is none."""
    while isinstance(node, exp.Paren):
        node = node.this
    call = _called(node, function)
    if call is None or [_column(one, alias) for one in call.expressions[:2]] != ["ra", "dec"]:
        return None
    numbers = [_number(one) for one in call.expressions[2:]]
    exact = [float(one[0]) for one in numbers if one is not None and one[0] == one[1]]
    wanted = 3 if function == "cone" else 2
    return tuple(exact) if len(exact) == len(numbers) == wanted else None


def _called(node: exp.Expression, function: str) -> exp.Anonymous | None:
    """The call of a function of ours that a node is."""
    if not isinstance(node, exp.Dot) or not isinstance(node.expression, exp.Anonymous):
        return None
    schema = node.this.this if isinstance(node.this, exp.Column) else node.this
    call = node.expression
    is_ours = isinstance(schema, exp.Identifier) and _name(schema) == "galcat"
    is_plain = _is_plain(node) and _is_plain(call)
    return call if is_ours and is_plain and str(call.this).lower() == function else None


def _number(node: exp.Expression) -> tuple[float, float] | None:
    """The least and the largest that a number may be; None where it is no finite number."""
    if not _is_plain(node):
        return None
    if isinstance(node, exp.Paren):
        return _number(node.this)
    if isinstance(node, exp.Neg):
        number = _number(node.this)
        return None if number is None else (-number[1], -number[0])
    if isinstance(node, exp.Literal) and not node.is_string:
        text = str(node.this)
        value = int(text) if text.isdecimal() else _float(text)
        return None if value is None else (value, value)
    if isinstance(node, exp.Cast) and type(node) is exp.Cast:
        return _cast(_number(node.this), node.args["to"])
    return None


def _float(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _cast(number: tuple[float, float] | None, kind: exp.DataType) -> tuple[float, float] | None:
    if number is None or kind.expressions or kind.args.get("nested"):
        return None
    if kind.this in _WHOLE_TYPES:
        return number if isinstance(number[0], int) and isinstance(number[1], int) else None
    if kind.this in _REAL_TYPES:  # of one word or of two: which of them, the parser does not always say
        with np.errstate(over="ignore"):
            single = [float(np.float32(end)) for end in number]
        if not all(map(math.isfinite, single)):
            return None
        return min(float(number[0]), *single), max(float(number[1]), *single)
    return None
