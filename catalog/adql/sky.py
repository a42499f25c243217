"""Positions and distances on the sky, written so that Postgres uses the index of the positions."""

from collections.abc import Sequence

from psycopg import sql
from sqlglot import exp

from catalog.adql.emitter import emit, emit_list
from catalog.adql.relations import Source
from catalog.adql.scope import Scope
from catalog.adql.value import Kind, Value, as_double, is_repeatable, make_value

MAX_DISTANCE_DEG = 180.0


def is_galaxy_position(ra: Value, dec: Value) -> bool:
    """Tell whether two values are the indexed position of a galaxy of the catalogue."""
    columns = (ra.column, dec.column)
    if columns[0] is None or columns[1] is None or columns[0].source is not columns[1].source:
        return False
    source = columns[0].source
    is_galaxy = isinstance(source, Source) and source.table is not None and source.table.has_sky_index
    return is_galaxy and (columns[0].stored_as, columns[1].stored_as) == ("ra", "dec")


def emit_within(position: Sequence[Value], centre: Sequence[Value], radius: sql.Composed) -> sql.Composed:
    """Emit the condition that two positions are at most so far apart.

    Being near is mutual, so the galaxies' own position stands first: there it is looked up in the index. Of
    galaxies around galaxies both are said: Postgres knows which are few.
    """
    there, back = _emit_cone(position, centre, radius), _emit_cone(centre, position, radius)
    if not is_galaxy_position(*centre):
        return there
    is_both = is_galaxy_position(*position) and is_repeatable(radius)
    return emit("(", there, " AND ", back, ")") if is_both else back


def _emit_cone(position: Sequence[Value], centre: Sequence[Value], radius: sql.Composed) -> sql.Composed:
    return emit("galcat.cone(", emit_list([*map(as_double, (*position, *centre)), radius]), ")")


def make_distance(positions: Sequence[Value]) -> Value:
    """The angle in degrees between two positions (ra, dec, ra, dec)."""
    text = emit("galcat.sky_distance(", emit_list(map(as_double, positions)), ")")
    found = make_value(text, Kind.FLOAT, unit="deg")
    return Value(text, found.kind, found.meta, distance=tuple(positions))


def emit_near(sign: type[exp.Expr], apart: Value, radius: Value, scope: Scope) -> sql.Composed | None:
    """Emit `DISTANCE(...) < radius` after a cone that the index knows; None where none would help."""
    if sign not in {exp.LT, exp.LTE} or not radius.kind.is_number:
        return None
    if not (apart.is_repeatable and radius.is_repeatable):
        return None
    first, second = apart.distance[:2], apart.distance[2:]
    if not (is_galaxy_position(*first) or is_galaxy_position(*second)):
        return None
    if radius.constant is not None:
        if isinstance(radius.constant, str) or not 0 <= radius.constant <= MAX_DISTANCE_DEG:
            return None
        bound = scope.context.parameters.bind(float(radius.constant), "double precision")
    else:
        bound = emit("LEAST(GREATEST(", as_double(radius), ", 0), 180)")
    cone = emit_within(first, second, bound)
    sides = emit(apart.text, " < " if sign is exp.LT else " <= ", as_double(radius))
    return emit("(", cone, " AND ", sides, ")")
