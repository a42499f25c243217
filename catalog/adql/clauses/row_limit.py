"""TOP and OFFSET, and how many rows of the whole query are wanted where it names no TOP."""

from dataclasses import dataclass

from psycopg import sql
from sqlglot import exp

from catalog.adql.emitter import emit
from catalog.adql.errors import AdqlError
from catalog.adql.grammar.tree import offset_of
from catalog.adql.scope import Scope
from catalog.adql.values.literals import read_literal


@dataclass(frozen=True)
class RowBounds:
    """How many rows of a whole query are shown.

    Attributes:
        default: Rows at most where the query has no TOP.
        maximum: Rows at most whatever its TOP; not below `default`.
    """

    default: int
    maximum: int

    def shown(self, top: int | None) -> int:
        """Rows that are shown at most; the SQL may give one more, which tells that there are more."""
        return self.default if top is None or top <= self.default else min(top, self.maximum)


def row_limit(top: int | None, bounds: RowBounds | None) -> int | None:
    """How many rows the SQL gives at most: one more than `bounds` shows tells that there are more.

    Args:
        top: The number after TOP; None where there is none.
        bounds: How many rows the whole query may give; None for a sub-query, of which all rows are wanted.
    """
    if bounds is None:
        return top
    return bounds.default + 1 if top is None else min(top, bounds.maximum + 1)


def emit_limit(limit: int | None, node: exp.Expr, scope: Scope) -> sql.Composed:
    """LIMIT, where there is a limit, and the OFFSET that stands at a node of the query."""
    bind = scope.context.parameters.bind
    text = emit("") if limit is None else emit(" LIMIT ", bind(limit, "bigint"))
    offset = node.args.get("offset")
    if offset is None:
        return text
    return emit(text, " OFFSET ", bind(read_whole_number(offset.expression, "OFFSET"), "bigint"))


def read_whole_number(node: exp.Expr, word: str) -> int:
    """The number that stands after a word.

    Args:
        node: What stands after the word.
        word: The word before the number, TOP or OFFSET, for errors.

    Raises:
        AdqlError: It is no whole number from 0 on.
    """
    number = read_literal(node)
    if not isinstance(number, int) or number < 0:
        raise AdqlError(f"{word} takes a whole number", offset_of(node))
    return number
