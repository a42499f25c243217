"""How many rows: TOP, OFFSET, and the most that the service gives."""

from psycopg import sql
from sqlglot import exp

from catalog.adql.errors import AdqlError
from catalog.adql.glue import glue
from catalog.adql.grammar.tree import offset_of
from catalog.adql.scope import Scope
from catalog.adql.values.numbers import literal_value


def at_most(top: int | None, most: int | None) -> int | None:
    """How many rows the SQL gives; one more than `most` tells that there are more."""
    if most is None:
        return top
    return most + 1 if top is None else min(top, most + 1)


def limited(top: int | None, node: exp.Expr, scope: Scope) -> sql.Composed:
    """LIMIT and OFFSET."""
    bind = scope.context.parameters.bind
    text = glue("") if top is None else glue(" LIMIT ", bind(top, "bigint"))
    offset = node.args.get("offset")
    if offset is None:
        return text
    return glue(text, " OFFSET ", bind(whole_number(offset.expression, "OFFSET"), "bigint"))


def whole_number(node: exp.Expr, word: str) -> int:
    """The number after TOP or OFFSET."""
    number = literal_value(node)
    if not isinstance(number, int) or number < 0:
        raise AdqlError(f"{word} takes a whole number", offset_of(node))
    return number
