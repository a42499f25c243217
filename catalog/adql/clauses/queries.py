"""Queries and sub-queries: SELECT, set operations of them, and WITH before them."""

from dataclasses import replace
from typing import LiteralString

from psycopg import sql
from sqlglot import exp

from catalog.adql.clauses.row_limit import RowBounds, emit_limit, row_limit
from catalog.adql.clauses.selects import translate_select
from catalog.adql.clauses.sorting import translate_set_order
from catalog.adql.emitter import emit, emit_list
from catalog.adql.errors import AdqlError
from catalog.adql.functions.choices import common_value
from catalog.adql.grammar.tree import offset_of
from catalog.adql.names import matches_name, require_identifier
from catalog.adql.relations import OutputColumn, TranslatedQuery
from catalog.adql.scope import Scope
from catalog.adql.value import Kind

_SET_WORDS: dict[type[exp.Expr], LiteralString] = {
    exp.Union: " UNION ",
    exp.Except: " EXCEPT ",
    exp.Intersect: " INTERSECT ",
}


def translate_query(node: exp.Query, scope: Scope, bounds: RowBounds | None = None) -> TranslatedQuery:
    """Translate a query or a sub-query.

    Raises:
        AdqlError: It cannot be answered.
    """
    with_text = _translate_with(node, scope)
    body = _translate_body(node, scope, bounds)
    return TranslatedQuery(emit(with_text, body.text), body.outputs, body.limit)


def _translate_body(node: exp.Expr, scope: Scope, bounds: RowBounds | None) -> TranslatedQuery:
    if isinstance(node, exp.Select):
        return translate_select(node, scope, bounds)
    if isinstance(node, exp.SetOperation):
        return _translate_set_operation(node, scope, bounds)
    if isinstance(node, exp.Subquery) and isinstance(node.this, exp.Query) and not node.args.get("alias"):
        return _translate_brackets(node, scope, bounds)
    raise AdqlError("a SELECT is expected here", offset_of(node))


def _translate_with(node: exp.Query, scope: Scope) -> sql.Composed:
    """Each named result can name those before it."""
    clause = node.args.get("with_")
    if clause is None:
        return emit("")
    texts = []
    for part in clause.expressions:
        alias = part.args["alias"]
        name = require_identifier(alias.this)
        if alias.args.get("columns"):
            raise AdqlError("ADQL names no columns after the name in WITH", offset_of(alias))
        if any(matches_name(name, other.name) for other, _, _ in scope.tables):
            raise AdqlError(f"{name.name!r} stands twice in WITH", offset_of(name))
        inner = Scope(scope.context, scope.parent, scope.tables)
        made = translate_query(part.this, inner)
        scope.reaches_out |= inner.reaches_out
        stored = scope.context.make_alias("w")
        texts.append(emit(sql.Identifier(stored), " AS (", made.text, ")"))
        scope.tables = ((name, made, stored), *scope.tables)
    return emit("WITH ", emit_list(texts), " ")


def _translate_brackets(node: exp.Subquery, scope: Scope, bounds: RowBounds | None) -> TranslatedQuery:
    """A query in brackets, perhaps with ORDER BY or OFFSET after them."""
    if node.args.get("joins"):
        raise AdqlError("a SELECT is expected here", offset_of(node))
    inner = translate_query(node.this, scope, None if _has_ending(node) else bounds)
    if not _has_ending(node):
        return inner
    return _add_ending(node, TranslatedQuery(emit("(", inner.text, ")"), inner.outputs), scope, bounds)


def _has_ending(node: exp.Expr) -> bool:
    return bool(node.args.get("order") or node.args.get("offset"))


def _translate_set_operation(
    node: exp.SetOperation, scope: Scope, bounds: RowBounds | None
) -> TranslatedQuery:
    """The answer's columns are called as those of the first operand."""
    operands: list[exp.SetOperation] = []
    first: exp.Expr = node
    while isinstance(first, exp.SetOperation) and (first is node or not _has_ending(first)):
        operands.append(first)
        first = first.this
    left = _translate_operand(first, scope)
    text, outputs = left.text, left.outputs
    for operation in reversed(operands):
        right = _translate_operand(operation.expression, scope)
        if len(right.outputs) != len(outputs):
            raise AdqlError(
                f"both sides give as many columns, not {len(outputs)} and {len(right.outputs)}",
                offset_of(operation.expression),
            )
        outputs = tuple(
            _merge_outputs(one, other, offset_of(operation.expression))
            for one, other in zip(outputs, right.outputs, strict=True)
        )
        word = _SET_WORDS[type(operation)]
        every: LiteralString = "" if operation.args.get("distinct") else "ALL "
        text = emit("(", text, ")", word, every, "(", right.text, ")")
    return _add_ending(node, TranslatedQuery(text, outputs), scope, bounds)


def _merge_outputs(one: OutputColumn, other: OutputColumn, offset: int | None) -> OutputColumn:
    """A column of both operands: called and described as in the first, of a kind wide enough for both."""
    both = common_value([one.value, other.value], f"column {one.name!r}", offset)
    weight = one.weight + other.weight
    if one.value.kind is Kind.NULL:
        return replace(one, value=both, weight=weight)
    meta = replace(one.value.meta, datatype=both.meta.datatype)
    return replace(one, value=replace(one.value, kind=both.kind, meta=meta, column=None), weight=weight)


def _translate_operand(node: exp.Expr, scope: Scope) -> TranslatedQuery:
    """Each operand has names of its own."""
    if isinstance(node, exp.Query) and node.args.get("with_"):
        raise AdqlError("WITH stands before the whole query", offset_of(node.args["with_"]))
    if _has_ending(node):
        raise AdqlError(
            "ORDER BY and OFFSET of one side of a set operation stand in brackets with it",
            offset_of(node.args.get("order") or node.args["offset"]),
        )
    inner = Scope(scope.context, scope.parent, scope.tables, is_operand=True)
    made = _translate_body(node, inner, None)
    scope.reaches_out |= inner.reaches_out
    return made


def _add_ending(
    node: exp.Expr, made: TranslatedQuery, scope: Scope, bounds: RowBounds | None
) -> TranslatedQuery:
    order = node.args.get("order")
    text = made.text
    if order is not None:
        text = emit(text, translate_set_order(order, made.outputs))
    text = emit(text, emit_limit(row_limit(None, bounds), node, scope))
    return TranslatedQuery(text, made.outputs)
