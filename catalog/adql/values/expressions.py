"""Expressions: what gives a value."""

from collections.abc import Callable
from dataclasses import replace
from typing import LiteralString

from sqlglot import exp

from catalog.adql.errors import AdqlError
from catalog.adql.functions.call import Call
from catalog.adql.functions.known import FUNCTIONS
from catalog.adql.glue import Part, glue
from catalog.adql.grammar.tree import offset_of
from catalog.adql.limits import CHAIN
from catalog.adql.names import suggestion
from catalog.adql.scope import Scope
from catalog.adql.value import NULL_NUMBER, NULL_TEXT, NUMBERS, Kind, Value, of_kind, text_of
from catalog.adql.values.cases import case
from catalog.adql.values.casts import cast
from catalog.adql.values.numbers import LARGEST_INT, literal_value


def value(node: exp.Expr, scope: Scope) -> Value:
    """An expression as an operand.

    Raises:
        AdqlError: It names what is not there, or is no value.
    """
    constant = literal_value(node)
    if constant is not None:
        return constant_value(constant, scope)
    make = _VALUES.get(type(node))
    if make is None:
        raise AdqlError("a single value is expected here", offset_of(node))
    return make(node, scope)


def constant_value(constant: float | str, scope: Scope) -> Value:
    """A constant as a parameter."""
    bind = scope.context.parameters.bind
    if isinstance(constant, str):
        found = of_kind(bind(constant, "text"), Kind.TEXT, datatype="char" if constant.isascii() else "")
    elif not isinstance(constant, int):
        found = of_kind(bind(constant, "double precision"), Kind.FLOAT)
    elif -LARGEST_INT <= constant <= LARGEST_INT:
        found = of_kind(bind(constant, "integer"), Kind.INTEGER)
    else:
        found = of_kind(bind(constant, "bigint"), Kind.INTEGER, datatype="long")
    return Value(found.text, found.kind, found.meta, constant=constant)


def text_value(node: exp.Expr, scope: Scope) -> Value:
    """An expression that must give a text."""
    found = value(node, scope)
    if found.kind is Kind.NULL:
        return NULL_TEXT
    if found.kind is not Kind.TEXT:
        raise AdqlError("a text is expected here", offset_of(node))
    return found


def _column(node: exp.Expr, scope: Scope) -> Value:
    if not isinstance(node, exp.Column) or isinstance(node.this, exp.Star):
        raise AdqlError("* stands in SELECT and in COUNT(*) only", offset_of(node))
    return scope.value_of(node)


def _star(node: exp.Expr, scope: Scope) -> Value:
    del scope
    raise AdqlError("* stands in SELECT and in COUNT(*) only", offset_of(node))


def _paren(node: exp.Expr, scope: Scope) -> Value:
    return value(node.this, scope)


def _null(node: exp.Expr, scope: Scope) -> Value:
    del node, scope
    return of_kind(glue("NULL"), Kind.NULL)


def _boolean(node: exp.Expr, scope: Scope) -> Value:
    return of_kind(scope.context.parameters.bind(bool(node.this), "boolean"), Kind.BOOLEAN)


def _negative(node: exp.Expr, scope: Scope) -> Value:
    found = _number(node.this, scope)
    return of_kind(glue("(- ", found.text, ")"), found.kind, datatype=_wider(found, found))


_OPERATORS: dict[type[exp.Expr], LiteralString] = {
    exp.Add: " + ",
    exp.Sub: " - ",
    exp.Mul: " * ",
    exp.Div: " / ",
    exp.DPipe: " || ",
}


def _chain(node: exp.Expr, scope: Scope) -> Value:
    """A sum, a product or joined texts: by a loop, for sqlglot nests them."""
    rest: list[exp.Expr] = []
    while type(node) in _OPERATORS:
        rest.append(node)
        node = node.this
    if len(rest) >= CHAIN:
        raise AdqlError(f"{len(rest) + 1} values in a row; {CHAIN} are the most", offset_of(node))
    is_text = isinstance(rest[-1], exp.DPipe)
    found = text_value(node, scope) if is_text else _number(node, scope)
    parts: list[Part] = [found.text]
    for operation in reversed(rest):
        if isinstance(operation, exp.DPipe) != is_text:
            raise AdqlError("|| joins texts, and one cannot reckon with texts", offset_of(operation))
        right = operation.expression
        other = text_value(right, scope) if is_text else _number(right, scope)
        parts += [_OPERATORS[type(operation)], other.text, ")"]
        found = text_of(found.text, [found, other]) if is_text else _reckoned(found, other)
    text = glue(*["("] * len(rest), *parts)
    return of_kind(text, found.kind, datatype=found.meta.datatype)


