"""Functions of regions: CONTAINS, INTERSECTS, DISTANCE, AREA, CENTROID, COORD1, COORD2 and COORDSYS."""

from collections.abc import Sequence
from dataclasses import replace

from psycopg import sql

from catalog.adql.emitter import emit, emit_list
from catalog.adql.functions.call import Call, Function
from catalog.adql.functions.position_columns import require_icrs_columns
from catalog.adql.functions.regions import make_region, split_circle, split_point
from catalog.adql.relations import Source
from catalog.adql.scope import Scope
from catalog.adql.sky import emit_within, is_galaxy_position, make_distance
from catalog.adql.value import RANDOM, Kind, Value, as_double, make_text_value, make_value

REGION_TEXT = "adql:REGION"
"""The xtype of outlines that ObsCore writes as text: POLYGON ICRS and its corners."""


def _make_contains(call: Call) -> Value:
    inner, outer = _require_region(call, 0), _require_region(call, 1)
    if outer.kind is Kind.POINT:
        raise call.argument_error(1, "a circle or a polygon")
    return replace(_make_truth(_emit_inside(inner, outer, call.scope)), cone=_constant_cone(inner, outer))


def _constant_cone(inner: Value, outer: Value) -> tuple[float, float, float] | None:
    """The circle of constants that holds a galaxy of the row."""
    numbers = [float(one.constant) for one in outer.coordinates if isinstance(one.constant, int | float)]
    is_galaxy = inner.kind is Kind.POINT and is_galaxy_position(*split_point(inner))
    if outer.kind is not Kind.CIRCLE or not is_galaxy or len(numbers) != 3:  # noqa: PLR2004 # ra, dec, radius
        return None
    return numbers[0], numbers[1], numbers[2]


def _make_intersects(call: Call) -> Value:
    """A point meets what contains it."""
    one, other = _require_region(call, 0), _require_region(call, 1)
    if one.kind is Kind.POINT and other.kind is Kind.POINT:
        raise call.argument_error(1, "a circle or a polygon")
    if one.kind is Kind.POINT:
        return _make_truth(_emit_inside(one, other, call.scope))
    if other.kind is Kind.POINT:
        return _make_truth(_emit_inside(other, one, call.scope))
    if one.kind is Kind.POLYGON and other.kind is Kind.CIRCLE:
        one, other = other, one
    if other.kind is Kind.CIRCLE:
        name = emit("galcat.circle_meets_circle(")
    elif one.kind is Kind.CIRCLE:
        name = emit("galcat.circle_meets_polygon(")
    else:
        name = emit("galcat.polygon_meets_polygon(")
    return _make_truth(emit(name, one.text, ", ", other.text, ")"))


def _emit_inside(inner: Value, outer: Value, scope: Scope) -> sql.Composed:
    if inner.kind is Kind.POINT:
        position = split_point(inner)
        if outer.kind is Kind.CIRCLE:
            centre, radius = split_circle(outer)
            return emit_within(position, centre, radius)
        return _emit_in_polygon(position, outer.text, scope)
    names = {
        (Kind.CIRCLE, Kind.CIRCLE): emit("galcat.circle_in_circle("),
        (Kind.CIRCLE, Kind.POLYGON): emit("galcat.circle_in_polygon("),
        (Kind.POLYGON, Kind.CIRCLE): emit("galcat.polygon_in_circle("),
        (Kind.POLYGON, Kind.POLYGON): emit("galcat.polygon_in_polygon("),
    }
    return emit(names[inner.kind, outer.kind], inner.text, ", ", outer.text, ")")


def _make_truth(condition: sql.Composed) -> Value:
    """1 or 0; compared with 1 it is the condition itself."""
    return replace(make_value(emit("(", condition, ")::integer"), Kind.INTEGER), truth=condition)


def _make_distance(call: Call) -> Value:
    if len(call.arguments) == 2:  # noqa: PLR2004 # two points
        points = [_require_region(call, i) for i in range(2)]
        for i, point in enumerate(points):
            if point.kind is not Kind.POINT:
                raise call.argument_error(i, "a point")
        return make_distance([*split_point(points[0]), *split_point(points[1])])
    if len(call.arguments) == 3:  # noqa: PLR2004 # neither two points nor four numbers
        raise call.argument_error(2, "two points or four numbers")
    numbers = [call.number(i) for i in range(4)]
    for i in (0, 2):
        require_icrs_columns(numbers[i], numbers[i + 1], call.offsets[i])
    return make_distance(numbers)


