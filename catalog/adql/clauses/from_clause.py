"""FROM: tables, sub-queries and joins, and what can be named after them."""

from collections.abc import Sequence
from dataclasses import replace

from psycopg import sql
from sqlglot import exp

from catalog.adql.clauses.joins import Joined, Parts, is_comma, join_to
from catalog.adql.errors import AdqlError
from catalog.adql.glue import glue
from catalog.adql.grammar.tree import offset_of
from catalog.adql.limits import JOINS, TABLES
from catalog.adql.lookup import matches_schema
from catalog.adql.names import identifier, matches, spelt, suggestion
from catalog.adql.published import PublishedTable
from catalog.adql.scope import Scope
from catalog.adql.sources import Answer, Source
from catalog.adql.value import Column


def in_sql(parts: Parts) -> sql.Composed:
    """The SQL after FROM, once all of the query is known that names it."""
    return glue(*(part.in_from() if isinstance(part, Source) else part for part in parts))


def from_clause(node: exp.Select, scope: Scope) -> Parts:
    """What stands after FROM; the scope then knows what can be named.

    Raises:
        AdqlError: A table is not published, or a join is not complete.
    """
    start = node.args.get("from_")
    if start is None:
        raise AdqlError("a query needs a FROM", offset_of(node))
    groups = [_with_joins(start.this, scope)]
    for join in node.args.get("joins") or ():
        if is_comma(join):
            groups.append(_with_joins(join.this, scope))
        else:
            groups[-1] = join_to(groups[-1], _with_joins(join.this, scope), join, scope)
    scope.sources = [source for group in groups for source in group.sources]
    scope.columns = [column for group in groups for column in group.columns]
    if len(scope.sources) > JOINS + 1:
        raise AdqlError(f"{len(scope.sources)} tables are joined; {JOINS + 1} are the most", offset_of(node))
    _check_names(scope.sources, node)
    parts = groups[0].parts
    for group in groups[1:]:
        parts = (*parts, ", ", *group.parts)
    return parts


def _with_joins(node: exp.Expr, scope: Scope) -> Joined:
    """A table, a sub-query or a join in brackets, with the joins that sqlglot hangs on it."""
    joined = _one(node, scope)
    for join in node.args.get("joins") or ():
        if is_comma(join):
            raise AdqlError("a join needs ON, USING, NATURAL or CROSS", offset_of(join))
        joined = join_to(joined, _with_joins(join.this, scope), join, scope)
    return joined


def _one(node: exp.Expr, scope: Scope) -> Joined:
    if isinstance(node, exp.Table):
        source = _table(node, scope)
    elif isinstance(node, exp.Subquery) and isinstance(node.this, exp.Query):
        source = _sub_query(node, scope)
    elif isinstance(node, exp.Subquery) and not node.args.get("alias"):
        inner = _with_joins(node.this, scope)
        return replace(inner, parts=("(", *inner.parts, ")"))
    else:
        raise AdqlError("a table, a sub-query or a join is expected in FROM", offset_of(node))
    return Joined((source,), (source,), source.columns)


def _alias(node: exp.Expr) -> exp.Identifier | None:
    alias = node.args.get("alias")
    if alias is None:
        return None
    if alias.args.get("columns"):
        raise AdqlError("ADQL names no columns after a table's alias", offset_of(alias))
    return identifier(alias.this)


def _table(node: exp.Table, scope: Scope) -> Source:
    if not isinstance(node.this, exp.Identifier):
        raise AdqlError("FROM takes tables and sub-queries, no functions", offset_of(node))
    alias = _alias(node)
    if node.args.get("db") is None:
        for name, answer, stored in scope.tables:
            if matches_table(node.this, name):
                scope.context.results_named += 1
                return _result(answer, alias or name, glue(sql.Identifier(stored)), scope)
    table = published_table(node, scope)
    scope.context.tables += 1
    if scope.context.tables > TABLES:
        raise AdqlError(f"the query names more than {TABLES} tables", offset_of(node))
    number = scope.context.fresh("t")
    source = Source(
        number, alias or exp.Identifier(this=table.name), "" if alias else table.schema, (), table
    )
    source.columns = tuple(
        Column(column.meta.name, column.meta, column.stored_as, number, source) for column in table.columns
    )
    return source


def matches_table(written: exp.Identifier, name: exp.Identifier) -> bool:
    """Whether a name in FROM means a result named by WITH."""
    return matches(written, name.name) if not name.args.get("quoted") else written.name == name.name


def published_table(node: exp.Table, scope: Scope) -> PublishedTable:
    """The published table that a name means."""
    name, schema = identifier(node.this), node.args.get("db")
    tables = scope.context.published.tables
    place = offset_of(node)
    if node.args.get("catalog") is not None:
        raise AdqlError(f"{spelt(node.parts)!r} has too many parts: write schema.table", place)
    found = [
        table
        for table in tables
        if _is_called(name, table) and (schema is None or matches_schema(identifier(schema), table.schema))
    ]
    if len(found) == 1:
        return found[0]
    if found:
        choice = " or ".join(f"{table.schema}.{table.name}" for table in found)
        raise AdqlError(f"{name.name!r} is more than one table: write {choice}", place)
    written = spelt(part for part in node.parts)
    known = [f"{table.schema}.{table.name}" for table in tables]
    known += [alias.name for alias, _, _ in scope.tables]
    near = suggestion(written, known if schema is not None else [*known, *(t.name for t in tables)])
    raise AdqlError(f"no table {written!r}{near}", place)


def _is_called(name: exp.Identifier, table: PublishedTable) -> bool:
    return matches(name, table.name) or (table.is_upload and name.name.lower() == table.name.lower())


def _sub_query(node: exp.Subquery, scope: Scope) -> Source:
    inner = Scope(scope.context, scope.parent, scope.tables)
    answer = scope.context.answer(node.this, inner)
    if inner.reaches_out:
        scope.reaches_out = True
    alias = _alias(node)
    if alias is None:
        raise AdqlError("a sub-query in FROM needs a name: (SELECT ...) AS name", offset_of(node))
    return _result(answer, alias, glue("(", answer.text, ")"), scope)


def _result(answer: Answer, name: exp.Identifier, text: sql.Composed, scope: Scope) -> Source:
    """A sub-query's or a named result's columns."""
    number = scope.context.fresh("t")
    source = Source(number, name, "", (), text=text)
    source.columns = tuple(
        Column(
            output.name,
            replace(output.value.meta, name=output.name),
            output.alias,
            number,
            source,
            weight=output.weight,
        )
        for output in answer.outputs
    )
    return source


def _check_names(sources: Sequence[Source], node: exp.Expr) -> None:
    """Two tables of one name cannot be told apart."""
    seen: set[tuple[str, str]] = set()
    for source in sources:
        if source.name is None:
            continue
        key = (source.schema.lower(), source.name.name.lower())
        if key in seen:
            raise AdqlError(
                f"{source.name.name!r} stands twice in FROM: give each an alias",
                offset_of(node.args["from_"]),
            )
        seen.add(key)
