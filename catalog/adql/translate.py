"""The way in: translates a query from ADQL 2.1 to Postgres' SQL, of published tables only."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from psycopg import sql
from sqlglot import exp

from catalog.adql.clauses.queries import translate_query
from catalog.adql.clauses.row_limit import RowBounds
from catalog.adql.emitter import count_pieces
from catalog.adql.errors import AdqlError
from catalog.adql.grammar.parse import parse
from catalog.adql.published import Published
from catalog.adql.relations import OutputColumn, TranslatedQuery
from catalog.adql.scope import Context, Scope
from catalog.adql.translation import SimilaritySearch, Translation
from catalog.adql.value import Value
from catalog.adql.values.conditions import translate_condition
from catalog.adql.values.expressions import translate_expression
from catalog.columns import ColumnMeta

LANGUAGES = ("ADQL", "ADQL-2.0", "ADQL-2.1")
"""The first is the usual one."""


def translate(
    text: str,
    published: Published,
    max_rows: int | None = None,
    language: str = "ADQL",
    default_rows: int | None = None,
) -> Translation:
    """Translate a query to SQL.

    Args:
        text: One query in ADQL 2.1, of which ADQL 2.0 is a part.
        published: The tables and columns that the query may name.
        max_rows: Rows that are shown at most, whatever the query's TOP; None shows all. The SQL gives one row
            more where there are more.
        language: ADQL, ADQL-2.0 or ADQL-2.1, in any case.
        default_rows: Rows that are shown at most where the query names no TOP; `max_rows` where this is None.

    Raises:
        AdqlError: The query is no ADQL, names what is not published, or is too large; with line and column
            wherever it has a place.
    """
    if language.upper() not in LANGUAGES:
        raise AdqlError(f"language {language!r} is none of {', '.join(LANGUAGES)}")
    bounds = None
    if max_rows is not None:
        bounds = RowBounds(max_rows if default_rows is None else min(default_rows, max_rows), max_rows)
        if bounds.default < 0:
            raise AdqlError(f"{bounds.default} rows cannot be given")
    try:
        return _translate(text, published, bounds)
    except AdqlError as error:
        raise error.with_position(text) from error
    except RecursionError as error:  # the caller left too few frames
        raise AdqlError("the query is nested too deep") from error


class _Translator:
    """The one implementation of `Translator`: each part of ADQL goes to the module that translates it."""

    def translate_query(self, node: exp.Query, scope: Scope) -> TranslatedQuery:
        return translate_query(node, scope)

    def translate_condition(self, node: exp.Expr, scope: Scope) -> sql.Composed:
        return translate_condition(node, scope)

    def translate_expression(self, node: exp.Expr, scope: Scope) -> Value:
        return translate_expression(node, scope)


def _translate(text: str, published: Published, bounds: RowBounds | None) -> Translation:
    tree = parse(text)
    context = Context(published, _Translator())
    with count_pieces():
        made = translate_query(tree, Scope(context), bounds)
    return Translation(
        query=made.text,
        parameters=context.parameters.select_used([made.text, *_list_search_parts(context.searches)]),
        columns=_make_names_unique(made.outputs),
        searches=tuple(context.searches),
        limit=made.limit,
        max_rows=None if bounds is None else bounds.shown(made.limit),
    )


def _list_search_parts(searches: Sequence[SimilaritySearch]) -> Iterator[sql.Composable]:
    for one in searches:
        yield one.vector
        if one.condition is not None:
            yield one.condition


def _make_names_unique(outputs: Sequence[OutputColumn]) -> tuple[ColumnMeta, ...]:
    """The columns with a number behind names that are there twice: FITS and JSON need unique ones."""
    seen: Counter[str] = Counter()
    columns = []
    for output in outputs:
        name = output.name
        while seen[name]:
            name = f"{output.name}_{seen[output.name]}"
            seen[output.name] += 1
        seen[name] += 1
        columns.append(replace(output.value.meta, name=name))
    return tuple(columns)
