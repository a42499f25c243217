"""CASE: conditions, or comparisons with one operand."""

from typing import LiteralString

from psycopg import sql
from sqlglot import exp

from catalog.adql.emitter import emit
from catalog.adql.functions.choices import common_value
from catalog.adql.grammar.tree import offset_of
from catalog.adql.scope import Scope
from catalog.adql.value import Value, make_value
from catalog.adql.values.comparisons import emit_comparison
from catalog.adql.values.kinds import check_kinds, fit_constant


def translate_case(node: exp.Expr, scope: Scope) -> Value:
    """Translate both forms of CASE: a value before the first WHEN is compared with what follows each WHEN."""
    translate = scope.context.translator.translate_expression
    before = scope.context.expanded
    operand = None if node.this is None else translate(node.this, scope)
    is_once = operand is not None and not (operand.is_repeatable and scope.context.expanded == before)
    parts: list[LiteralString | sql.Composable] = ["(CASE"]
    if operand is not None and is_once:
        parts += [" ", operand.text]
    results = []
    for branch in node.args["ifs"]:
        if operand is None:
            met = scope.context.translator.translate_condition(branch.this, scope)
        else:
            other = translate(branch.this, scope)
            offset = offset_of(branch)
            met = (
                _emit_when(operand, other, scope, offset)
                if is_once
                else emit_comparison(exp.EQ, operand, other, scope, offset)
            )
        results.append(translate(branch.args["true"], scope))
        parts += [" WHEN ", met, " THEN ", results[-1].text]
    if node.args.get("default") is not None:
        results.append(translate(node.args["default"], scope))
        parts += [" ELSE ", results[-1].text]
    shared = common_value(results, "CASE", offset_of(node))
    return make_value(emit(*parts, " END)"), shared.kind, shared.meta.unit, shared.meta.datatype)


def _emit_when(operand: Value, other: Value, scope: Scope, offset: int | None) -> sql.Composed:
    """What stands after WHEN where the operand stands once, after CASE."""
    suited = fit_constant(other, operand, scope, offset)
    check_kinds(operand, suited, offset)
    return suited.text
