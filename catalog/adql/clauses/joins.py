"""Joins: of two tables, with the columns that they share named once."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import LiteralString

from psycopg import sql
from sqlglot import exp

from catalog.adql.errors import AdqlError
from catalog.adql.functions.vectors import searched_source
from catalog.adql.glue import glue, listed, size_of
from catalog.adql.grammar.dialect import COMMA
from catalog.adql.grammar.tree import offset_of
from catalog.adql.lookup import one_of
from catalog.adql.names import by_name, identifier, suggestion
from catalog.adql.scope import Scope
from catalog.adql.sources import Source
from catalog.adql.value import Column
from catalog.adql.values.casts import check_kinds
from catalog.adql.values.conditions import condition, conjuncts
from catalog.adql.values.expressions import value

Parts = tuple[LiteralString | sql.Composable | Source, ...]

_WORDS: dict[str, LiteralString] = {"LEFT": " LEFT JOIN ", "RIGHT": " RIGHT JOIN ", "FULL": " FULL JOIN "}


@dataclass(frozen=True, eq=False)
class Joined:
    """One or more tables side by side.

    Attributes:
        parts: Their SQL; a source stands for itself, as something may still be added to it.
        sources: They themselves.
        columns: What `*` means, and what names without a qualifier mean.
    """

    parts: Parts
    sources: tuple[Source, ...]
    columns: tuple[Column, ...]


def is_comma(join: exp.Join) -> bool:
    """Whether two tables stand side by side, with a comma between them."""
    return join.args.get("kind") == COMMA


def join_to(left: Joined, right: Joined, join: exp.Join, scope: Scope) -> Joined:
    """A join by ON, USING, NATURAL or CROSS; only what it joins can be named in its condition.

    Raises:
        AdqlError: It lacks its condition, or names what is not on both sides.
    """
    method, side, kind = (str(join.args.get(arg) or "").upper() for arg in ("method", "side", "kind"))
    on, using = join.args.get("on"), join.args.get("using") or ()
    place = offset_of(join)
    if kind == "CROSS":
        if on is not None or using or side or method:
            raise AdqlError("a CROSS JOIN has no condition", place)
        parts: Parts = (*left.parts, " CROSS JOIN ", *right.parts)
        return Joined(parts, (*left.sources, *right.sources), (*left.columns, *right.columns))
    if kind == "OUTER" and not side:
        raise AdqlError("OUTER needs LEFT, RIGHT or FULL", place)
    if method and (on is not None or using):
        raise AdqlError("a NATURAL JOIN has no condition of its own", place)
    if not method and on is None and not using:
        raise AdqlError("a join needs ON, USING, NATURAL or CROSS", place)
    if on is not None:
        columns: tuple[Column, ...] = (*left.columns, *right.columns)
        here = Scope(scope.context, scope.parent, scope.tables, [*left.sources, *right.sources], [*columns])
        if side == "FULL" and not all(_is_equality(part, left, right, scope) for part in conjuncts(on)):
            raise AdqlError("a FULL JOIN needs conditions of the form left = right", offset_of(on))
        on_text = condition(on, here)
        scope.reaches_out |= here.reaches_out
    else:
        pairs = _common(left, right, join) if method else _named(left, right, using)
        columns = _merged(left, right, pairs, side)
        _check_pairs(pairs, using, place)
        on_text = listed((glue(a.text, " = ", b.text) for a, b in pairs), " AND ")
    parts = ("(", *left.parts, _WORDS.get(side, " JOIN "), *right.parts, " ON ", on_text, ")")
    return Joined(parts, (*left.sources, *right.sources), columns)


def _is_equality(part: exp.Expr, left: Joined, right: Joined, scope: Scope) -> bool:
    """Whether something of one side must equal something of the other: Postgres knows no other FULL JOIN."""
    for sides in ((left, right), (right, left)):
        scopes = [
            Scope(scope.context, tables=scope.tables, sources=[*side.sources], columns=[*side.columns])
            for side in sides
        ]
        with suppress(AdqlError):
            if isinstance(part, exp.EQ) and value(part.this, scopes[0]) and value(part.expression, scopes[1]):
                return all(one.mentions for one in scopes)
    return False


def _common(left: Joined, right: Joined, join: exp.Join) -> list[tuple[Column, Column]]:
    """The columns that both sides have: what NATURAL means."""
    pairs = []
    ours, theirs = by_name(left.columns), by_name(right.columns)
    for column in left.columns:
        name = exp.Identifier(this=column.name, quoted=True)
        other = one_of(name, theirs, join)
        if other is not None:
            one_of(name, ours, join)
            pairs.append((column, other))
    if not pairs:
        raise AdqlError("a NATURAL JOIN of tables that have no column in common", offset_of(join))
    return pairs


def _named(left: Joined, right: Joined, using: Sequence[exp.Expr]) -> list[tuple[Column, Column]]:
    """The columns that USING names."""
    pairs = []
    named = by_name(left.columns), by_name(right.columns)
    for node in using:
        name = identifier(node)
        sides = [one_of(name, columns, node) for columns in named]
        for side, column in zip((left, right), sides, strict=True):
            if column is None:
                known = [known.name for known in side.columns]
                raise AdqlError(
                    f"no column {name.name!r} on both sides of the join{suggestion(name.name, known)}",
                    offset_of(node),
                )
        pairs.append((sides[0], sides[1]))
    return [(a, b) for a, b in pairs if a is not None and b is not None]


def _check_pairs(
    pairs: Sequence[tuple[Column, Column]], using: Sequence[exp.Expr], place: int | None
) -> None:
    """What is of one name must be of one kind too."""
    places = [offset_of(node) for node in using] or [place] * len(pairs)
    for (a, b), where in zip(pairs, places, strict=True):
        one, other = a.value, b.value
        if (one.kind, one.meta.datatype) == (other.kind, other.meta.datatype):
            continue
        try:
            check_kinds(one, other, where)
        except AdqlError as error:
            raise AdqlError(f"column {a.name!r}: {error.reason}", where) from error


def _merged(
    left: Joined, right: Joined, pairs: Sequence[tuple[Column, Column]], side: str
) -> tuple[Column, ...]:
    """Columns that both sides share stand first, and once: equal ones as those of galaxies."""
    ours, theirs = {id(a) for a, _ in pairs}, {id(b) for _, b in pairs}
    shared = []
    for a, b in pairs:
        if side == "FULL":
            both = glue("COALESCE(", a.text, ", ", b.text, ")")
            shared.append(replace(a, source=None, made_of=both, weight=a.weight + b.weight + size_of(both)))
        else:
            is_right = side == "RIGHT" or (not side and searched_source(b.value) is not None)
            shared.append(replace(b, name=a.name) if is_right else a)
    rest_left = [column for column in left.columns if id(column) not in ours]
    rest_right = [column for column in right.columns if id(column) not in theirs]
    return (*shared, *rest_left, *rest_right)
