"""ORDER BY and GROUP BY: by a column of the answer, by its number, or by an expression."""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql
from sqlglot import exp

from catalog.adql.emitter import emit, emit_list
from catalog.adql.errors import AdqlError
from catalog.adql.grammar.tree import offset_of
from catalog.adql.limits import MAX_KEYS
from catalog.adql.names import matches_name, require_identifier, suggest_name
from catalog.adql.relations import Mention, OutputColumn
from catalog.adql.scope import Scope
from catalog.adql.value import Kind, Value
from catalog.adql.values.expressions import translate_expression
from catalog.adql.values.literals import read_literal


@dataclass(frozen=True, eq=False)
class SortKey:
    """A key of ORDER BY.

    Attributes:
        node: The key as the query writes it, with its direction.
        text: The key in SQL, without its direction.
        mentions: The columns that the key names.
        is_position: Whether the key is the number of a column of the answer, counted from 1.
    """

    node: exp.Expr
    text: sql.Composed
    mentions: tuple[Mention, ...] = ()
    is_position: bool = False

    @property
    def with_direction(self) -> sql.Composed:
        """The key in SQL with its direction; NULLs stand where Postgres puts them."""
        return emit(self.text, " DESC" if self.node.args.get("desc") else "")


def translate_order_keys(order: exp.Expr, scope: Scope) -> list[SortKey]:
    """Translate the keys of a SELECT's ORDER BY; a column of the answer comes before one of FROM."""
    keys = []
    for item in _require_few_keys(order):
        position = find_output(item.this, scope.outputs)
        before = len(scope.mentions)
        if position is None:
            text = _require_value(translate_expression(item.this, scope), item)
            keys.append(SortKey(item, text, tuple(scope.mentions[before:])))
        else:
            keys.append(SortKey(item, emit(sql.Literal(position)), is_position=True))
    return keys


def translate_first_key(order: exp.Expr, scope: Scope) -> Value | None:
    """Translate the first key of ORDER BY; None where it is sorted in falling order."""
    item = order.expressions[0]
    if item.args.get("desc"):
        return None
    position = find_output(item.this, scope.outputs)
    return (
        scope.outputs[position - 1].value if position is not None else translate_expression(item.this, scope)
    )


def translate_set_order(order: exp.Expr, outputs: Sequence[OutputColumn]) -> sql.Composed:
    """Translate ORDER BY of a set operation, which is sorted by its columns only."""
    keys = []
    for item in _require_few_keys(order):
        position = find_output(item.this, outputs)
        if position is None:
            known = [output.name for output in outputs]
            near = suggest_name(item.this.name, known)
            raise AdqlError(
                f"a set operation is sorted by its columns' names or numbers{near}", offset_of(item)
            )
        keys.append(SortKey(item, emit(sql.Literal(position))).with_direction)
    return emit(" ORDER BY ", emit_list(keys))


def translate_group_by(
    group: exp.Expr, scope: Scope
) -> tuple[tuple[sql.Composed, ...], tuple[sql.Composed, ...]]:
    """Translate GROUP BY; gives its keys as SQL shows them, and in full. A column of FROM comes first."""
    shown, keys = [], []
    for node in _require_few_keys(group):
        position = _read_output_number(node, scope.outputs)
        shown_value = (
            translate_expression(node, scope) if position is None else scope.outputs[position - 1].value
        )
        keys.append(_require_value(shown_value, node))
        shown.append(keys[-1] if position is None else emit(sql.Literal(position)))
    return tuple(shown), tuple(keys)


def find_output(node: exp.Expr, outputs: Sequence[OutputColumn]) -> int | None:
    """Find the number, from 1, of the answer's column that a key means; None where it means none."""
    position = _read_output_number(node, outputs)
    if position is not None or not isinstance(node, exp.Column) or node.args.get("table") is not None:
        return position
    name = require_identifier(node.this)
    found = [i for i, output in enumerate(outputs, 1) if matches_name(name, output.name)]
    if any(outputs[i - 1].value.text != outputs[found[0] - 1].value.text for i in found):
        raise AdqlError(f"{name.name!r} is more than one column of the answer", offset_of(node))
    return found[0] if found else None


def _require_value(key: Value, node: exp.Expr) -> sql.Composed:
    if key.kind is Kind.NULL:
        raise AdqlError("NULL sorts and groups nothing", offset_of(node))
    return key.text


def _require_few_keys(node: exp.Expr) -> list[exp.Expr]:
    if len(node.expressions) > MAX_KEYS:
        raise AdqlError(f"{len(node.expressions)} keys; {MAX_KEYS} are the most", offset_of(node))
    return node.expressions


def _read_output_number(node: exp.Expr, outputs: Sequence[OutputColumn]) -> int | None:
    number = read_literal(node)
    if number is None:
        return None
    if not isinstance(number, int) or not 1 <= number <= len(outputs):
        raise AdqlError(f"the answer has no column {number!r}, but 1 to {len(outputs)}", offset_of(node))
    return number
