"""What a notebook hands over, as it is meant: what is of another kind is refused in one line."""

import operator
from collections.abc import Iterable
from contextlib import suppress
from typing import SupportsFloat, SupportsIndex

from catalog.errors import QueryError
from catalog.search.request import Cone

_CONE = ("ra", "dec", "radius")
_SHOWN = 80
_ID_END = 2**63


def read_cone(near: object) -> Cone | None:
    """A cone as a search takes it; None where there is none.

    Args:
        near: (ra, dec, radius) in degrees; each may be an angle of astropy. Or (position, radius), the
            position a SkyCoord of any frame. Or None.

    Raises:
        QueryError: Something is missing, too much, or no number; says what.
    """
    if near is None:
        return None
    if isinstance(near, str | bytes) or not isinstance(near, Iterable):
        raise QueryError(f"near={_show(near)} is no cone: give (ra, dec, radius), all in degrees")
    parts = _list_items("near", near)
    if parts and hasattr(parts[0], "icrs"):
        place = parts[0].icrs
        parts[:1] = [place.ra.deg, place.dec.deg]
    if len(parts) != len(_CONE):
        lacking = " and ".join(_CONE[len(parts) :])
        what = f"lacks {lacking}" if lacking else f"has {len(parts)} numbers"
        raise QueryError(f"near={_show(near)} {what}: give (ra, dec, radius), all in degrees")
    ra, dec, radius = (_read_degrees(name, value) for name, value in zip(_CONE, parts, strict=True))
    return Cone(ra, dec, radius)


def read_ids(argument: str, given: object) -> tuple[int, ...]:
    """object_ids, of which there may be one alone.

    Args:
        argument: What the argument is called, for errors.
        given: A whole number, or whole numbers in anything that can be gone through.

    Raises:
        QueryError: One of them is no whole number: a fraction has lost the last digits of an object_id.
    """
    if isinstance(given, str | bytes) or not (isinstance(given, Iterable) or hasattr(given, "__index__")):
        raise QueryError(f"{argument}={_show(given)} is no list of object_ids: give whole numbers")
    values = _list_items(argument, given) if isinstance(given, Iterable) else [given]
    ids = tuple(read_whole_number(argument, value) for value in values)
    if beyond := next((one for one in ids if not -_ID_END <= one < _ID_END), None):
        raise QueryError(f"{argument}: no galaxy has object_id {beyond}")
    return ids


def read_whole_number(argument: str, given: object) -> int:
    """A whole number, of Python or numpy.

    Raises:
        QueryError: It is none.
    """
    if isinstance(given, SupportsIndex) and not isinstance(given, bool):
        with suppress(TypeError):  # which an array of several numbers raises
            return operator.index(given)
    hint = "; a column of fractions has lost digits of object_ids" if isinstance(given, float) else ""
    raise QueryError(f"{argument}: {_show(given)} is no whole number{hint}")


def read_names(argument: str, given: object) -> tuple[str, ...]:
    """Names of columns: a sequence of them, or one text with commas between.

    Raises:
        QueryError: It is something else.
    """
    if isinstance(given, str):
        return tuple(name.strip() for name in given.split(",") if name.strip())
    if not isinstance(given, Iterable) or not all(isinstance(name, str) for name in given):
        raise QueryError(f"{argument}={_show(given)} are no names of columns: give a list of texts")
    return tuple(given)


def read_text(argument: str, given: object) -> str:
    """A text; None is an empty one.

    Raises:
        QueryError: It is something else.
    """
    if given is None:
        return ""
    if not isinstance(given, str):
        raise QueryError(f"{argument}={_show(given)} is no text: write the condition in quotes")
    return given


def read_number(argument: str, given: object) -> float:
    """A number, of Python or numpy.

    Raises:
        QueryError: It is none.
    """
    if isinstance(given, SupportsFloat | SupportsIndex) and not isinstance(given, bool):
        with suppress(TypeError):  # which an array of several numbers raises
            return float(given)
    raise QueryError(f"{argument}={_show(given)} is no number")


def _list_items(argument: str, given: Iterable[object]) -> list[object]:
    try:
        return list(given)
    except TypeError:  # a scalar of numpy's or astropy's
        raise QueryError(f"{argument}={_show(given)} is one value: give it in brackets") from None


def _read_degrees(name: str, value: object) -> float:
    if hasattr(value, "to_value"):
        try:
            return float(value.to_value("deg"))
        except (ValueError, TypeError):
            raise QueryError(f"near: {name} = {_show(value)} is no angle") from None
    try:
        return read_number(name, value)
    except QueryError:
        raise QueryError(f"near: {name} = {_show(value)} is no number of degrees") from None


def _show(value: object) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]} ..."
