"""The allow-list of sqlglot's nodes: each kind of node, and what may be set on it; all else is refused."""

from collections.abc import Iterator

from sqlglot import Token, TokenType, exp

from catalog.adql.errors import AdqlError
from catalog.adql.grammar.keywords import LEAVES

_BINARY = frozenset({"this", "expression"})
_UNARY = frozenset({"this"})
_ALLOWED: dict[type[exp.Expr], frozenset[str]] = {
    exp.Select: frozenset(
        {"expressions", "distinct", "limit", "from_", "joins", "where", "group", "having", "order", "offset"}
        | {"with_"}
    ),
    exp.Union: frozenset({"this", "expression", "distinct", "order", "offset", "with_"}),
    exp.Except: frozenset({"this", "expression", "distinct", "order", "offset", "with_"}),
    exp.Intersect: frozenset({"this", "expression", "distinct", "order", "offset", "with_"}),
    exp.Subquery: frozenset({"this", "alias", "joins", "order", "offset", "with_"}),
    exp.With: frozenset({"expressions"}),
    exp.CTE: frozenset({"this", "alias"}),
    exp.TableAlias: frozenset({"this", "columns"}),
    exp.From: _UNARY,
    exp.Join: frozenset({"this", "on", "using", "method", "side", "kind"}),
    exp.Table: frozenset({"this", "db", "catalog", "alias", "joins"}),
    exp.Where: _UNARY,
    exp.Having: _UNARY,
    exp.Group: frozenset({"expressions"}),
    exp.Order: frozenset({"expressions"}),
    exp.Ordered: frozenset({"this", "desc"}),
    exp.Limit: frozenset({"expression"}),
    exp.Offset: frozenset({"expression"}),
    exp.Distinct: frozenset({"expressions"}),
    exp.Alias: frozenset({"this", "alias"}),
    exp.Column: frozenset({"this", "table", "db", "catalog"}),
    exp.Identifier: frozenset({"this", "quoted"}),
    exp.Star: frozenset(),
    exp.Literal: frozenset({"this", "is_string"}),
    exp.HexString: _UNARY,
    exp.Boolean: _UNARY,
    exp.Null: frozenset(),
    exp.Paren: _UNARY,
    exp.Neg: _UNARY,
    exp.Not: _UNARY,
    exp.And: _BINARY,
    exp.Or: _BINARY,
    exp.EQ: _BINARY,
    exp.NEQ: _BINARY,
    exp.GT: _BINARY,
    exp.GTE: _BINARY,
    exp.LT: _BINARY,
    exp.LTE: _BINARY,
    exp.Add: _BINARY,
    exp.Sub: _BINARY,
    exp.Mul: _BINARY,
    exp.Div: _BINARY,
    exp.DPipe: frozenset({"this", "expression", "safe"}),
    exp.Between: frozenset({"this", "low", "high"}),
    exp.In: frozenset({"this", "expressions", "query"}),
    exp.Like: frozenset({"this", "expression", "negate"}),
    exp.ILike: frozenset({"this", "expression", "negate"}),
    exp.Is: frozenset({"this", "expression", "negate"}),
    exp.Exists: _UNARY,
    exp.Case: frozenset({"this", "ifs", "default"}),
    exp.If: frozenset({"this", "true"}),
    exp.Cast: frozenset({"this", "to"}),
    exp.Tuple: frozenset({"expressions"}),
    exp.Anonymous: frozenset({"this", "expressions"}),
}
_SPOKEN_NAMES: dict[type[exp.Expr], str] = {
    exp.Star: "*",
    exp.Distinct: "DISTINCT",
    exp.Limit: "TOP",
    exp.CTE: "WITH",
    exp.Dot: "name",
}
_UNSET: tuple[object, ...] = (None, False, [], ())


def check_tree(tree: exp.Expr, tokens: list[Token]) -> None:
    """Refuse a tree with a node, or something set on a node, that is not on the list.

    A name or literal of the query that the tree does not hold is refused too: sqlglot reads some words of
    other dialects and forgets them.
    """
    held: set[int] = set()
    used_stars = 0
    stars = [token for token in tokens if token.token_type == TokenType.STAR]
    for node in tree.walk():
        allowed = _ALLOWED.get(type(node))
        if allowed is None or any(
            value not in _UNSET for name, value in node.args.items() if name not in allowed
        ):
            what = _SPOKEN_NAMES.get(type(node), type(node).__name__)
            raise AdqlError(f"ADQL knows no {what} of this form", offset_of(node))
        if "start" in node.meta:
            held.add(node.meta["start"])
        used_stars += isinstance(node, exp.Star | exp.Mul)
    for token in tokens:
        if token.token_type in LEAVES and token.start not in held:
            raise AdqlError(f"{token.text!r} has no meaning here", token.start)
    if len(stars) != used_stars:
        raise AdqlError("'*' has no meaning here", stars[-1].start)


def offset_of(node: exp.Expr | None) -> int | None:
    """Find where a node begins in the query's text, from 0; None where that is not known."""
    while node is not None:
        places = list(_list_offsets(node))
        if places:
            return min(places)
        node = node.parent
    return None


def _list_offsets(node: exp.Expr) -> Iterator[int]:
    for part in node.walk():
        if "start" in part.meta:
            yield part.meta["start"]
