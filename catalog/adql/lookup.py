"""Name resolution: which of several columns, tables or schemas a name of the query means."""

from collections.abc import Iterable

from sqlglot import exp

from catalog.adql.errors import AdqlError
from catalog.adql.grammar.tree import offset_of
from catalog.adql.names import ColumnsByName, matches_name, suggest_name
from catalog.adql.published import Published
from catalog.adql.relations import Source
from catalog.adql.value import Column

_STANDARD = frozenset({"tap_schema", "tap_upload", "ivoa"})


def resolve_column(name: exp.Identifier, columns: ColumnsByName, node: exp.Expr) -> Column | None:
    """Find the column that a name means among some; None where it means none.

    Raises:
        AdqlError: The name is that of several columns.
    """
    found = columns.get(name.name.lower(), [])
    if name.args.get("quoted") or len(found) > 1:
        exact = [column for column in found if column.name == name.name]
        found = exact if name.args.get("quoted") or len(exact) == 1 else found
    if len(found) > 1:
        shown = [column.source.label for column in found if isinstance(column.source, Source)]
        raise AdqlError(
            f"{name.name!r} is a column of {' and of '.join(shown) or 'several tables'}: say which",
            offset_of(node),
        )
    return found[0] if found else None


def matches_source(written: exp.Identifier, name: exp.Identifier) -> bool:
    """Tell whether a qualifier means a table in FROM: quotes on either side make the comparison exact."""
    if written.args.get("quoted") or name.args.get("quoted"):
        return written.name == name.name
    return written.name.lower() == name.name.lower()


def matches_schema(written: exp.Identifier, stored: str) -> bool:
    """Tell whether a name means a schema; those of the standards match in any case, even in quotes."""
    return (
        written.name.lower() == stored.lower()
        if stored.lower() in _STANDARD
        else matches_name(written, stored)
    )


def hint_for_column(name: exp.Identifier, known: Iterable[str], published: Published) -> str:
    """Suggest what was meant by an unknown column: a near name, the table that has it, or how to quote."""
    near = suggest_name(name.name, known)
    if near:
        return near
    if name.args.get("quoted"):
        return "; texts stand in single quotes"
    having = [
        f"{table.schema}.{table.name}"
        for table in published.tables
        if any(column.meta.name.lower() == name.name.lower() for column in table.columns)
    ]
    return f"; {having[0]} has one" if len(having) == 1 else ""
