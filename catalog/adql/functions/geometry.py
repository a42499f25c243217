"""What ADQL asks of regions: CONTAINS, INTERSECTS, DISTANCE, AREA, CENTROID, COORD1, COORD2, COORDSYS."""

from collections.abc import Sequence
from dataclasses import replace

from psycopg import sql

from catalog.adql.functions.call import Call, Function
from catalog.adql.functions.regions import circle_of, coordinates_of, region
from catalog.adql.glue import glue, listed
from catalog.adql.scope import Scope
from catalog.adql.sky import distance, is_galaxy_position, within
from catalog.adql.sources import Source
from catalog.adql.value import RANDOM, Kind, Value, double, of_kind, text_of

REGION_TEXT = "adql:REGION"
"""The xtype of outlines that ObsCore writes as text: POLYGON ICRS and its corners."""


def _contains(call: Call) -> Value:
    inner, outer = _region(call, 0), _region(call, 1)
    if outer.kind is Kind.POINT:
        raise call.wrong(1, "a circle or a polygon")
    return replace(_truth(_inside(inner, outer, call.scope)), cone=_cone(inner, outer))


def _cone(inner: Value, outer: Value) -> tuple[float, float, float] | None:
    """The circle of constants that holds a galaxy of the row."""
    numbers = [float(one.constant) for one in outer.coordinates if isinstance(one.constant, int | float)]
    is_galaxy = inner.kind is Kind.POINT and is_galaxy_position(*coordinates_of(inner))
    if outer.kind is not Kind.CIRCLE or not is_galaxy or len(numbers) != 3:  # noqa: PLR2004 # ra, dec, radius
        return None
    return numbers[0], numbers[1], numbers[2]


def _intersects(call: Call) -> Value:
    """A point meets what contains it."""
    one, other = _region(call, 0), _region(call, 1)
    if one.kind is Kind.POINT and other.kind is Kind.POINT:
        raise call.wrong(1, "a circle or a polygon")
    if one.kind is Kind.POINT:
        return _truth(_inside(one, other, call.scope))
    if other.kind is Kind.POINT:
        return _truth(_inside(other, one, call.scope))
    if one.kind is Kind.POLYGON and other.kind is Kind.CIRCLE:
        one, other = other, one
    if other.kind is Kind.CIRCLE:
        name = glue("galcat.circle_meets_circle(")
    elif one.kind is Kind.CIRCLE:
        name = glue("galcat.circle_meets_polygon(")
    else:
        name = glue("galcat.polygon_meets_polygon(")
    return _truth(glue(name, one.text, ", ", other.text, ")"))


def _inside(inner: Value, outer: Value, scope: Scope) -> sql.Composed:
    if inner.kind is Kind.POINT:
        position = coordinates_of(inner)
        if outer.kind is Kind.CIRCLE:
            centre, radius = circle_of(outer)
            return within(position, centre, radius)
        return in_polygon(position, outer.text, scope)
    names = {
        (Kind.CIRCLE, Kind.CIRCLE): glue("galcat.circle_in_circle("),
        (Kind.CIRCLE, Kind.POLYGON): glue("galcat.circle_in_polygon("),
        (Kind.POLYGON, Kind.CIRCLE): glue("galcat.polygon_in_circle("),
        (Kind.POLYGON, Kind.POLYGON): glue("galcat.polygon_in_polygon("),
    }
    return glue(names[inner.kind, outer.kind], inner.text, ", ", outer.text, ")")


def _truth(condition: sql.Composed) -> Value:
    """1 or 0; compared with 1 it is the condition itself."""
    return replace(of_kind(glue("(", condition, ")::integer"), Kind.INTEGER), truth=condition)


def _distance(call: Call) -> Value:
    if len(call.arguments) == 2:  # noqa: PLR2004 # two points
        points = [_region(call, i) for i in range(2)]
        for i, point in enumerate(points):
            if point.kind is not Kind.POINT:
                raise call.wrong(i, "a point")
        return distance([*coordinates_of(points[0]), *coordinates_of(points[1])])
    if len(call.arguments) == 3:  # noqa: PLR2004 # neither two points nor four numbers
        raise call.wrong(2, "two points or four numbers")
    return distance([call.number(i) for i in range(4)])


def _area(call: Call) -> Value:
    """In square degrees; a point has none."""
    one = _region(call, 0)
    if one.kind is Kind.POINT:
        text = glue("(CASE WHEN ", one.text, " IS NULL THEN NULL ELSE 0 END)::double precision")
    elif one.kind is Kind.CIRCLE:
        text = glue("galcat.circle_area(", one.text, ")")
    else:
        text = glue("galcat.polygon_area(", one.text, ")")
    return of_kind(text, Kind.FLOAT, unit="deg2")


def _centroid(call: Call) -> Value:
    one = _region(call, 0)
    if one.kind is Kind.POINT:
        return one
    if one.kind is Kind.CIRCLE:
        return region(Kind.POINT, circle_of(one)[0], call.scope)
    return of_kind(glue("galcat.polygon_centroid(", one.text, ")"), Kind.POINT)


def _first(call: Call) -> Value:
    return _coordinate(call, 0)


def _second(call: Call) -> Value:
    return _coordinate(call, 1)


def _coordinate(call: Call, index: int) -> Value:
    point = _region(call, 0)
    if point.kind is not Kind.POINT:
        raise call.wrong(0, "a point")
    return of_kind(double(coordinates_of(point)[index]), Kind.FLOAT, unit="deg")


def _frame(call: Call) -> Value:
    _region(call, 0)
    return text_of(call.scope.context.parameters.bind("ICRS", "text"))


def _region(call: Call, index: int) -> Value:
    found = call.arguments[index]
    if found.kind is Kind.TEXT and found.meta.xtype == REGION_TEXT:
        return of_kind(glue("galcat.region_of(", found.text, ")"), Kind.POLYGON)
    if not found.kind.is_region:
        raise call.wrong(index, "a point, circle or polygon")
    return found


GEOMETRY = (
    Function("CONTAINS", 2, 2, _contains),
    Function("INTERSECTS", 2, 2, _intersects),
    Function("DISTANCE", 2, 4, _distance),
    Function("AREA", 1, 1, _area),
    Function("CENTROID", 1, 1, _centroid),
    Function("COORD1", 1, 1, _first),
    Function("COORD2", 1, 1, _second),
    Function("COORDSYS", 1, 1, _frame),
)


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
