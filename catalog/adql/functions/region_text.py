"""The text in REGION: the simple shapes of STC-S, such as `CIRCLE ICRS 150 2 0.1`."""

import math

from catalog.adql.errors import AdqlError
from catalog.adql.limits import VERTICES

_NUMBERS = {"POSITION": 2, "CIRCLE": 3, "BOX": 4}
_FRAMES = frozenset({"ICRS", "UNKNOWNFRAME"})
_PLACES = frozenset({"GEOCENTER", "BARYCENTER", "HELIOCENTER", "TOPOCENTER", "UNKNOWNREFPOS"})
_FLAVOURS = frozenset({"SPHERICAL2"})
_OTHER_FRAMES = frozenset({"FK4", "FK5", "GALACTIC", "ECLIPTIC", "J2000", "B1950"})
_LEAST_CORNERS = 3


def read_region(text: str, place: int | None) -> tuple[str, list[float]]:
    """A shape and its numbers in degrees: POSITION (2), CIRCLE (3), BOX (4) or POLYGON (6 or more).

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
            place,
        )
    rest = words[1:]
    for allowed in (_FRAMES, _PLACES, _FLAVOURS):
        if rest and rest[0].upper() in _OTHER_FRAMES:
            raise AdqlError(f"{rest[0]}: all positions here are ICRS", place)
        if rest and rest[0].upper() in allowed:
            rest = rest[1:]
    numbers = [_number(word, text, place) for word in rest]
    is_whole = (
        len(numbers) == _NUMBERS[shape]
        if shape in _NUMBERS
        else len(numbers) % 2 == 0 and 2 * _LEAST_CORNERS <= len(numbers) <= 2 * VERTICES
    )
    if not is_whole:
        raise AdqlError(f"{len(numbers)} numbers make no {shape} in {text!r}", place)
    return shape, numbers


def _number(word: str, text: str, place: int | None) -> float:
    try:
        number = float(word)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise AdqlError(f"{word!r} is no number of degrees in {text!r}", place)
    return number
