"""Queries and sub-queries: SELECT, set operations of them, and WITH before them."""

from dataclasses import replace
from typing import LiteralString

from psycopg import sql
from sqlglot import exp

from catalog.adql.clauses.selects import select
from catalog.adql.clauses.sorting import at_most, limited, sorted_by_outputs
from catalog.adql.errors import AdqlError
from catalog.adql.functions.choices import common
from catalog.adql.glue import glue, listed
from catalog.adql.grammar.tree import offset_of
from catalog.adql.names import identifier, matches
from catalog.adql.scope import Scope
from catalog.adql.sources import Answer, Output
from catalog.adql.value import Kind

_SETS: dict[type[exp.Expr], LiteralString] = {
    exp.Union: " UNION ",
    exp.Except: " EXCEPT ",
    exp.Intersect: " INTERSECT ",
}


def answer(node: exp.Query, scope: Scope, most: int | None = None) -> Answer:
    """A query made ready; of more than `most` rows it gives only so many.

    Raises:
        AdqlError: It cannot be answered.
    """
    with_text = _with(node, scope)
    body = _body(node, scope, most)
    return Answer(glue(with_text, body.text), body.outputs, body.limit)


def _body(node: exp.Expr, scope: Scope, most: int | None) -> Answer:
    if isinstance(node, exp.Select):
        return select(node, scope, most)
    if isinstance(node, exp.SetOperation):
        return _set_operation(node, scope, most)
    if isinstance(node, exp.Subquery) and isinstance(node.this, exp.Query) and not node.args.get("alias"):
        return _bracketed(node, scope, most)
    raise AdqlError("a SELECT is expected here", offset_of(node))


def _with(node: exp.Query, scope: Scope) -> sql.Composed:
    """Each named result can name those before it."""
    clause = node.args.get("with_")
    if clause is None:
        return glue("")
    texts = []
    for part in clause.expressions:
        alias = part.args["alias"]
        name = identifier(alias.this)
        if alias.args.get("columns"):
            raise AdqlError("ADQL names no columns after the name in WITH", offset_of(alias))
        if any(matches(name, other.name) for other, _, _ in scope.tables):
            raise AdqlError(f"{name.name!r} stands twice in WITH", offset_of(name))
        inner = Scope(scope.context, scope.parent, scope.tables)
        made = answer(part.this, inner)
        scope.reaches_out |= inner.reaches_out
        stored = scope.context.fresh("w")
        texts.append(glue(sql.Identifier(stored), " AS (", made.text, ")"))
        scope.tables = ((name, made, stored), *scope.tables)
    return glue("WITH ", listed(texts), " ")


def _bracketed(node: exp.Subquery, scope: Scope, most: int | None) -> Answer:
    """A query in brackets, perhaps with ORDER BY or OFFSET after them."""
    if node.args.get("joins"):
        raise AdqlError("a SELECT is expected here", offset_of(node))
    inner = answer(node.this, scope, None if _has_ending(node) else most)
    if not _has_ending(node):
        return inner
    return _ended(node, Answer(glue("(", inner.text, ")"), inner.outputs), scope, most)


def _has_ending(node: exp.Expr) -> bool:
    return bool(node.args.get("order") or node.args.get("offset"))


def _set_operation(node: exp.SetOperation, scope: Scope, most: int | None) -> Answer:
    """The answer's columns are called as those of the first operand."""
    operands: list[exp.SetOperation] = []
    first: exp.Expr = node
    while isinstance(first, exp.SetOperation) and (first is node or not _has_ending(first)):
        operands.append(first)
        first = first.this
    left = _operand(first, scope)
    text, outputs = left.text, left.outputs
    for operation in reversed(operands):
        right = _operand(operation.expression, scope)
        if len(right.outputs) != len(outputs):
            raise AdqlError(
                f"both sides give as many columns, not {len(outputs)} and {len(right.outputs)}",
                offset_of(operation.expression),
            )
        outputs = tuple(
            _shared(one, other, offset_of(operation.expression))
            for one, other in zip(outputs, right.outputs, strict=True)
        )
        word = _SETS[type(operation)]
        every: LiteralString = "" if operation.args.get("distinct") else "ALL "
        text = glue("(", text, ")", word, every, "(", right.text, ")")
    return _ended(node, Answer(text, outputs), scope, most)


def _shared(one: Output, other: Output, place: int | None) -> Output:
    """A column of both operands: called and described as in the first, of a kind wide enough for both."""
    both = common([one.value, other.value], f"column {one.name!r}", place)
    weight = one.weight + other.weight
    if one.value.kind is Kind.NULL:
        return replace(one, value=both, weight=weight)
    meta = replace(one.value.meta, datatype=both.meta.datatype)
    return replace(one, value=replace(one.value, kind=both.kind, meta=meta, column=None), weight=weight)


def _operand(node: exp.Expr, scope: Scope) -> Answer:
    """Each operand has names of its own."""
    if isinstance(node, exp.Query) and node.args.get("with_"):
        raise AdqlError("WITH stands before the whole query", offset_of(node.args["with_"]))
    if _has_ending(node):
        raise AdqlError(
            "ORDER BY and OFFSET of one side of a set operation stand in brackets with it",
            offset_of(node.args.get("order") or node.args["offset"]),
        )
    inner = Scope(scope.context, scope.parent, scope.tables, is_operand=True)
    made = _body(node, inner, None)
    scope.reaches_out |= inner.reaches_out
    return made


def _ended(node: exp.Expr, made: Answer, scope: Scope, most: int | None) -> Answer:
    order = node.args.get("order")
    text = made.text
    if order is not None:
        text = glue(text, sorted_by_outputs(order, made.outputs))
    text = glue(text, limited(at_most(None, most), node, scope))
    return Answer(text, made.outputs)
