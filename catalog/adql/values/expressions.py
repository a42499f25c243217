"""Expressions: what gives a value of a row."""

from collections.abc import Callable
from dataclasses import replace
from typing import LiteralString

from sqlglot import exp

from catalog.adql.emitter import SqlPart, emit, emit_list
from catalog.adql.errors import AdqlError
from catalog.adql.functions.call import Call
from catalog.adql.functions.registry import FUNCTIONS
from catalog.adql.grammar.tree import offset_of
from catalog.adql.limits import MAX_CHAIN
from catalog.adql.names import suggest_name
from catalog.adql.scope import Scope
from catalog.adql.value import (
    NULL_NUMBER,
    NULL_TEXT,
    NUMBER_DATATYPES,
    Kind,
    Value,
    make_text_value,
    make_value,
)
from catalog.adql.values.cases import translate_case
from catalog.adql.values.casts import translate_cast
from catalog.adql.values.literals import MAX_INT, read_literal

_OPERATORS: dict[type[exp.Expr], LiteralString] = {
    exp.Add: " + ",
    exp.Sub: " - ",
    exp.Mul: " * ",
    exp.Div: " / ",
    exp.DPipe: " || ",
}


def translate_expression(node: exp.Expr, scope: Scope) -> Value:
    """Translate an expression, as an operand.

    Raises:
        AdqlError: It names what is not there, or is no value.
    """
    constant = read_literal(node)
    if constant is not None:
        return bind_constant(constant, scope)
    make = _TRANSLATORS.get(type(node))
    if make is None:
        raise AdqlError("a single value is expected here", offset_of(node))
    return make(node, scope)


def bind_constant(constant: float | str, scope: Scope) -> Value:
    """Bind a constant to a parameter."""
    bind = scope.context.parameters.bind
    if isinstance(constant, str):
        found = make_value(bind(constant, "text"), Kind.TEXT, datatype="char" if constant.isascii() else "")
    elif not isinstance(constant, int):
        found = make_value(bind(constant, "double precision"), Kind.FLOAT)
    elif -MAX_INT <= constant <= MAX_INT:
        found = make_value(bind(constant, "integer"), Kind.INTEGER)
    else:
        found = make_value(bind(constant, "bigint"), Kind.INTEGER, datatype="long")
    return Value(found.text, found.kind, found.meta, constant=constant)


def translate_text(node: exp.Expr, scope: Scope) -> Value:
    """Translate an expression that must give a text."""
    found = translate_expression(node, scope)
    if found.kind is Kind.NULL:
        return NULL_TEXT
    if found.kind is not Kind.TEXT:
        raise AdqlError("a text is expected here", offset_of(node))
    return found


def _translate_column(node: exp.Expr, scope: Scope) -> Value:
    if not isinstance(node, exp.Column) or isinstance(node.this, exp.Star):
        raise AdqlError("* stands in SELECT and in COUNT(*) only", offset_of(node))
    return scope.resolve_column(node)


def _refuse_star(node: exp.Expr, scope: Scope) -> Value:
    del scope
    raise AdqlError("* stands in SELECT and in COUNT(*) only", offset_of(node))


def _translate_brackets(node: exp.Expr, scope: Scope) -> Value:
    return translate_expression(node.this, scope)


def _translate_null(node: exp.Expr, scope: Scope) -> Value:
    del node, scope
    return make_value(emit("NULL"), Kind.NULL)


def _translate_boolean(node: exp.Expr, scope: Scope) -> Value:
    return make_value(scope.context.parameters.bind(bool(node.this), "boolean"), Kind.BOOLEAN)


def _translate_negation(node: exp.Expr, scope: Scope) -> Value:
    found = _translate_number(node.this, scope)
    return make_value(emit("(- ", found.text, ")"), found.kind, datatype=_widest_datatype(found, found))


def _translate_chain(node: exp.Expr, scope: Scope) -> Value:
    """A sum, a product or joined texts: by a loop, for sqlglot nests them."""
    rest: list[exp.Expr] = []
    while type(node) in _OPERATORS:
        rest.append(node)
        node = node.this
    if len(rest) >= MAX_CHAIN:
        raise AdqlError(f"{len(rest) + 1} values in a row; {MAX_CHAIN} are the most", offset_of(node))
    is_text = isinstance(rest[-1], exp.DPipe)
    found = translate_text(node, scope) if is_text else _translate_number(node, scope)
    parts: list[SqlPart] = [found.text]
    texts = [found.text]
    for operation in reversed(rest):
        if isinstance(operation, exp.DPipe) != is_text:
            raise AdqlError("|| joins texts, and one cannot reckon with texts", offset_of(operation))
        right = operation.expression
        other = translate_text(right, scope) if is_text else _translate_number(right, scope)
        parts += [_OPERATORS[type(operation)], other.text, ")"]
        texts.append(other.text)
        found = make_text_value(found.text, [found, other]) if is_text else _type_arithmetic(found, other)
    # A short query can join a text to gigabytes: the function bounds what comes out.
    text = (
        emit("galcat.join_texts(", emit_list(texts, ", "), ")")
        if is_text
        else emit(*["("] * len(rest), *parts)
    )
    return make_value(text, found.kind, datatype=found.meta.datatype)


