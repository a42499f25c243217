"""SELECT, and what its columns are called."""

from collections.abc import Sequence
from dataclasses import replace

from psycopg import sql
from sqlglot import exp

from catalog.adql.clauses.from_clause import from_clause, in_sql
from catalog.adql.clauses.grouping import Keys, grouping
from catalog.adql.clauses.similarity import searched
from catalog.adql.clauses.sorting import at_most, limited, order_keys, whole_number
from catalog.adql.errors import AdqlError
from catalog.adql.glue import glue, listed, size_of
from catalog.adql.grammar.tree import offset_of
from catalog.adql.limits import COLUMNS
from catalog.adql.names import identifier
from catalog.adql.scope import Scope
from catalog.adql.sources import Answer, Mention, Output
from catalog.adql.value import NULL_TEXT, Column, Kind, Value
from catalog.adql.values.conditions import condition
from catalog.adql.values.expressions import value


def select(node: exp.Select, scope: Scope, most: int | None = None) -> Answer:
    """A SELECT made ready; of more than `most` rows it gives only so many."""
    parts = from_clause(node, scope)
    outputs = _outputs(node, scope)
    if len(outputs) > COLUMNS:
        raise AdqlError(f"the answer has {len(outputs)} columns; {COLUMNS} are the most", offset_of(node))
    top = _top(node)
    where = _where(node, scope, outputs, at_most(top, most))
    scope.outputs = outputs
    ending, keys = grouping(node, scope)
    if node.args.get("order") is not None:
        ending = glue(ending, _sorting(node, scope, keys))
    shown = listed(glue(output.value.text, " AS ", sql.Identifier(output.alias)) for output in outputs)
    distinct = glue("DISTINCT ") if node.args.get("distinct") else glue("")
    text = glue("SELECT ", distinct, shown, " FROM ", in_sql(parts), where, ending)
    return Answer(glue(text, limited(at_most(top, most), node, scope)), outputs, top)


def _top(node: exp.Select) -> int | None:
    limit = node.args.get("limit")
    return None if limit is None else whole_number(limit.expression, "TOP")


def _where(node: exp.Select, scope: Scope, outputs: tuple[Output, ...], top: int | None) -> sql.Composed:
    where = node.args.get("where")
    if node.args.get("limit") is not None:
        found = searched(node, replace(scope, outputs=outputs), top)
        if found is not None:
            return glue(" WHERE ", found)
    return glue("") if where is None else glue(" WHERE ", _without_aggregates(where.this, scope))


def _without_aggregates(node: exp.Expr, scope: Scope) -> sql.Composed:
    before = scope.aggregates
    text = condition(node, scope)
    if scope.aggregates > before:
        raise AdqlError(
            "COUNT, SUM and the like stand in SELECT, HAVING and ORDER BY, not in WHERE", offset_of(node)
        )
    return text


def _sorting(node: exp.Select, scope: Scope, keys: Keys | None) -> sql.Composed:
    sorted_by = order_keys(node.args["order"], scope)
    shown = [output.value.text for output in scope.outputs]
    for key in sorted_by:
        if keys is not None:
            keys.check(key.text, key.mentions)
        if node.args.get("distinct") and not key.is_place and key.text not in shown:
            raise AdqlError("DISTINCT is sorted by columns of the answer only", offset_of(key.node))
    return glue(" ORDER BY ", listed(key.directed for key in sorted_by))


def _outputs(node: exp.Select, scope: Scope) -> tuple[Output, ...]:
    if not node.expressions:
        raise AdqlError("SELECT needs a column", offset_of(node))
    outputs: list[Output] = []
    for item in node.expressions:
        for column in _all_of(item, scope):
            mention = Mention(column.name, column.text, item)
            alias = f"c{len(outputs) + 1}"
            scope.context.expand(column.weight, item)
            outputs.append(Output(column.name, alias, column.value, (mention,), column.weight))
        if not _is_star(item):
            outputs.append(_output(item, scope, outputs))
    return tuple(outputs)


def _output(item: exp.Expr, scope: Scope, before: Sequence[Output]) -> Output:
    """A column of the answer, called by its alias, as the column or function that it is, or by a number."""
    start, expanded = len(scope.mentions), scope.context.expanded
    is_named = isinstance(item, exp.Alias)
    shown = _shown(item.this if is_named else item, scope)
    place = len(before) + 1
    name = identifier(item.args["alias"]).name if is_named else shown.name or f"expr_{place}"
    weight = scope.context.expanded - expanded + (0 if shown.column is not None else size_of(shown.text))
    return Output(name, f"c{place}", shown, tuple(scope.mentions[start:]), weight)


def _is_star(item: exp.Expr) -> bool:
    return isinstance(item, exp.Star) or (isinstance(item, exp.Column) and isinstance(item.this, exp.Star))


def _all_of(item: exp.Expr, scope: Scope) -> Sequence[Column]:
    """What `*` or `g.*` means; nothing for anything else."""
    if isinstance(item, exp.Star):
        return scope.columns
    if not isinstance(item, exp.Column) or not _is_star(item):
        return ()
    source = scope.source_of(item)
    if source is None:
        raise AdqlError(f"no table {item.args['table'].name!r} in FROM", offset_of(item))
    return source.columns


def _shown(node: exp.Expr, scope: Scope) -> Value:
    shown = value(node, scope)
    if shown.kind is Kind.NULL and not scope.is_operand:
        return NULL_TEXT
    return shown