def _reckoned(left: Value, right: Value) -> Value:
    """Integers stay integers, as ADQL's division demands; of reals and integers Postgres makes doubles."""
    if left.kind is right.kind:
        return of_kind(left.text, left.kind, datatype=_wider(left, right))
    return of_kind(left.text, Kind.FLOAT)


def _wider(left: Value, right: Value) -> str:
    found = {one.meta.datatype for one in (left, right) if one.meta.datatype in NUMBERS}
    return max(found, key=NUMBERS.index, default="double")


def _number(node: exp.Expr, scope: Scope) -> Value:
    found = value(node, scope)
    if found.kind is Kind.NULL:
        return NULL_NUMBER
    if not found.kind.is_number:
        raise AdqlError(f"a number is expected here, not a {found.kind.name.lower()}", offset_of(node))
    return found


def _call(node: exp.Expr, scope: Scope) -> Value:
    name, place = node.this, offset_of(node)
    if not isinstance(name, str):
        raise AdqlError("a function's name is expected here", place)
    function = FUNCTIONS.get(name.upper())
    if function is None:
        raise AdqlError(f"no function {name}{suggestion(name.upper(), FUNCTIONS)}", place)
    arguments = list(node.expressions)
    call = Call(function.name, scope, place)
    if len(arguments) == 1 and isinstance(arguments[0], exp.Distinct | exp.Star):
        if not function.is_aggregate or (isinstance(arguments[0], exp.Star) and function.name != "COUNT"):
            raise AdqlError(f"{function.name} takes neither * nor DISTINCT", place)
        call = replace(
            call,
            is_star=isinstance(arguments[0], exp.Star),
            is_distinct=not isinstance(arguments[0], exp.Star),
        )
        arguments = arguments[0].expressions if call.is_distinct else []
    if not call.is_star and not function.least <= len(arguments) <= function.most:
        raise AdqlError(f"{function.name} takes {function.arity}, not {len(arguments)}", place)
    aggregates, of_groups, mentions = scope.aggregates, scope.of_groups, len(scope.mentions)
    values = tuple(value(argument, scope) for argument in arguments)
    if function.is_aggregate:
        if scope.aggregates > aggregates:
            raise AdqlError(f"{function.name} cannot be taken of another aggregate", place)
        scope.aggregates += 1
        del scope.mentions[mentions:]
    call = replace(call, is_of_groups=scope.of_groups > of_groups)
    places = tuple(offset_of(argument) for argument in arguments)
    made = function.make(replace(call, arguments=values, places=places))
    return made.called(function.name.lower())


def _sub_query(node: exp.Expr, scope: Scope) -> Value:
    if not isinstance(node.this, exp.Query) or node.args.get("alias"):
        raise AdqlError("a value or a sub-query is expected here", offset_of(node))
    answer = scope.context.answer(node.this, scope.inner())
    if len(answer.outputs) != 1:
        raise AdqlError(
            f"a sub-query as a value gives one column, not {len(answer.outputs)}", offset_of(node)
        )
    only = answer.outputs[0].value
    return Value(glue("(", answer.text, ")"), only.kind, only.meta)


def _cast(node: exp.Expr, scope: Scope) -> Value:
    if not isinstance(node, exp.Cast):
        raise AdqlError("a CAST is expected here", offset_of(node))
    return cast(node, value(node.this, scope), scope)


def _case(node: exp.Expr, scope: Scope) -> Value:
    return case(node, scope, value)


_VALUES: dict[type[exp.Expr], Callable[[exp.Expr, Scope], Value]] = {
    exp.Column: _column,
    exp.Star: _star,
    exp.Paren: _paren,
    exp.Null: _null,
    exp.Boolean: _boolean,
    exp.Neg: _negative,
    exp.Add: _chain,
    exp.Sub: _chain,
    exp.Mul: _chain,
    exp.Div: _chain,
    exp.DPipe: _chain,
    exp.Anonymous: _call,
    exp.Case: _case,
    exp.Cast: _cast,
    exp.Subquery: _sub_query,
}
