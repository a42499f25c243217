"""Columns of angles in degrees: the units and spellings of angles that astronomers' tables have."""

import re

import numpy as np
from astropy import units
from astropy.coordinates import Angle
from numpy.typing import NDArray

from table_files.errors import TableError
from table_files.frame import CoordinateFrame, convert_to_icrs, parse_frame
from table_files.table import TableColumn

_HOURS = {
    "h:m:s",
    "hms",
    "h m s",
    "hh:mm:ss",
    "hh:mm:ss.s",
    "hh mm ss",
    "hour",
    "hours",
    "hourangle",
    "hr",
    "h",
}
_DEGREES = {
    "d:m:s", "dms", "d m s", "dd:mm:ss", "dd:mm:ss.s", "dd mm ss",
    "deg", "degs", "degree", "degrees", "d", "\u00b0",
}  # fmt: skip
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_ANGLE = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([:hdms\u00b0'\"]+\d*(\.\d*)?)*", re.IGNORECASE)
_UNIT_IN_NAME = re.compile(
    r"((?<![a-z])(?P<rad>rad)|(?P<radians>radians?)|hourangle|hours?|hrs?|(?<![a-z])h|^rah)[)\]]?$",
    re.IGNORECASE,
)
_SIX = 6
"""Words of a position in hours, minutes, seconds, degrees, minutes and seconds."""
_FRAMES = {
    "galactic": ("galactic", ""), "gal": ("galactic", ""), "icrs": ("ICRS", ""), "fk5": ("FK5", ""),
    "j2000": ("FK5", "J2000"), "fk4": ("FK4", ""), "b1950": ("FK4", "B1950"),
}  # fmt: skip
"""Words that name the frame of a position, with system and equinox."""
_CALLED = re.compile(r"g?l(?:on)?\s*[=:]?\s*(\S+)\s+(?:g?b|glat)\s*[=:]?\s*(\S+)", re.IGNORECASE)
_MINUS = str.maketrans({"\u2212": "-", "\u2013": "-", "\ufe63": "-", "\uff0d": "-", "\uff0b": "+"})


def parse_angle(text: str, *, is_hours: bool) -> float:
    """An angle as somebody writes it, in degrees: in any form that astropy reads.

    Args:
        text: Such as 150.1, 10:00:24.1, 10h00m24.1s or -2d12m; a minus sign may be that of printed papers.
        is_hours: Whether sexagesimal text without letters is hours; a number alone always is degrees.

    Raises:
        ValueError: It is no angle.
    """
    plain = normalise_minus(text.strip())
    if _NUMBER.fullmatch(plain):
        return float(plain)
    return float(Angle(plain, unit=units.hourangle if is_hours else units.deg).deg)


def parse_position(text: str) -> tuple[float, float] | None:
    """Read right ascension and declination as somebody writes them, in degrees; None where it is no position.

    Two numbers are degrees; sexagesimal text is hours and degrees, in two words with colons or letters such
    as `10:01:17.78 +01:58:27.1`, or in six. A word before or behind may name the frame, as `galactic 150 2`
    and `10:01:17 1:58:27 B1950` do, or the two are called as in `l=150 b=2`; they are converted.

    Args:
        text: Both, with blanks or a comma between.

    Returns:
        Right ascension and declination in ICRS.

    Raises:
        ValueError: It is written as a position, but there is none such as this on the sky.
    """
    words, frame = _split_frame(normalise_minus(text).replace(",", " "))
    if len(words) == _SIX and all(map(_NUMBER.fullmatch, words)):
        words = [":".join(words[:3]), ":".join(words[3:])]
    if len(words) != 2 or not all(map(_ANGLE.fullmatch, words)):  # noqa: PLR2004 - the two
        return None
    is_hours = frame is None or frame.system != "galactic"
    ra_deg, dec_deg = parse_angle(words[0], is_hours=is_hours), parse_angle(words[1], is_hours=False)
    if not (0 <= ra_deg <= 360 and abs(dec_deg) <= 90):  # noqa: PLR2004 - a turn, and a pole
        raise ValueError(f"({ra_deg:g}, {dec_deg:g}) is nowhere on the sky")
    if frame is None:
        return ra_deg, dec_deg
    ra, dec = convert_to_icrs(np.array([ra_deg]), np.array([dec_deg]), frame)
    return float(ra[0]), float(dec[0])


def _split_frame(text: str) -> tuple[list[str], CoordinateFrame | None]:
    """The words of a position, and the frame that another word names, or the names of the two."""
    if found := _CALLED.fullmatch(text.strip()):
        return [found[1], found[2]], CoordinateFrame("galactic")
    words = text.split()
    for at in (0, -1):
        if words and (said := _FRAMES.get(words[at].lower().rstrip(":"))):
            return words[1:] if at == 0 else words[:-1], parse_frame(*said, "")
    return words, None


def normalise_minus(text: str) -> str:
    """The text with the minus signs of printed papers as the one of keyboards."""
    return text.translate(_MINUS)


def column_to_degrees(column: TableColumn, *, is_ra: bool) -> NDArray[np.float64]:
    """A column of angles in degrees, (n,); NaN where it has no value.

    Its own unit counts, or else one in its name, as of ra_hours and dec_rad. Without one numbers are degrees,
    also where they are text, and sexagesimal text is hours of right ascension and degrees of anything else.

    Args:
        column: The column of angles, numbers or text.
        is_ra: Whether it holds right ascension.

    Raises:
        TableError: It holds no angles; names the column and its first row that holds none.
    """
    if column.is_array or column.values.dtype.kind == "b":
        raise TableError(f"column {column.name} holds no angles")
    unit = parse_angle_unit(column)
    if not column.is_text:
        unit = find_number_unit(column)
        values = column.values.astype(np.float64) * float((unit or units.deg).to(units.deg))
        return np.where(column.missing, np.nan, values)
    texts = [normalise_minus(text.strip()) for text in column.to_masked().data.tolist()]
    missing = column.missing | np.array([not text for text in texts], dtype=np.bool_)
    given = [text for text, is_none in zip(texts, missing, strict=True) if not is_none]
    values = np.full(len(texts), np.nan)
    if all(map(_NUMBER.fullmatch, given)):
        unit = find_number_unit(column)
        values[~missing] = np.array(given, dtype=np.float64) * float((unit or units.deg).to(units.deg))
        return values
    values[~missing] = _texts_to_degrees(column, given, unit or (units.hourangle if is_ra else units.deg))
    return values


def is_angle(text: str) -> bool:
    """Whether a text is written as an angle, or as a number."""
    return _ANGLE.fullmatch(normalise_minus(text.strip())) is not None


def has_sexagesimal(column: TableColumn) -> bool:
    """Whether a column of text has an angle that is no plain number, such as 10:00:24.1 or 10h00m24.1s."""
    if not column.is_text:
        return False
    texts = [normalise_minus(text.strip()) for text in column.to_masked().data.tolist()]
    given = [",".join(text.split()) for text in texts]
    return any(_ANGLE.fullmatch(text.replace(",", ":")) and not _NUMBER.fullmatch(text) for text in given)


def parse_angle_unit(column: TableColumn) -> units.UnitBase | None:
    """A column's unit of angle as tables spell it, also as VizieR does; None where it has none.

    Raises:
        TableError: It is no unit of angle.
    """
    quoted = re.fullmatch(r"""(["'])(.+)\1""", column.unit.strip())  # as VizieR writes "h:m:s"
    spelled = " ".join((quoted[2] if quoted else column.unit).split())
    if not spelled:
        return None
    if spelled.lower() in _HOURS:
        return units.hourangle
    if spelled.lower() in _DEGREES:
        return units.deg
    for name in (spelled, spelled.lower()):
        try:
            unit = units.Unit(name)
        except ValueError:
            continue
        if unit.is_equivalent(units.deg):
            return unit
    raise TableError(f"column {column.name} holds no angles: its unit is {column.unit}")


def find_number_unit(column: TableColumn) -> units.UnitBase | None:
    """The unit of a column's numbers: its own, or what a name such as RA_hours, ra [rad] or RAh ends with.

    None where there is none, which is degrees.

    Raises:
        TableError: Its own is no unit of angle.
    """
    if (unit := parse_angle_unit(column)) is not None:
        return unit
    found = _UNIT_IN_NAME.search(column.name)
    if found is None:
        return None
    return units.rad if found["rad"] or found["radians"] else units.hourangle


def _texts_to_degrees(column: TableColumn, given: list[str], unit: units.UnitBase) -> NDArray[np.float64]:
    try:
        return np.asarray(Angle(given, unit=unit).deg, dtype=np.float64)
    except (ValueError, TypeError, units.UnitsError):
        pass
    for row in np.flatnonzero(~column.missing).tolist():
        text = str(column.values[row])
        try:
            Angle(normalise_minus(text.strip()), unit=unit)
        except (ValueError, TypeError, units.UnitsError):
            hint = ", and decimals have a point" if "," in text else ""
            raise TableError(
                f"column {column.name} holds no angles: row {row + 1} is {text!r}{hint}"
            ) from None
    raise TableError(f"column {column.name} holds no angles")
