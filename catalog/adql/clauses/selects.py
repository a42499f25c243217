"""SELECT: its columns and what they are called, and the clauses that follow it."""

from collections.abc import Sequence
from dataclasses import replace

from psycopg import sql
from sqlglot import exp

from catalog.adql.clauses.from_clause import emit_from, translate_from
from catalog.adql.clauses.grouping import GroupKeys, translate_grouping
from catalog.adql.clauses.row_limit import RowBounds, emit_limit, read_whole_number, row_limit
from catalog.adql.clauses.similarity import translate_similarity
from catalog.adql.clauses.sorting import translate_order_keys
from catalog.adql.emitter import emit, emit_list, piece_count
from catalog.adql.errors import AdqlError
from catalog.adql.grammar.tree import offset_of
from catalog.adql.limits import MAX_COLUMNS
from catalog.adql.names import require_identifier
from catalog.adql.relations import Mention, OutputColumn, TranslatedQuery
from catalog.adql.scope import Scope
from catalog.adql.value import NULL_TEXT, Column, Kind, Value
from catalog.adql.values.conditions import translate_condition
from catalog.adql.values.expressions import translate_expression


def translate_select(node: exp.Select, scope: Scope, bounds: RowBounds | None = None) -> TranslatedQuery:
    """Translate a SELECT; as a whole query it gives only as many rows as `bounds` allows."""
    parts = translate_from(node, scope)
    outputs = _translate_outputs(node, scope)
    if len(outputs) > MAX_COLUMNS:
        raise AdqlError(f"the answer has {len(outputs)} columns; {MAX_COLUMNS} are the most", offset_of(node))
    top = _read_top(node)
    where = _translate_where(node, scope, outputs, row_limit(top, bounds))
    scope.outputs = outputs
    ending, keys = translate_grouping(node, scope)
    if node.args.get("order") is not None:
        ending = emit(ending, _translate_order_by(node, scope, keys))
    shown = emit_list(emit(output.value.text, " AS ", sql.Identifier(output.alias)) for output in outputs)
    distinct = emit("DISTINCT ") if node.args.get("distinct") else emit("")
    text = emit("SELECT ", distinct, shown, " FROM ", emit_from(parts), where, ending)
    return TranslatedQuery(emit(text, emit_limit(row_limit(top, bounds), node, scope)), outputs, top)


def _read_top(node: exp.Select) -> int | None:
    limit = node.args.get("limit")
    return None if limit is None else read_whole_number(limit.expression, "TOP")


def _translate_where(
    node: exp.Select, scope: Scope, outputs: tuple[OutputColumn, ...], top: int | None
) -> sql.Composed:
    where = node.args.get("where")
    if node.args.get("limit") is not None:
        found = translate_similarity(node, replace(scope, outputs=outputs), top)
        if found is not None:
            return emit(" WHERE ", found)
    return emit("") if where is None else emit(" WHERE ", _translate_row_condition(where.this, scope))


def _translate_row_condition(node: exp.Expr, scope: Scope) -> sql.Composed:
    before = scope.aggregates
    text = translate_condition(node, scope)
    if scope.aggregates > before:
        raise AdqlError(
            "COUNT, SUM and the like stand in SELECT, HAVING and ORDER BY, not in WHERE", offset_of(node)
        )
    return text


def _translate_order_by(node: exp.Select, scope: Scope, keys: GroupKeys | None) -> sql.Composed:
    sorted_by = translate_order_keys(node.args["order"], scope)
    shown = [output.value.text for output in scope.outputs]
    for key in sorted_by:
        if keys is not None:
            keys.check(key.text, key.mentions)
        if node.args.get("distinct") and not key.is_position and key.text not in shown:
            raise AdqlError("DISTINCT is sorted by columns of the answer only", offset_of(key.node))
    return emit(" ORDER BY ", emit_list(key.with_direction for key in sorted_by))


def _translate_outputs(node: exp.Select, scope: Scope) -> tuple[OutputColumn, ...]:
    if not node.expressions:
        raise AdqlError("SELECT needs a column", offset_of(node))
    outputs: list[OutputColumn] = []
    for item in node.expressions:
        for column in _expand_star(item, scope):
            mention = Mention(column.name, column.text, item)
            alias = f"c{len(outputs) + 1}"
            scope.context.expand(column.weight, item)
            outputs.append(OutputColumn(column.name, alias, column.value, (mention,), column.weight))
        if not _is_star(item):
            outputs.append(_translate_output(item, scope, outputs))
    return tuple(outputs)


def _translate_output(item: exp.Expr, scope: Scope, before: Sequence[OutputColumn]) -> OutputColumn:
    """A column of the answer, called by its alias, as the column or function that it is, or by a number."""
    start, expanded = len(scope.mentions), scope.context.expanded
    is_named = isinstance(item, exp.Alias)
    shown = _translate_value(item.this if is_named else item, scope)
    position = len(before) + 1
    name = require_identifier(item.args["alias"]).name if is_named else shown.name or f"expr_{position}"
    weight = scope.context.expanded - expanded + (0 if shown.column is not None else piece_count(shown.text))
    return OutputColumn(name, f"c{position}", shown, tuple(scope.mentions[start:]), weight)


def _is_star(item: exp.Expr) -> bool:
    return isinstance(item, exp.Star) or (isinstance(item, exp.Column) and isinstance(item.this, exp.Star))


def _expand_star(item: exp.Expr, scope: Scope) -> Sequence[Column]:
    """What `*` or `g.*` means; nothing for anything else."""
    if isinstance(item, exp.Star):
        return scope.columns
    if not isinstance(item, exp.Column) or not _is_star(item):
        return ()
    source = scope.resolve_qualifier(item)
    if source is None:
        raise AdqlError(f"no table {item.args['table'].name!r} in FROM", offset_of(item))
    return source.columns


def _translate_value(node: exp.Expr, scope: Scope) -> Value:
    shown = translate_expression(node, scope)
    if shown.kind is Kind.NULL and not scope.is_operand:
        return NULL_TEXT
    return shown
