"""Joins of two tables, with the columns that both share named once."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import LiteralString

from psycopg import sql
from sqlglot import exp

from catalog.adql.emitter import emit, emit_list, piece_count
from catalog.adql.errors import AdqlError
from catalog.adql.functions.morph_distance import find_galaxy_source
from catalog.adql.grammar.dialect import COMMA
from catalog.adql.grammar.tree import offset_of
from catalog.adql.lookup import resolve_column
from catalog.adql.names import index_by_name, require_identifier, suggest_name
from catalog.adql.relations import Source
from catalog.adql.scope import Scope
from catalog.adql.value import Column
from catalog.adql.values.conditions import split_conjuncts, translate_condition
from catalog.adql.values.expressions import translate_expression
from catalog.adql.values.kinds import check_kinds

FromParts = tuple[LiteralString | sql.Composable | Source, ...]

_WORDS: dict[str, LiteralString] = {"LEFT": " LEFT JOIN ", "RIGHT": " RIGHT JOIN ", "FULL": " FULL JOIN "}


@dataclass(frozen=True, eq=False)
class JoinedTables:
    """One or more tables side by side, as a join or FROM has them.

    Attributes:
        parts: The SQL of the tables and joins between them; a source stands for itself, since the query may
            still add computed columns to it.
        sources: The tables and sub-queries that are joined, in the order of the query.
        columns: The columns that `*` and names without a qualifier mean.
    """

    parts: FromParts
    sources: tuple[Source, ...]
    columns: tuple[Column, ...]


def is_comma(join: exp.Join) -> bool:
    """Tell whether a comma joins two tables."""
    return join.args.get("kind") == COMMA


def translate_join(left: JoinedTables, right: JoinedTables, join: exp.Join, scope: Scope) -> JoinedTables:
    """Translate a join by ON, USING, NATURAL or CROSS; its condition can name only what it joins.

    Raises:
        AdqlError: It lacks its condition, or names what is not on both sides.
    """
    method, side, kind = (str(join.args.get(arg) or "").upper() for arg in ("method", "side", "kind"))
    on, using = join.args.get("on"), join.args.get("using") or ()
    offset = offset_of(join)
    if kind == "CROSS":
        if on is not None or using or side or method:
            raise AdqlError("a CROSS JOIN has no condition", offset)
        parts: FromParts = (*left.parts, " CROSS JOIN ", *right.parts)
        return JoinedTables(parts, (*left.sources, *right.sources), (*left.columns, *right.columns))
    if kind == "OUTER" and not side:
        raise AdqlError("OUTER needs LEFT, RIGHT or FULL", offset)
    if method and (on is not None or using):
        raise AdqlError("a NATURAL JOIN has no condition of its own", offset)
    if not method and on is None and not using:
        raise AdqlError("a join needs ON, USING, NATURAL or CROSS", offset)
    if on is not None:
        columns: tuple[Column, ...] = (*left.columns, *right.columns)
        here = Scope(scope.context, scope.parent, scope.tables, [*left.sources, *right.sources], [*columns])
        if side == "FULL" and not all(_is_equality(part, left, right, scope) for part in split_conjuncts(on)):
            raise AdqlError("a FULL JOIN needs conditions of the form left = right", offset_of(on))
        on_text = translate_condition(on, here)
        scope.reaches_out |= here.reaches_out
    else:
        pairs = _natural_pairs(left, right, join) if method else _using_pairs(left, right, using)
        columns = _merge_columns(left, right, pairs, side)
        _check_pairs(pairs, using, offset)
        on_text = emit_list((emit(a.text, " = ", b.text) for a, b in pairs), " AND ")
    parts = ("(", *left.parts, _WORDS.get(side, " JOIN "), *right.parts, " ON ", on_text, ")")
    return JoinedTables(parts, (*left.sources, *right.sources), columns)


def _is_equality(part: exp.Expr, left: JoinedTables, right: JoinedTables, scope: Scope) -> bool:
    """Whether something of one side must equal something of the other: Postgres knows no other FULL JOIN."""
    for sides in ((left, right), (right, left)):
        scopes = [
            Scope(scope.context, tables=scope.tables, sources=[*side.sources], columns=[*side.columns])
            for side in sides
        ]
        with suppress(AdqlError):
            if (
                isinstance(part, exp.EQ)
                and translate_expression(part.this, scopes[0])
                and translate_expression(part.expression, scopes[1])
            ):
                return all(one.mentions for one in scopes)
    return False


def _natural_pairs(left: JoinedTables, right: JoinedTables, join: exp.Join) -> list[tuple[Column, Column]]:
    """The columns that both sides have: what NATURAL means."""
    pairs = []
    ours, theirs = index_by_name(left.columns), index_by_name(right.columns)
    for column in left.columns:
        name = exp.Identifier(this=column.name, quoted=True)
        other = resolve_column(name, theirs, join)
        if other is not None:
            resolve_column(name, ours, join)
            pairs.append((column, other))
    if not pairs:
        raise AdqlError("a NATURAL JOIN of tables that have no column in common", offset_of(join))
    return pairs


def _using_pairs(
    left: JoinedTables, right: JoinedTables, using: Sequence[exp.Expr]
) -> list[tuple[Column, Column]]:
    """The columns that USING names."""
    pairs = []
    named = index_by_name(left.columns), index_by_name(right.columns)
    for node in using:
        name = require_identifier(node)
        sides = [resolve_column(name, columns, node) for columns in named]
        for side, column in zip((left, right), sides, strict=True):
            if column is None:
                known = [known.name for known in side.columns]
                raise AdqlError(
                    f"no column {name.name!r} on both sides of the join{suggest_name(name.name, known)}",
                    offset_of(node),
                )
        pairs.append((sides[0], sides[1]))
    return [(a, b) for a, b in pairs if a is not None and b is not None]


def _check_pairs(
    pairs: Sequence[tuple[Column, Column]], using: Sequence[exp.Expr], offset: int | None
) -> None:
    """What is of one name must be of one kind too."""
    places = [offset_of(node) for node in using] or [offset] * len(pairs)
    for (a, b), where in zip(pairs, places, strict=True):
        one, other = a.value, b.value
        if (one.kind, one.meta.datatype) == (other.kind, other.meta.datatype):
            continue
        try:
            check_kinds(one, other, where)
        except AdqlError as error:
            raise AdqlError(f"column {a.name!r}: {error.reason}", where) from error


def _merge_columns(
    left: JoinedTables, right: JoinedTables, pairs: Sequence[tuple[Column, Column]], side: str
) -> tuple[Column, ...]:
    """Columns that both sides share stand first, and once: equal ones as those of galaxies."""
    ours, theirs = {id(a) for a, _ in pairs}, {id(b) for _, b in pairs}
    shared = []
    for a, b in pairs:
        if side == "FULL":
            both = emit("COALESCE(", a.text, ", ", b.text, ")")
            shared.append(
                replace(a, source=None, merged_text=both, weight=a.weight + b.weight + piece_count(both))
            )
        else:
            is_right = side == "RIGHT" or (not side and find_galaxy_source(b.value) is not None)
            shared.append(replace(b, name=a.name) if is_right else a)
    rest_left = [column for column in left.columns if id(column) not in ours]
    rest_right = [column for column in right.columns if id(column) not in theirs]
    return (*shared, *rest_left, *rest_right)
