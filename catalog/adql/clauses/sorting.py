"""ORDER BY and GROUP BY: by a column of the answer, by its number, or by an expression."""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql
from sqlglot import exp

from catalog.adql.errors import AdqlError
from catalog.adql.glue import glue, listed
from catalog.adql.grammar.tree import offset_of
from catalog.adql.limits import KEYS
from catalog.adql.names import identifier, matches, suggestion
from catalog.adql.scope import Scope
from catalog.adql.sources import Mention, Output
from catalog.adql.value import Kind, Value
from catalog.adql.values.expressions import value
from catalog.adql.values.numbers import literal_value


@dataclass(frozen=True, eq=False)
class Key:
    """What a SELECT is sorted by.

    Attributes:
        node: In the query.
        text: Its SQL, without a direction.
        mentions: The columns in it.
        is_place: Whether it is the number of a column of the answer.
    """

    node: exp.Expr
    text: sql.Composed
    mentions: tuple[Mention, ...] = ()
    is_place: bool = False

    @property
    def directed(self) -> sql.Composed:
        """The same with its direction; NULLs stand where Postgres puts them."""
        return glue(self.text, " DESC" if self.node.args.get("desc") else "")


def order_keys(order: exp.Expr, scope: Scope) -> list[Key]:
    """The keys of a SELECT's ORDER BY; a column of the answer comes before one of FROM."""
    keys = []
    for item in _at_most(order):
        place = output_place(item.this, scope.outputs)
        before = len(scope.mentions)
        if place is None:
            text = _no_null(value(item.this, scope), item)
            keys.append(Key(item, text, tuple(scope.mentions[before:])))
        else:
            keys.append(Key(item, glue(sql.Literal(place)), is_place=True))
    return keys


def first_key(order: exp.Expr, scope: Scope) -> Value | None:
    """What a SELECT is sorted by first, if the least come first."""
    item = order.expressions[0]
    if item.args.get("desc"):
        return None
    place = output_place(item.this, scope.outputs)
    return scope.outputs[place - 1].value if place is not None else value(item.this, scope)


def sorted_by_outputs(order: exp.Expr, outputs: Sequence[Output]) -> sql.Composed:
    """ORDER BY of a set operation: by its columns only."""
    keys = []
    for item in _at_most(order):
        place = output_place(item.this, outputs)
        if place is None:
            known = [output.name for output in outputs]
            near = suggestion(item.this.name, known)
            raise AdqlError(
                f"a set operation is sorted by its columns' names or numbers{near}", offset_of(item)
            )
        keys.append(Key(item, glue(sql.Literal(place))).directed)
    return glue(" ORDER BY ", listed(keys))


def grouped_by(group: exp.Expr, scope: Scope) -> tuple[tuple[sql.Composed, ...], tuple[sql.Composed, ...]]:
    """The keys of GROUP BY, as shown and in full; a column of FROM comes before one of the answer."""
    shown, keys = [], []
    for node in _at_most(group):
        place = _number_of(node, scope.outputs)
        shown_value = value(node, scope) if place is None else scope.outputs[place - 1].value
        keys.append(_no_null(shown_value, node))
        shown.append(keys[-1] if place is None else glue(sql.Literal(place)))
    return tuple(shown), tuple(keys)


def output_place(node: exp.Expr, outputs: Sequence[Output]) -> int | None:
    """The number of the answer's column that a key means, from 1; None where it means none."""
    place = _number_of(node, outputs)
    if place is not None or not isinstance(node, exp.Column) or node.args.get("table") is not None:
        return place
    name = identifier(node.this)
    found = [i for i, output in enumerate(outputs, 1) if matches(name, output.name)]
    if any(outputs[i - 1].value.text != outputs[found[0] - 1].value.text for i in found):
        raise AdqlError(f"{name.name!r} is more than one column of the answer", offset_of(node))
    return found[0] if found else None


def _no_null(key: Value, node: exp.Expr) -> sql.Composed:
    if key.kind is Kind.NULL:
        raise AdqlError("NULL sorts and groups nothing", offset_of(node))
    return key.text


def _at_most(node: exp.Expr) -> list[exp.Expr]:
    if len(node.expressions) > KEYS:
        raise AdqlError(f"{len(node.expressions)} keys; {KEYS} are the most", offset_of(node))
    return node.expressions


def _number_of(node: exp.Expr, outputs: Sequence[Output]) -> int | None:
    number = literal_value(node)
    if number is None:
        return None
    if not isinstance(number, int) or not 1 <= number <= len(outputs):
        raise AdqlError(f"the answer has no column {number!r}, but 1 to {len(outputs)}", offset_of(node))
    return number


def at_most(top: int | None, most: int | None) -> int | None:
    """How many rows the SQL gives; one more than `most` tells that there are more."""
    if most is None:
        return top
    return most + 1 if top is None else min(top, most + 1)


def limited(top: int | None, node: exp.Expr, scope: Scope) -> sql.Composed:
    """LIMIT and OFFSET."""
    bind = scope.context.parameters.bind
    text = glue("") if top is None else glue(" LIMIT ", bind(top, "bigint"))
    offset = node.args.get("offset")
    if offset is None:
        return text
    return glue(text, " OFFSET ", bind(whole_number(offset.expression, "OFFSET"), "bigint"))


def whole_number(node: exp.Expr, word: str) -> int:
    """The number after TOP or OFFSET."""
    number = literal_value(node)
    if not isinstance(number, int) or number < 0:
        raise AdqlError(f"{word} takes a whole number", offset_of(node))
    return number
