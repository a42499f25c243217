"""Functions that make regions: POINT, CIRCLE, BOX, POLYGON and REGION; in SQL they are arrays of degrees."""

import math
from dataclasses import replace

from psycopg import sql

from catalog.adql.emitter import emit, emit_list
from catalog.adql.errors import AdqlError
from catalog.adql.functions.call import MAX_ARGUMENTS, Call, Function
from catalog.adql.functions.position_columns import require_icrs_columns
from catalog.adql.limits import MAX_REGION_PIECES, MAX_VERTICES
from catalog.adql.scope import Scope
from catalog.adql.value import Kind, Value, as_double, is_repeatable, make_value

_SAME_FRAME = frozenset({"", "ICRS", "ICRS GEOCENTER", "ICRS BARYCENTER", "ICRS TOPOCENTER", "UNKNOWNFRAME"})
_MIN_CORNERS = 3
_NUMBERS = {"POSITION": 2, "CIRCLE": 3, "BOX": 4}
_FRAMES = frozenset({"ICRS", "UNKNOWNFRAME"})
_PLACES = frozenset({"GEOCENTER", "BARYCENTER", "HELIOCENTER", "TOPOCENTER", "UNKNOWNREFPOS"})
_FLAVOURS = frozenset({"SPHERICAL2"})
_OTHER_FRAMES = frozenset({"FK4", "FK5", "GALACTIC", "ECLIPTIC", "J2000", "B1950"})


def make_region(kind: Kind, coordinates: tuple[Value, ...], scope: Scope) -> Value:
    """Make a region from its coordinates; one of constants is a single parameter."""
    constants = [one.constant for one in coordinates]
    if all(isinstance(one, int | float) for one in constants):
        numbers = [float(one) for one in constants if isinstance(one, int | float)]
        text = scope.context.parameters.bind(numbers, "double precision[]")
    else:
        text = emit("ARRAY[", emit_list(map(as_double, coordinates)), "]::double precision[]")
    return replace(make_value(text, kind), coordinates=coordinates)


def split_point(point: Value) -> tuple[Value, Value]:
    """Take a point apart into right ascension and declination."""
    if point.coordinates:
        return point.coordinates[0], point.coordinates[1]
    return _make_element(point, "[1]"), _make_element(point, "[2]")


def split_circle(circle: Value) -> tuple[tuple[Value, Value], sql.Composed]:
    """Take a circle apart into its centre and its radius."""
    if circle.coordinates:
        ra, dec, radius = circle.coordinates
        return (ra, dec), as_double(radius)
    return (_make_element(circle, "[1]"), _make_element(circle, "[2]")), _make_element(circle, "[3]").text


def _make_element(region_value: Value, index: str) -> Value:
    subscript = {"[1]": emit("[1]"), "[2]": emit("[2]"), "[3]": emit("[3]")}[index]
    if not is_repeatable(region_value.text, MAX_REGION_PIECES):
        raise AdqlError("this region is too long, or made by RAND(): make it in a sub-query and name it")
    text = emit("(", region_value.text, ")", subscript, "::double precision")
    return make_value(text, Kind.FLOAT, unit="deg")


def _drop_frame(call: Call) -> Call:
    """The deprecated first argument, the coordinate system, may only be the one that everything is in."""
    first = call.arguments[0]
    if not isinstance(first.constant, str):
        return call
    frame = " ".join(call.constant_text(0).upper().split())
    if frame not in _SAME_FRAME:
        raise AdqlError(f"{call.constant_text(0)!r}: all positions here are ICRS", call.offsets[0])
    return replace(call, arguments=call.arguments[1:], offsets=call.offsets[1:])


def _list_numbers(call: Call, start: int = 0) -> tuple[Value, ...]:
    return tuple(call.number(i) for i in range(start, len(call.arguments)))


def _list_centred(call: Call, more: int) -> tuple[Value, ...]:
    """A centre, as two numbers or as a point, and further numbers."""
    if call.arguments and call.arguments[0].kind is Kind.POINT:
        centre, start = split_point(call.arguments[0]), 1
    else:
        centre, start = None, 0
    wanted = more + (1 if centre else 2)
    if len(call.arguments) != wanted:
        what = "a point or two numbers" + (
            f", and {more} numbers" if more > 1 else ", and a number" if more else ""
        )
        raise AdqlError(f"{call.name} takes {what}", call.offset)
    numbers = (*(centre or ()), *_list_numbers(call, start))
    if centre is None:
        require_icrs_columns(numbers[0], numbers[1], call.offsets[0])
    return numbers


