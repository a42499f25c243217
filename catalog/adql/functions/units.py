"""IN_UNIT: a value in another unit of VOUnits, by a factor that is known before the query runs."""

import math
import re

from astropy import units

from catalog.adql.emitter import emit
from catalog.adql.errors import AdqlError
from catalog.adql.functions.call import Call, Function
from catalog.adql.value import Kind, Value, make_value

_MAX_UNIT_LENGTH = 50
_SCALE = r"10\*\*[+-]?\d{1,2}[ .]?"
_NAME = r"(?:[A-Za-z]+\d?|%)(?:\*\*[+-]?\d{1,2})?"
_UNIT = re.compile(rf"(?:{_SCALE})?{_NAME}(?:[./]{_NAME})*|1")


def parse_unit(text: str) -> units.UnitBase:
    """Read a unit: names joined by `.` and `/`, each perhaps to a power of two digits, after a power of ten.

    Raises:
        ValueError: It is of another form, or names what VOUnits does not know.
    """
    if len(text) > _MAX_UNIT_LENGTH or not _UNIT.fullmatch(text):
        raise ValueError(f"{text[:_MAX_UNIT_LENGTH]!r} is no unit of VOUnits")
    try:
        return units.Unit(text, format="vounit")
    except (ValueError, TypeError, ArithmeticError) as error:
        raise ValueError(f"{text!r} is no unit of VOUnits") from error


def _make_in_unit(call: Call) -> Value:
    number = call.number(0)
    written = call.constant_text(1)
    if not number.meta.unit:
        raise AdqlError("IN_UNIT expects a value that has a unit, such as a column with one", call.offsets[0])
    if not written.strip():
        raise AdqlError("IN_UNIT cannot make a value without a unit", call.offsets[1])
    source, target = (
        _require_unit(number.meta.unit, call.offsets[0]),
        _require_unit(written.strip(), call.offsets[1]),
    )
    try:
        factor = float(source.to(target))
    except (units.UnitConversionError, TypeError, ArithmeticError) as error:
        raise AdqlError(f"{number.meta.unit} cannot be given in {written}", call.offsets[1]) from error
    if not 0 < factor < math.inf:
        raise AdqlError(f"{number.meta.unit} cannot be given in {written}", call.offsets[1])
    scale = call.scope.context.parameters.bind(factor, "double precision")
    return make_value(emit("(", call.double(0), " * ", scale, ")"), Kind.FLOAT, unit=written.strip())


def _require_unit(written: str, offset: int | None) -> units.UnitBase:
    try:
        return parse_unit(written)
    except ValueError as error:
        raise AdqlError(str(error), offset) from error


UNITS = (Function("IN_UNIT", 2, 2, _make_in_unit),)
