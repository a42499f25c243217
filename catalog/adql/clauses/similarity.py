"""SELECT TOP n ... ORDER BY morph_distance(object_id, one): catalog.search finds the galaxies beforehand."""

from dataclasses import replace

from psycopg import sql
from sqlglot import exp

from catalog.adql.clauses.joins import is_comma
from catalog.adql.clauses.row_limit import read_whole_number
from catalog.adql.clauses.sorting import translate_first_key
from catalog.adql.emitter import emit, emit_list
from catalog.adql.limits import MAX_SIMILAR
from catalog.adql.relations import Source
from catalog.adql.scope import Scope
from catalog.adql.translation import SimilaritySearch
from catalog.adql.value import Likeness
from catalog.adql.values.conditions import split_conjuncts, translate_condition
from catalog.adql.values.expressions import translate_expression

MORPH_DISTANCE = "morph_distance"
ConstantCone = tuple[float, float, float]


def translate_similarity(node: exp.Select, scope: Scope, top: int | None) -> sql.Composed | None:
    """Emit the condition in place of WHERE, if the query is such a search; None if all rows are to be sorted.

    It is one where the galaxies stand in FROM alone, or beside uploaded tables of one row, and where the
    conditions can be asked of the galaxies by themselves.
    """
    likeness = _find_likeness(node, scope)
    n = _count_wanted(node, top)
    if likeness is None or n is None or not isinstance(likeness.source, Source):
        return None
    context = scope.context
    if _has_nested_likeness(node.args.get("where")):
        return None
    before = len(context.searches), context.results_named
    counts = context.tables, context.expanded
    of_galaxies = _make_galaxy_scope(scope, likeness.source)
    cone, rest = _split_conditions(node, of_galaxies)
    is_alone = not (of_galaxies.reaches_out or of_galaxies.aggregates)
    if (len(context.searches), context.results_named) != before or not is_alone:
        del context.searches[before[0] :]
        context.tables, context.expanded = counts
        return None
    name = f"found{len(context.searches) + 1}"
    alias = likeness.source.alias
    context.searches.append(SimilaritySearch(name, alias, likeness.vector, n, cone, rest))
    return emit(sql.Identifier(alias, "object_id"), " = ANY (", sql.Placeholder(name), "::bigint[])")


def _find_likeness(node: exp.Select, scope: Scope) -> Likeness | None:
    order = node.args.get("order")
    is_plain = not (node.args.get("distinct") or node.args.get("group") or node.args.get("having"))
    if order is None or not is_plain or scope.aggregates:
        return None
    if _has_nested_likeness(order):
        return None
    key = translate_first_key(order, scope)
    if key is None or key.likeness is None or scope.aggregates or not _stands_alone(node):
        return None
    others = [source for source in scope.sources if source is not key.likeness.source]
    is_ours = len(others) < len(scope.sources) and all(source.is_one_row for source in others)
    return key.likeness if is_ours else None


def _has_nested_likeness(node: exp.Expr | None) -> bool:
    """Whether a sub-query may be such a search itself: each level would be translated twice."""
    queries = [] if node is None else node.find_all(exp.Query)
    return any(
        called.name.lower() == MORPH_DISTANCE for one in queries for called in one.find_all(exp.Anonymous)
    )


def _stands_alone(node: exp.Select) -> bool:
    """Whether all tables stand side by side, without a condition that joins them."""
    joins = node.args.get("joins") or []
    tables = [node.args["from_"].this, *(join.this for join in joins)]
    return all(isinstance(table, exp.Table) and not table.args.get("joins") for table in tables) and all(
        is_comma(join) or str(join.args.get("kind")).upper() == "CROSS" for join in joins
    )


def _count_wanted(node: exp.Select, top: int | None) -> int | None:
    """How many galaxies: those that OFFSET leaves out are found too."""
    if top is None:
        return None
    offset = node.args.get("offset")
    n = top + (0 if offset is None else read_whole_number(offset.expression, "OFFSET"))
    return n if 0 < n <= MAX_SIMILAR else None


def _split_conditions(node: exp.Select, scope: Scope) -> tuple[ConstantCone | None, sql.Composed | None]:
    """The first circle of constants around the galaxies, and all other conditions."""
    where = node.args.get("where")
    cone: ConstantCone | None = None
    rest = []
    for part in split_conjuncts(where.this) if where is not None else ():
        found = None if cone is not None else _find_cone(part, scope)
        if found is None:
            rest.append(translate_condition(part, scope))
        else:
            cone = found
    return cone, emit_list(rest, " AND ") if rest else None


def _find_cone(part: exp.Expr, scope: Scope) -> ConstantCone | None:
    if not isinstance(part, exp.EQ):
        return None
    left, right = translate_expression(part.this, scope), translate_expression(part.expression, scope)
    for one, other in ((left, right), (right, left)):
        if one.cone is not None and one.constant is None and other.constant == 1:
            return one.cone
    return None


def _make_galaxy_scope(scope: Scope, galaxies: Source) -> Scope:
    """The same names, but columns of tables of one row as sub-queries: only the galaxies are there."""
    inner = replace(scope, sources=[], columns=[], outputs=())
    for source in scope.sources:
        seen = source if source is galaxies else replace(source, columns=())
        if source is not galaxies:
            seen.columns = tuple(
                replace(
                    column,
                    source=seen,
                    merged_text=emit(
                        "(SELECT ", sql.Identifier(column.stored_as), " FROM ", source.relation, ")"
                    ),
                )
                for column in source.columns
            )
        inner.sources.append(seen)
        inner.columns.extend(seen.columns)
    return inner
