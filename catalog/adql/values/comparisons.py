"""Comparisons of values: texts with times, truth values with 1 and 0, distances by the index of positions."""

from collections.abc import Sequence
from typing import LiteralString

from psycopg import sql
from sqlglot import exp

from catalog.adql.emitter import emit, emit_list
from catalog.adql.errors import AdqlError
from catalog.adql.limits import MAX_IN_LIST
from catalog.adql.scope import Scope
from catalog.adql.sky import emit_near
from catalog.adql.value import Kind, Value
from catalog.adql.values.kinds import check_kinds, fit_constant
from catalog.adql.values.literals import read_literal

_SIGNS: dict[type[exp.Expr], LiteralString] = {
    exp.EQ: " = ",
    exp.NEQ: " <> ",
    exp.LT: " < ",
    exp.LTE: " <= ",
    exp.GT: " > ",
    exp.GTE: " >= ",
}
_MIRRORED: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.EQ: exp.EQ,
    exp.NEQ: exp.NEQ,
    exp.LT: exp.GT,
    exp.LTE: exp.GTE,
    exp.GT: exp.LT,
    exp.GTE: exp.LTE,
}


def emit_comparison(
    sign: type[exp.Expr], left: Value, right: Value, scope: Scope, offset: int | None
) -> sql.Composed:
    """Emit a comparison, as an operand of AND and NOT."""
    truth = _emit_truth(sign, left, right) or _emit_truth(_MIRRORED[sign], right, left)
    if truth is not None:
        return truth
    if left.distance or right.distance:
        nearness = (
            emit_near(sign, left, right, scope)
            if left.distance
            else emit_near(_MIRRORED[sign], right, left, scope)
        )
        if nearness is not None:
            return nearness
    left, right = fit_constant(left, right, scope, offset), fit_constant(right, left, scope, offset)
    check_kinds(left, right, offset)
    return emit("(", left.text, _SIGNS[sign], right.text, ")")


def emit_in_list(
    operand: Value, items: Sequence[exp.Expr], scope: Scope, offset: int | None, *, is_light: bool
) -> sql.Composed:
    """Emit IN with a list; one of constants is a single parameter, however long.

    Only a light operand is written once for each item.
    """
    if len(items) > MAX_IN_LIST:
        raise AdqlError(f"the list after IN has {len(items)} values; {MAX_IN_LIST} are the most", offset)
    if not items:
        raise AdqlError("the list after IN is empty", offset)
    constants = _read_constants(operand, items)
    if constants is not None:
        return emit("(", operand.text, " = ANY (", scope.context.parameters.bind(*constants), "))")
    translate = scope.context.translator.translate_expression
    if not is_light:
        return _emit_in_array(operand, [translate(item, scope) for item in items], scope, offset)
    equal = [emit_comparison(exp.EQ, operand, translate(item, scope), scope, offset) for item in items]
    return emit("(", emit_list(equal, " OR "), ")")


def emit_between(operand: Value, low: Value, high: Value, scope: Scope, offset: int | None) -> sql.Composed:
    """Emit BETWEEN as two comparisons, or as one call where the operand is long."""
    if operand.is_repeatable:
        lower = emit_comparison(exp.GTE, operand, low, scope, offset)
        return emit("(", lower, " AND ", emit_comparison(exp.LTE, operand, high, scope, offset), ")")
    ends = [fit_constant(end, operand, scope, offset) for end in (low, high)]
    for end in ends:
        check_kinds(operand, end, offset)
    return emit("galcat.is_between(", emit_list(one.text for one in (operand, *ends)), ")")


def _emit_in_array(operand: Value, items: Sequence[Value], scope: Scope, offset: int | None) -> sql.Composed:
    """Postgres' own IN computes the operand for each column of the list."""
    if all(item.kind is Kind.NULL for item in items):
        return emit("NULL::boolean")
    suited = [fit_constant(item, operand, scope, offset) for item in items]
    for item in suited:
        check_kinds(operand, item, offset)
    return emit("(", operand.text, " = ANY (ARRAY[", emit_list(item.text for item in suited), "]))")


def _emit_truth(sign: type[exp.Expr], one: Value, other: Value) -> sql.Composed | None:
    """`1 = CONTAINS(...)` is a condition by itself: only so does it reach an index."""
    if one.truth is None or other.truth is not None or sign not in {exp.EQ, exp.NEQ}:
        return None
    if not isinstance(other.constant, int) or other.constant not in {0, 1}:
        return None
    is_wanted = (other.constant == 1) == (sign is exp.EQ)
    return one.truth if is_wanted else emit("(NOT ", one.truth, ")")


def _read_constants(operand: Value, items: Sequence[exp.Expr]) -> tuple[list[object], LiteralString] | None:
    """The values of a list that holds nothing but texts, or nothing but numbers, and their type."""
    values = []
    for item in items:
        literal = read_literal(item)
        if literal is None:
            return None
        values.append(literal)
    if operand.kind is Kind.TEXT and all(isinstance(one, str) for one in values):
        return list(values), "text[]"
    if not operand.kind.is_number or any(isinstance(one, str) for one in values):
        return None
    if all(isinstance(one, int) for one in values):
        return list(values), "bigint[]"
    return [float(one) for one in values], "double precision[]"
