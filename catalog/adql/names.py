"""Names as ADQL compares them: in any case without quotes, exactly in double quotes."""

from collections.abc import Iterable
from difflib import get_close_matches

from sqlglot import exp

from catalog.adql.errors import AdqlError
from catalog.adql.grammar.tree import offset_of
from catalog.adql.value import Column

ColumnsByName = dict[str, list[Column]]


def require_identifier(node: object) -> exp.Identifier:
    """The identifier at a node of the tree; anything else there is an error."""
    if isinstance(node, exp.Identifier):
        return node
    offset = offset_of(node) if isinstance(node, exp.Expr) else None
    raise AdqlError("a name is expected here", offset)


def matches_name(written: exp.Identifier, stored: str) -> bool:
    """Tell whether a name of the query means a stored one."""
    if written.args.get("quoted"):
        return written.name == stored
    return written.name.lower() == stored.lower()


def dotted_name(parts: Iterable[exp.Expr]) -> str:
    """A name with its qualifiers, as the query writes it."""
    return ".".join(part.name for part in parts)


def index_by_name(columns: Iterable[Column]) -> ColumnsByName:
    """Group columns by their names in small letters."""
    named: dict[str, list[Column]] = {}
    for column in columns:
        named.setdefault(column.name.lower(), []).append(column)
    return named


def suggest_name(wrong: str, known: Iterable[str]) -> str:
    """Suggest a known name: `; did you mean mag_r?`, or an empty text where none is near."""
    by_lower = {name.lower(): name for name in known}
    near = get_close_matches(wrong.lower(), by_lower, n=1, cutoff=0.6)
    if not near:
        return ""
    found = by_lower[near[0]]
    return f'; did you mean "{found}"?' if found.lower() == wrong.lower() else f"; did you mean {found}?"
