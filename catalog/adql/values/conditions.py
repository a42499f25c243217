"""Conditions: what is true or false of a row."""

from collections.abc import Callable
from typing import LiteralString

from psycopg import sql
from sqlglot import exp

from catalog.adql.errors import AdqlError
from catalog.adql.glue import glue, listed
from catalog.adql.grammar.tree import offset_of
from catalog.adql.limits import CHAIN
from catalog.adql.scope import Scope
from catalog.adql.value import Kind
from catalog.adql.values.casts import check_kinds
from catalog.adql.values.comparisons import between, compared, in_list
from catalog.adql.values.expressions import text_value, value


def condition(node: exp.Expr, scope: Scope) -> sql.Composed:
    """A condition as an operand of AND and NOT.

    Raises:
        AdqlError: It is a value and no condition, or compares what cannot be compared.
    """
    make = _CONDITIONS.get(type(node))
    if make is not None:
        return make(node, scope)
    if not isinstance(node, exp.Column | exp.Boolean | exp.Anonymous | exp.Cast):
        raise AdqlError("a condition is expected here", offset_of(node))
    found = value(node, scope)
    if found.truth is not None:
        raise AdqlError(
            f"{found.name.upper()} gives 1 or 0: write 1={found.name.upper()}(...)", offset_of(node)
        )
    if found.kind is not Kind.BOOLEAN:
        raise AdqlError("a condition is expected here, not a value", offset_of(node))
    return found.text


def conjuncts(node: exp.Expr) -> list[exp.Expr]:
    """What AND joins, brackets around all of it taken away."""
    while isinstance(node, exp.Paren):
        node = node.this
    parts: list[exp.Expr] = []
    while isinstance(node, exp.And):
        parts.append(node.expression)
        node = node.this
    if not parts:
        return [node]
    first = [node]
    return [found for part in [*first, *reversed(parts)] for found in _again(part)]


def _again(node: exp.Expr) -> list[exp.Expr]:
    return conjuncts(node) if isinstance(node, exp.Paren | exp.And) else [node]


def _chain(node: exp.Expr, scope: Scope) -> sql.Composed:
    """AND or OR of many: by a loop, for sqlglot nests them."""
    word: LiteralString = " AND " if isinstance(node, exp.And) else " OR "
    kind = type(node)
    parts: list[exp.Expr] = []
    while type(node) is kind:
        parts.append(node.expression)
        node = node.this
    if len(parts) >= CHAIN:
        raise AdqlError(f"{len(parts) + 1} conditions in a row; {CHAIN} are the most", offset_of(node))
    return glue("(", listed((condition(part, scope) for part in [node, *reversed(parts)]), word), ")")


def _not(node: exp.Expr, scope: Scope) -> sql.Composed:
    return glue("(NOT ", condition(node.this, scope), ")")


def _paren(node: exp.Expr, scope: Scope) -> sql.Composed:
    return condition(node.this, scope)


def _comparison(node: exp.Expr, scope: Scope) -> sql.Composed:
    left, right = value(node.this, scope), value(node.expression, scope)
    return compared(type(node), left, right, scope, offset_of(node))


def _between(node: exp.Expr, scope: Scope) -> sql.Composed:
    operand = value(node.this, scope)
    low, high = value(node.args["low"], scope), value(node.args["high"], scope)
    return between(operand, low, high, scope, offset_of(node))


def _like(node: exp.Expr, scope: Scope) -> sql.Composed:
    left, right = text_value(node.this, scope).text, text_value(node.expression, scope).text
    negated = bool(node.args.get("negate"))
    word: LiteralString = "ILIKE" if isinstance(node, exp.ILike) else "LIKE"
    # ADQL's patterns have no escape sign.
    return glue("(", left, " NOT " if negated else " ", word, " ", right, " ESCAPE '')")


def _is(node: exp.Expr, scope: Scope) -> sql.Composed:
    if not isinstance(node.expression, exp.Null):
        raise AdqlError("IS NULL or IS NOT NULL is expected", offset_of(node))
    word: LiteralString = " IS NOT NULL" if node.args.get("negate") else " IS NULL"
    return glue("(", value(node.this, scope).text, word, ")")


def _in(node: exp.Expr, scope: Scope) -> sql.Composed:
    before = scope.context.expanded
    operand = value(node.this, scope)
    query = node.args.get("query")
    if query is None:
        is_light = operand.is_repeatable and scope.context.expanded == before
        return in_list(operand, node.expressions, scope, offset_of(node), is_light=is_light)
    inner = scope.inner()
    answer = scope.context.answer(query.this, inner)
    if len(answer.outputs) != 1:
        raise AdqlError(f"a sub-query after IN gives one column, not {len(answer.outputs)}", offset_of(query))
    check_kinds(operand, answer.outputs[0].value, offset_of(node))
    return glue("(", operand.text, " IN (", answer.text, "))")


def _exists(node: exp.Expr, scope: Scope) -> sql.Composed:
    query = node.this
    if not isinstance(query, exp.Query):
        raise AdqlError("EXISTS takes a sub-query", offset_of(node))
    return glue("EXISTS (", scope.context.answer(query, scope.inner()).text, ")")


_CONDITIONS: dict[type[exp.Expr], Callable[[exp.Expr, Scope], sql.Composed]] = {
    exp.And: _chain,
    exp.Or: _chain,
    exp.Not: _not,
    exp.Paren: _paren,
    exp.EQ: _comparison,
    exp.NEQ: _comparison,
    exp.LT: _comparison,
    exp.LTE: _comparison,
    exp.GT: _comparison,
    exp.GTE: _comparison,
    exp.Between: _between,
    exp.Like: _like,
    exp.ILike: _like,
    exp.Is: _is,
    exp.In: _in,
    exp.Exists: _exists,
}
