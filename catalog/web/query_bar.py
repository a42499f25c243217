"""What somebody types into the one bar: a position, a condition, galaxies to be like, an id or a name."""

import re
from urllib.parse import urlencode

import psycopg

from catalog.constants import NEAR_ARCSEC
from catalog.search.target import understand
from catalog.tap.errors import UsageError
from catalog.web.selection import Place, Selection
from table_files.angle import parse_position

USUAL_RADIUS_DEG = 0.1
_MAX_TEXT = 2_000
_LIKE = re.compile(
    r"like[\s:]+(?P<like>[\d\s,]+)(?:(?:un|not )like[\s:]+(?P<unlike>[\d\s,]+))?", re.IGNORECASE
)
_CONDITION = re.compile(r"[<>=]|\b(?:is|between|like|in)\b", re.IGNORECASE)
_RADIUS = re.compile(
    r"[\s,]+(?:r(?:adius)?\s*)?(?P<size>\d+\.?\d*)\s*(?P<unit>deg(?:rees?)?|arcmin(?:utes?)?|arcsec(?:onds?)?|['\u2032\"\u2033\u00b0])$",
    re.IGNORECASE,
)
_IDS = re.compile(r"\d{6,19}(?:[\s,]+\d{6,19})+")
_DEGREES = {"d": 1.0, "\u00b0": 1.0, "arcm": 1 / 60, "'": 1 / 60, "\u2032": 1 / 60}


def understand_bar(connection: psycopg.Connection, text: str) -> str:
    """Find out what is meant, and give the address that shows it.

    A position shows what lies within 6 arcminutes, or within the radius that follows it with its unit; what
    compares is a condition; `like 12 34 unlike 56` asks by examples; several ids are shown together; an id or
    a name shows its galaxy.

    Args:
        connection: A connection of the writer; only read from.
        text: The text that somebody typed.

    Raises:
        UsageError: The text is too long.
        UnknownObjectError: No galaxy is there, or has that id or name.
    """
    text = text.strip()
    if len(text) > _MAX_TEXT:
        raise UsageError(f"that is longer than {_MAX_TEXT:,} characters")
    if not text:
        return "/"
    if found := _LIKE.fullmatch(text):
        return "/?" + _encode(like=_list(found["like"]), unlike=_list(found["unlike"] or ""))
    if _IDS.fullmatch(text):
        return "/?" + _encode(ids=_list(text))
    if place := read_place(text):
        return "/" + Selection(place=place).query()
    if _CONDITION.search(text):
        return "/?" + _encode(where=text)
    (object_id,) = understand(connection, text, NEAR_ARCSEC)
    return f"/galaxy/{object_id}"


def read_place(text: str) -> Place | None:
    """The cone that a text means: a position in any notation, and a radius with its unit if one follows.

    Raises:
        UsageError: It is written as a position, but there is none such as this on the sky.
    """
    found, fault = _RADIUS.search(text), ""
    for words, radius in ((text, None), (text[: found.start()], found) if found else ("", None)):
        if not words:
            continue
        try:
            position = parse_position(words)
        except ValueError as error:
            position, fault = None, str(error)
        if position is not None:
            return Place(*position, USUAL_RADIUS_DEG if radius is None else _degrees(radius))
    if fault:
        raise UsageError(f"{text[:60]} is no position: {fault}")
    return None


def _degrees(found: re.Match[str]) -> float:
    unit = found["unit"].lower()
    return float(found["size"]) * _DEGREES.get(unit[:4] if unit.startswith("arc") else unit[:1], 1 / 3600)


def _list(text: str) -> str:
    return ",".join(re.findall(r"\d+", text))


def _encode(**values: str) -> str:
    return urlencode({name: value for name, value in values.items() if value}, safe=",")
