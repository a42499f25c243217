"""What was perhaps meant by the name of a column that is not there."""

from collections.abc import Iterable

from sqlglot import exp

from catalog.adql.names import suggestion
from catalog.adql.published import Published


def of_column(name: exp.Identifier, known: Iterable[str], published: Published) -> str:
    """What to add to the error of an unknown column: a near name, the table that has it, or how to quote."""
    near = suggestion(name.name, known)
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
