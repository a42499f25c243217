"""IN_UNIT: a column's values in another unit, by a factor that is known before the query runs."""

import math

from astropy import units

from catalog.adql.errors import AdqlError
from catalog.adql.functions.call import Call, Function
from catalog.adql.functions.unit_text import read_unit
from catalog.adql.glue import glue
from catalog.adql.value import Kind, Value, of_kind


def _in_unit(call: Call) -> Value:
    number = call.number(0)
    written = call.constant_text(1)
    if not number.meta.unit:
        raise AdqlError("IN_UNIT expects a value that has a unit, such as a column with one", call.places[0])
    if not written.strip():
        raise AdqlError("IN_UNIT cannot make a value without a unit", call.places[1])
    source, target = _known(number.meta.unit, call.places[0]), _known(written.strip(), call.places[1])
    try:
        factor = float(source.to(target))
    except (units.UnitConversionError, TypeError, ArithmeticError) as error:
        raise AdqlError(f"{number.meta.unit} cannot be given in {written}", call.places[1]) from error
    if not 0 < factor < math.inf:
        raise AdqlError(f"{number.meta.unit} cannot be given in {written}", call.places[1])
    scale = call.scope.context.parameters.bind(factor, "double precision")
    return of_kind(glue("(", call.double(0), " * ", scale, ")"), Kind.FLOAT, unit=written.strip())


def _known(written: str, place: int | None) -> units.UnitBase:
    try:
        return read_unit(written)
    except ValueError as error:
        raise AdqlError(str(error), place) from error


UNITS = (Function("IN_UNIT", 2, 2, _in_unit),)