def _type_arithmetic(left: Value, right: Value) -> Value:
    """Integers stay integers, as ADQL's division demands; of reals and integers Postgres makes doubles."""
    if left.kind is right.kind:
        return make_value(left.text, left.kind, datatype=_widest_datatype(left, right))
    return make_value(left.text, Kind.FLOAT)


def _widest_datatype(left: Value, right: Value) -> str:
    found = {one.meta.datatype for one in (left, right) if one.meta.datatype in NUMBER_DATATYPES}
    return max(found, key=NUMBER_DATATYPES.index, default="double")


def _translate_number(node: exp.Expr, scope: Scope) -> Value:
    found = translate_expression(node, scope)
    if found.kind is Kind.NULL:
        return NULL_NUMBER
    if not found.kind.is_number:
        raise AdqlError(f"a number is expected here, not a {found.kind.name.lower()}", offset_of(node))
    return found


def _translate_call(node: exp.Expr, scope: Scope) -> Value:
    name, offset = node.this, offset_of(node)
    if not isinstance(name, str):
        raise AdqlError("a function's name is expected here", offset)
    function = FUNCTIONS.get(name.upper())
    if function is None:
        raise AdqlError(f"no function {name}{suggest_name(name.upper(), FUNCTIONS)}", offset)
    arguments = list(node.expressions)
    call = Call(function.name, scope, offset)
    if len(arguments) == 1 and isinstance(arguments[0], exp.Distinct | exp.Star):
        if not function.is_aggregate or (isinstance(arguments[0], exp.Star) and function.name != "COUNT"):
            what = "*" if isinstance(arguments[0], exp.Star) else "DISTINCT"
            raise AdqlError(f"{function.name} takes no {what}", offset)
        call = replace(
            call,
            is_star=isinstance(arguments[0], exp.Star),
            is_distinct=not isinstance(arguments[0], exp.Star),
        )
        arguments = arguments[0].expressions if call.is_distinct else []
    if not call.is_star and not function.min_arguments <= len(arguments) <= function.max_arguments:
        raise AdqlError(f"{function.name} takes {function.arity}, not {len(arguments)}", offset)
    aggregates, of_groups, mentions = scope.aggregates, scope.aggregates_named, len(scope.mentions)
    values = tuple(translate_expression(argument, scope) for argument in arguments)
    if function.is_aggregate:
        if scope.aggregates > aggregates:
            raise AdqlError(f"{function.name} cannot be taken of another aggregate", offset)
        scope.aggregates += 1
        del scope.mentions[mentions:]
    call = replace(call, has_aggregates=scope.aggregates_named > of_groups)
    offsets = tuple(offset_of(argument) for argument in arguments)
    made = function.make(replace(call, arguments=values, offsets=offsets))
    return made.with_name(function.name.lower())


def _translate_sub_query(node: exp.Expr, scope: Scope) -> Value:
    if not isinstance(node.this, exp.Query) or node.args.get("alias"):
        raise AdqlError("a value or a sub-query is expected here", offset_of(node))
    answer = scope.context.translator.translate_query(node.this, scope.inner())
    if len(answer.outputs) != 1:
        raise AdqlError(
            f"a sub-query as a value gives one column, not {len(answer.outputs)}", offset_of(node)
        )
    only = answer.outputs[0].value
    return Value(emit("(", answer.text, ")"), only.kind, only.meta)


def _translate_cast(node: exp.Expr, scope: Scope) -> Value:
    if not isinstance(node, exp.Cast):
        raise AdqlError("a CAST is expected here", offset_of(node))
    return translate_cast(node, translate_expression(node.this, scope), scope)


def _translate_case(node: exp.Expr, scope: Scope) -> Value:
    return translate_case(node, scope)


_TRANSLATORS: dict[type[exp.Expr], Callable[[exp.Expr, Scope], Value]] = {
    exp.Column: _translate_column,
    exp.Star: _refuse_star,
    exp.Paren: _translate_brackets,
    exp.Null: _translate_null,
    exp.Boolean: _translate_boolean,
    exp.Neg: _translate_negation,
    exp.Add: _translate_chain,
    exp.Sub: _translate_chain,
    exp.Mul: _translate_chain,
    exp.Div: _translate_chain,
    exp.DPipe: _translate_chain,
    exp.Anonymous: _translate_call,
    exp.Case: _translate_case,
    exp.Cast: _translate_cast,
    exp.Subquery: _translate_sub_query,
}
