"""Conditions: what is true or false of a row."""

from collections.abc import Callable
from typing import LiteralString

from psycopg import sql
from sqlglot import exp

from catalog.adql.emitter import emit, emit_list
from catalog.adql.errors import AdqlError
from catalog.adql.grammar.tree import offset_of
from catalog.adql.limits import MAX_CHAIN, MAX_COMPARED, MAX_PATTERN
from catalog.adql.scope import Scope
from catalog.adql.value import Kind
from catalog.adql.values.comparisons import emit_between, emit_comparison, emit_in_list
from catalog.adql.values.expressions import translate_expression, translate_text
from catalog.adql.values.kinds import check_kinds


def translate_condition(node: exp.Expr, scope: Scope) -> sql.Composed:
    """Translate a condition, as an operand of AND and NOT.

    Raises:
        AdqlError: It is a value and no condition, or compares what cannot be compared.
    """
    make = _TRANSLATORS.get(type(node))
    if make is not None:
        return make(node, scope)
    if not isinstance(node, exp.Column | exp.Boolean | exp.Anonymous | exp.Cast):
        raise AdqlError("a condition is expected here", offset_of(node))
    found = translate_expression(node, scope)
    if found.truth is not None:
        raise AdqlError(
            f"{found.name.upper()} gives 1 or 0: write 1={found.name.upper()}(...)", offset_of(node)
        )
    if found.kind is not Kind.BOOLEAN:
        raise AdqlError("a condition is expected here, not a value", offset_of(node))
    return found.text


def split_conjuncts(node: exp.Expr) -> list[exp.Expr]:
    """Split a condition into what AND joins, without the brackets around all of it."""
    while isinstance(node, exp.Paren):
        node = node.this
    parts: list[exp.Expr] = []
    while isinstance(node, exp.And):
        parts.append(node.expression)
        node = node.this
    if not parts:
        return [node]
    first = [node]
    return [found for part in [*first, *reversed(parts)] for found in _split_nested(part)]


def _split_nested(node: exp.Expr) -> list[exp.Expr]:
    return split_conjuncts(node) if isinstance(node, exp.Paren | exp.And) else [node]


def _translate_chain(node: exp.Expr, scope: Scope) -> sql.Composed:
    """AND or OR of many: by a loop, for sqlglot nests them."""
    word: LiteralString = " AND " if isinstance(node, exp.And) else " OR "
    kind = type(node)
    parts: list[exp.Expr] = []
    while type(node) is kind:
        parts.append(node.expression)
        node = node.this
    if len(parts) >= MAX_CHAIN:
        raise AdqlError(f"{len(parts) + 1} conditions in a row; {MAX_CHAIN} are the most", offset_of(node))
    return emit(
        "(", emit_list((translate_condition(part, scope) for part in [node, *reversed(parts)]), word), ")"
    )


def _translate_not(node: exp.Expr, scope: Scope) -> sql.Composed:
    return emit("(NOT ", translate_condition(node.this, scope), ")")


def _translate_brackets(node: exp.Expr, scope: Scope) -> sql.Composed:
    return translate_condition(node.this, scope)


def _translate_comparison(node: exp.Expr, scope: Scope) -> sql.Composed:
    left, right = translate_expression(node.this, scope), translate_expression(node.expression, scope)
    return emit_comparison(type(node), left, right, scope, offset_of(node))


def _translate_between(node: exp.Expr, scope: Scope) -> sql.Composed:
    operand = translate_expression(node.this, scope)
    low, high = translate_expression(node.args["low"], scope), translate_expression(node.args["high"], scope)
    return emit_between(operand, low, high, scope, offset_of(node))


def _translate_like(node: exp.Expr, scope: Scope) -> sql.Composed:
    value, pattern = translate_text(node.this, scope), translate_text(node.expression, scope)
    # Postgres compares a text with a pattern without listening to anybody: its time is their product.
    if isinstance(pattern.constant, str):
        if len(pattern.constant) > MAX_PATTERN:
            raise AdqlError(
                f"the pattern has {len(pattern.constant):,} characters; {MAX_PATTERN:,} are the most",
                offset_of(node.expression),
            )
        right = pattern.text
    else:
        right = emit("galcat.short_text(", pattern.text, ", ", sql.Literal(MAX_PATTERN), ")")
    left = emit("galcat.short_text(", value.text, ", ", sql.Literal(MAX_COMPARED), ")")
    negated = bool(node.args.get("negate"))
    word: LiteralString = "ILIKE" if isinstance(node, exp.ILike) else "LIKE"
    # ADQL's patterns have no escape sign.
    return emit("(", left, " NOT " if negated else " ", word, " ", right, " ESCAPE '')")


def _translate_is(node: exp.Expr, scope: Scope) -> sql.Composed:
    if not isinstance(node.expression, exp.Null):
        raise AdqlError("IS NULL or IS NOT NULL is expected", offset_of(node))
    word: LiteralString = " IS NOT NULL" if node.args.get("negate") else " IS NULL"
    return emit("(", translate_expression(node.this, scope).text, word, ")")


def _translate_in(node: exp.Expr, scope: Scope) -> sql.Composed:
    before = scope.context.expanded
    operand = translate_expression(node.this, scope)
    query = node.args.get("query")
    if query is None:
        is_light = operand.is_repeatable and scope.context.expanded == before
        return emit_in_list(operand, node.expressions, scope, offset_of(node), is_light=is_light)
    inner = scope.inner()
    answer = scope.context.translator.translate_query(query.this, inner)
    if len(answer.outputs) != 1:
        raise AdqlError(f"a sub-query after IN gives one column, not {len(answer.outputs)}", offset_of(query))
    check_kinds(operand, answer.outputs[0].value, offset_of(node))
    return emit("(", operand.text, " IN (", answer.text, "))")


def _translate_exists(node: exp.Expr, scope: Scope) -> sql.Composed:
    query = node.this
    if not isinstance(query, exp.Query):
        raise AdqlError("EXISTS takes a sub-query", offset_of(node))
    return emit("EXISTS (", scope.context.translator.translate_query(query, scope.inner()).text, ")")


_TRANSLATORS: dict[type[exp.Expr], Callable[[exp.Expr, Scope], sql.Composed]] = {
    exp.And: _translate_chain,
    exp.Or: _translate_chain,
    exp.Not: _translate_not,
    exp.Paren: _translate_brackets,
    exp.EQ: _translate_comparison,
    exp.NEQ: _translate_comparison,
    exp.LT: _translate_comparison,
    exp.LTE: _translate_comparison,
    exp.GT: _translate_comparison,
    exp.GTE: _translate_comparison,
    exp.Between: _translate_between,
    exp.Like: _translate_like,
    exp.ILike: _translate_like,
    exp.Is: _translate_is,
    exp.In: _translate_in,
    exp.Exists: _translate_exists,
}
