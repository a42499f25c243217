"""FROM: tables, sub-queries and joins, and what can be named after them."""

from collections.abc import Sequence
from dataclasses import replace

from psycopg import sql
from sqlglot import exp

from catalog.adql.clauses.joins import FromParts, JoinedTables, is_comma, translate_join
from catalog.adql.emitter import emit
from catalog.adql.errors import AdqlError
from catalog.adql.grammar.tree import offset_of
from catalog.adql.limits import MAX_JOINS, MAX_TABLES
from catalog.adql.lookup import matches_schema
from catalog.adql.names import dotted_name, matches_name, require_identifier, suggest_name
from catalog.adql.published import PublishedTable
from catalog.adql.relations import Source, TranslatedQuery
from catalog.adql.scope import Scope
from catalog.adql.value import Column


def emit_from(parts: FromParts) -> sql.Composed:
    """Emit what stands after FROM, once the whole query is translated and the computed columns are known."""
    return emit(*(part.emit() if isinstance(part, Source) else part for part in parts))


def translate_from(node: exp.Select, scope: Scope) -> FromParts:
    """Translate FROM; the scope then knows what can be named.

    Raises:
        AdqlError: A table is not published, or a join is not complete.
    """
    start = node.args.get("from_")
    if start is None:
        raise AdqlError("a query needs a FROM", offset_of(node))
    groups = [_translate_joined(start.this, scope)]
    for join in node.args.get("joins") or ():
        if is_comma(join):
            groups.append(_translate_joined(join.this, scope))
        else:
            groups[-1] = translate_join(groups[-1], _translate_joined(join.this, scope), join, scope)
    scope.sources = [source for group in groups for source in group.sources]
    scope.columns = [column for group in groups for column in group.columns]
    if len(scope.sources) > MAX_JOINS + 1:
        raise AdqlError(
            f"{len(scope.sources)} tables are joined; {MAX_JOINS + 1} are the most", offset_of(node)
        )
    _check_names(scope.sources, node)
    parts = groups[0].parts
    for group in groups[1:]:
        parts = (*parts, ", ", *group.parts)
    return parts


def _translate_joined(node: exp.Expr, scope: Scope) -> JoinedTables:
    """A table, a sub-query or a join in brackets, with the joins that sqlglot hangs on it."""
    joined = _translate_item(node, scope)
    for join in node.args.get("joins") or ():
        if is_comma(join):
            raise AdqlError("a join needs ON, USING, NATURAL or CROSS", offset_of(join))
        joined = translate_join(joined, _translate_joined(join.this, scope), join, scope)
    return joined


def _translate_item(node: exp.Expr, scope: Scope) -> JoinedTables:
    if isinstance(node, exp.Table):
        source = _translate_table(node, scope)
    elif isinstance(node, exp.Subquery) and isinstance(node.this, exp.Query):
        source = _translate_sub_query(node, scope)
    elif isinstance(node, exp.Subquery) and not node.args.get("alias"):
        inner = _translate_joined(node.this, scope)
        return replace(inner, parts=("(", *inner.parts, ")"))
    else:
        raise AdqlError("a table, a sub-query or a join is expected in FROM", offset_of(node))
    return JoinedTables((source,), (source,), source.columns)


def _read_alias(node: exp.Expr) -> exp.Identifier | None:
    alias = node.args.get("alias")
    if alias is None:
        return None
    if alias.args.get("columns"):
        raise AdqlError("ADQL names no columns after a table's alias", offset_of(alias))
    return require_identifier(alias.this)


def _translate_table(node: exp.Table, scope: Scope) -> Source:
    if not isinstance(node.this, exp.Identifier):
        raise AdqlError("FROM takes tables and sub-queries, no functions", offset_of(node))
    alias = _read_alias(node)
    if node.args.get("db") is None:
        for name, answer, stored in scope.tables:
            if matches_table(node.this, name):
                scope.context.results_named += 1
                return _make_source(answer, alias or name, emit(sql.Identifier(stored)), scope)
    table = resolve_table(node, scope)
    scope.context.tables += 1
    if scope.context.tables > MAX_TABLES:
        raise AdqlError(f"the query names more than {MAX_TABLES} tables", offset_of(node))
    number = scope.context.make_alias("t")
    source = Source(
        number, alias or exp.Identifier(this=table.name), "" if alias else table.schema, (), table
    )
    source.columns = tuple(
        Column(column.meta.name, column.meta, column.stored_as, number, source) for column in table.columns
    )
    return source


def matches_table(written: exp.Identifier, name: exp.Identifier) -> bool:
    """Tell whether a name in FROM means a result of WITH."""
    return matches_name(written, name.name) if not name.args.get("quoted") else written.name == name.name


def resolve_table(node: exp.Table, scope: Scope) -> PublishedTable:
    """Find the published table that a name means."""
    name, schema = require_identifier(node.this), node.args.get("db")
    tables = scope.context.published.tables
    offset = offset_of(node)
    if node.args.get("catalog") is not None:
        raise AdqlError(f"{dotted_name(node.parts)!r} has too many parts: write schema.table", offset)
    found = [
        table
        for table in tables
        if _matches_published(name, table)
        and (schema is None or matches_schema(require_identifier(schema), table.schema))
    ]
    if len(found) == 1:
        return found[0]
    if found:
        choice = " or ".join(f"{table.schema}.{table.name}" for table in found)
        raise AdqlError(f"{name.name!r} is more than one table: write {choice}", offset)
    written = dotted_name(part for part in node.parts)
    known = [f"{table.schema}.{table.name}" for table in tables]
    known += [alias.name for alias, _, _ in scope.tables]
    near = suggest_name(written, known if schema is not None else [*known, *(t.name for t in tables)])
    raise AdqlError(f"no table {written!r}{near}", offset)


def _matches_published(name: exp.Identifier, table: PublishedTable) -> bool:
    return matches_name(name, table.name) or (table.is_upload and name.name.lower() == table.name.lower())


def _translate_sub_query(node: exp.Subquery, scope: Scope) -> Source:
    inner = Scope(scope.context, scope.parent, scope.tables)
    answer = scope.context.translator.translate_query(node.this, inner)
    if inner.reaches_out:
        scope.reaches_out = True
    alias = _read_alias(node)
    if alias is None:
        raise AdqlError("a sub-query in FROM needs a name: (SELECT ...) AS name", offset_of(node))
    return _make_source(answer, alias, emit("(", answer.text, ")"), scope)


def _make_source(answer: TranslatedQuery, name: exp.Identifier, text: sql.Composed, scope: Scope) -> Source:
    """A sub-query's or a named result's columns."""
    number = scope.context.make_alias("t")
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
