"""Positions in polygons: one made of a table's columns is prepared once a row of it, not once a pair."""

from collections.abc import Sequence

from psycopg import sql

from catalog.adql.glue import glue, listed
from catalog.adql.scope import Scope
from catalog.adql.sources import Source
from catalog.adql.value import RANDOM, Value, double


def in_polygon(position: Sequence[Value], polygon: sql.Composed, scope: Scope) -> sql.Composed:
    """The condition that a position lies in a polygon; both ways reach the index of positions.

    Of a constant polygon Postgres works out the cone around it while it plans; of another, for each pair.
    """
    ra, dec = map(double, position)
    source = _only_source(polygon, scope)
    if source is None or not all(_is_column_beside(one, source) for one in position):
        return glue("galcat.in_polygon(", ra, ", ", dec, ", ", polygon, ")")
    inside = _within(polygon, source)
    cone = glue(sql.Identifier(source.alias, source.computed(glue("galcat.polygon_cone(", inside, ")"))))
    drawn = source.computed(glue("galcat.polygon_on_plane(", inside, ")"))
    numbers = [glue("(", cone, ")[1]"), glue("(", cone, ")[2]"), glue("(", cone, ")[3]")]
    near = glue("galcat.cone(", listed([ra, dec, *numbers]), ")")
    plane = glue("galcat.on_plane(", listed([ra, dec, *numbers[:2]]), ")")
    on_it = glue(plane, " OPERATOR(pg_catalog.<@) ", sql.Identifier(source.alias, drawn))
    return glue("(", near, " AND ", on_it, ")")


def _only_source(text: sql.Composed, scope: Scope) -> Source | None:
    """What stands in FROM that has all columns of some SQL; None where there is not one such thing."""
    names = [piece.as_string(None) for piece in text if isinstance(piece, sql.Identifier)]
    if not names or RANDOM in text:
        return None
    for source in scope.sources:
        if _own(source).keys() >= set(names):
            return source
    return None


def _is_column_beside(one: Value, source: Source) -> bool:
    """Whether a coordinate is a plain column of something else, so that it may be written twice."""
    column = one.column
    return column is not None and column.source not in {None, source} and column.weight == 0


def _within(text: sql.Composed, source: Source) -> sql.Composed:
    """The same of a row that is called `u`."""
    own = _own(source)
    return glue(*(own.get(piece.as_string(None), piece) for piece in text))


def _own(source: Source) -> dict[str, sql.Identifier]:
    """The columns of something in FROM as SQL names them, and the same of a row that is called `u`."""
    names = [column.stored_as for column in source.columns]
    return {sql.Identifier(source.alias, name).as_string(None): sql.Identifier("u", name) for name in names}