def _make_area(call: Call) -> Value:
    """The area in square degrees, 0 for a point."""
    one = _require_region(call, 0)
    if one.kind is Kind.POINT:
        text = emit("(CASE WHEN ", one.text, " IS NULL THEN NULL ELSE 0 END)::double precision")
    elif one.kind is Kind.CIRCLE:
        text = emit("galcat.circle_area(", one.text, ")")
    else:
        text = emit("galcat.polygon_area(", one.text, ")")
    return make_value(text, Kind.FLOAT, unit="deg2")


def _make_centroid(call: Call) -> Value:
    one = _require_region(call, 0)
    if one.kind is Kind.POINT:
        return one
    if one.kind is Kind.CIRCLE:
        return make_region(Kind.POINT, split_circle(one)[0], call.scope)
    return make_value(emit("galcat.polygon_centroid(", one.text, ")"), Kind.POINT)


def _make_coord1(call: Call) -> Value:
    return _make_coordinate(call, 0)


def _make_coord2(call: Call) -> Value:
    return _make_coordinate(call, 1)


def _make_coordinate(call: Call, index: int) -> Value:
    point = _require_region(call, 0)
    if point.kind is not Kind.POINT:
        raise call.argument_error(0, "a point")
    return make_value(as_double(split_point(point)[index]), Kind.FLOAT, unit="deg")


def _make_coordsys(call: Call) -> Value:
    _require_region(call, 0)
    return make_text_value(call.scope.context.parameters.bind("ICRS", "text"))


def _require_region(call: Call, index: int) -> Value:
    found = call.arguments[index]
    if found.kind is Kind.TEXT and found.meta.xtype == REGION_TEXT:
        return make_value(emit("galcat.region_of(", found.text, ")"), Kind.POLYGON)
    if not found.kind.is_region:
        raise call.argument_error(index, "a point, circle or polygon")
    return found


def _emit_in_polygon(position: Sequence[Value], polygon: sql.Composed, scope: Scope) -> sql.Composed:
    """Emit the condition that a position lies in a polygon; either form of it reaches the index of positions.

    Of a constant polygon Postgres works out the cone around it while it plans; of another, for each pair.
    """
    ra, dec = map(as_double, position)
    source = _only_source(polygon, scope)
    if source is None or not all(_is_column_beside(one, source) for one in position):
        return emit("galcat.in_polygon(", ra, ", ", dec, ", ", polygon, ")")
    inside = _emit_in_row(polygon, source)
    cone = emit(sql.Identifier(source.alias, source.add_extra(emit("galcat.polygon_cone(", inside, ")"))))
    drawn = source.add_extra(emit("galcat.polygon_on_plane(", inside, ")"))
    numbers = [emit("(", cone, ")[1]"), emit("(", cone, ")[2]"), emit("(", cone, ")[3]")]
    near = emit("galcat.cone(", emit_list([ra, dec, *numbers]), ")")
    plane = emit("galcat.on_plane(", emit_list([ra, dec, *numbers[:2]]), ")")
    on_it = emit(plane, " OPERATOR(pg_catalog.<@) ", sql.Identifier(source.alias, drawn))
    return emit("(", near, " AND ", on_it, ")")


def _only_source(text: sql.Composed, scope: Scope) -> Source | None:
    """What stands in FROM that has all columns of some SQL; None where there is not one such thing."""
    names = [piece.as_string(None) for piece in text if isinstance(piece, sql.Identifier)]
    if not names or RANDOM in text:
        return None
    for source in scope.sources:
        if _columns_in_row(source).keys() >= set(names):
            return source
    return None


def _is_column_beside(one: Value, source: Source) -> bool:
    """Whether a coordinate is a plain column of something else, so that it may be written twice."""
    column = one.column
    return column is not None and column.source not in {None, source} and column.weight == 0


def _emit_in_row(text: sql.Composed, source: Source) -> sql.Composed:
    """Some SQL on a table's columns as SQL on a row that is called `u`."""
    own = _columns_in_row(source)
    return emit(*(own.get(piece.as_string(None), piece) for piece in text))


def _columns_in_row(source: Source) -> dict[str, sql.Identifier]:
    """The columns of something in FROM as SQL names them, and the same of a row that is called `u`."""
    names = [column.stored_as for column in source.columns]
    return {sql.Identifier(source.alias, name).as_string(None): sql.Identifier("u", name) for name in names}


GEOMETRY = (
    Function("CONTAINS", 2, 2, _make_contains),
    Function("INTERSECTS", 2, 2, _make_intersects),
    Function("DISTANCE", 2, 4, _make_distance),
    Function("AREA", 1, 1, _make_area),
    Function("CENTROID", 1, 1, _make_centroid),
    Function("COORD1", 1, 1, _make_coord1),
    Function("COORD2", 1, 1, _make_coord2),
    Function("COORDSYS", 1, 1, _make_coordsys),
)