def _make_point(call: Call) -> Value:
    call = _drop_frame(call)
    if len(call.arguments) != 2:  # noqa: PLR2004 # right ascension and declination
        raise AdqlError("POINT takes two numbers, right ascension and declination", call.offset)
    ra, dec = _list_numbers(call)
    require_icrs_columns(ra, dec, call.offsets[0])
    return make_region(Kind.POINT, (ra, dec), call.scope)


def _make_circle(call: Call) -> Value:
    return make_region(Kind.CIRCLE, _list_centred(_drop_frame(call), 1), call.scope)


def _make_box(call: Call) -> Value:
    """A polygon: the corners are (ra +- width / 2, dec +- height / 2)."""
    sides = _list_centred(_drop_frame(call), 2)
    return make_value(emit("galcat.box_polygon(", emit_list(map(as_double, sides)), ")"), Kind.POLYGON)


def _make_polygon(call: Call) -> Value:
    call = _drop_frame(call)
    if call.arguments and call.arguments[0].kind is Kind.POINT:
        for i, one in enumerate(call.arguments):
            if one.kind is not Kind.POINT:
                raise call.argument_error(i, "a point, as those before it are,")
        coordinates = tuple(number for one in call.arguments for number in split_point(one))
    else:
        coordinates = _list_numbers(call)
        if len(coordinates) % 2:
            raise AdqlError("POLYGON takes pairs of right ascension and declination", call.offset)
        for i in range(0, len(coordinates), 2):
            require_icrs_columns(coordinates[i], coordinates[i + 1], call.offsets[i])
    if not 2 * _MIN_CORNERS <= len(coordinates) <= 2 * MAX_VERTICES:
        corners = len(coordinates) // 2
        raise AdqlError(
            f"POLYGON takes {_MIN_CORNERS} to {MAX_VERTICES} vertices, not {corners}", call.offset
        )
    return make_region(Kind.POLYGON, coordinates, call.scope)


def _make_region_of_text(call: Call) -> Value:
    shape, numbers = parse_region(call.constant_text(0), call.offsets[0])
    bind = call.scope.context.parameters.bind
    coordinates = tuple(
        replace(make_value(bind(number, "double precision"), Kind.FLOAT), constant=number)
        for number in numbers
    )
    if shape == "BOX":
        return make_value(
            emit("galcat.box_polygon(", emit_list(map(as_double, coordinates)), ")"), Kind.POLYGON
        )
    kind = {"POSITION": Kind.POINT, "CIRCLE": Kind.CIRCLE, "POLYGON": Kind.POLYGON}[shape]
    return make_region(kind, coordinates, call.scope)


def parse_region(text: str, offset: int | None) -> tuple[str, list[float]]:
    """Read a region from text: POSITION (2 numbers in degrees), CIRCLE (3), BOX (4) or POLYGON (6 or more).

    Raises:
        AdqlError: The text is no such region, or not in ICRS.
    """
    words = text.replace(",", " ").split()
    shape = words[0].upper() if words else ""
    if shape == "POINT":
        shape = "POSITION"
    if shape not in _NUMBERS and shape != "POLYGON":
        raise AdqlError(
            f"REGION knows CIRCLE, POLYGON, BOX and POSITION, such as 'CIRCLE ICRS 150 2 0.1', not {text!r}",
            offset,
        )
    rest = words[1:]
    for allowed in (_FRAMES, _PLACES, _FLAVOURS):
        if rest and rest[0].upper() in _OTHER_FRAMES:
            raise AdqlError(f"{rest[0]}: all positions here are ICRS", offset)
        if rest and rest[0].upper() in allowed:
            rest = rest[1:]
    numbers = [_parse_number(word, text, offset) for word in rest]
    is_whole = (
        len(numbers) == _NUMBERS[shape]
        if shape in _NUMBERS
        else len(numbers) % 2 == 0 and 2 * _MIN_CORNERS <= len(numbers) <= 2 * MAX_VERTICES
    )
    if not is_whole:
        raise AdqlError(f"{len(numbers)} numbers make no {shape} in {text!r}", offset)
    return shape, numbers


def _parse_number(word: str, text: str, offset: int | None) -> float:
    try:
        number = float(word)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise AdqlError(f"{word!r} is no number of degrees in {text!r}", offset)
    return number


REGIONS = (
    Function("POINT", 2, 3, _make_point),
    Function("CIRCLE", 2, 4, _make_circle),
    Function("BOX", 3, 5, _make_box),
    Function("POLYGON", _MIN_CORNERS, MAX_ARGUMENTS, _make_polygon),
    Function("REGION", 1, 1, _make_region_of_text),
)
