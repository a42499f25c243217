"""Units as VOUnits writes them, looked at before astropy reads them: it would write 10**9999999 out."""

import re

from astropy import units

_LONGEST = 50
_SCALE = r"10\*\*[+-]?\d{1,2}[ .]?"
_NAME = r"(?:[A-Za-z]+\d?|%)(?:\*\*[+-]?\d{1,2})?"
_UNIT = re.compile(rf"(?:{_SCALE})?{_NAME}(?:[./]{_NAME})*|1")


def read_unit(text: str) -> units.UnitBase:
    """A unit: names joined by `.` and `/`, each perhaps to a power of two digits, after a power of ten.

    Raises:
        ValueError: It is of another form, or names what VOUnits does not know.
    """
    if len(text) > _LONGEST or not _UNIT.fullmatch(text):
        raise ValueError(f"{text[:_LONGEST]!r} is no unit of VOUnits")
    try:
        return units.Unit(text, format="vounit")
    except (ValueError, TypeError, ArithmeticError) as error:
        raise ValueError(f"{text!r} is no unit of VOUnits") from error
