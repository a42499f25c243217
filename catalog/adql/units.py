"""IN_UNIT: a column's values in another unit, by a factor that is known before the query runs."""

from astropy import units

from catalog.adql.call import Call, Function
from catalog.adql.errors import AdqlError
from catalog.adql.glue import glue
from catalog.adql.value import Kind, Value, of_kind


def _in_unit(call: Call) -> Value:
    number = call.number(0)
    written = call.constant_text(1)
    if not number.meta.unit:
        raise AdqlError("IN_UNIT expects a value that has a unit, such as a column with one", call.places[0])
    if not written.strip():
        raise AdqlError("IN_UNIT cannot make a value without a unit", call.places[1])
    try:
        target = units.Unit(written, format="vounit")
    except ValueError as error:
        raise AdqlError(f"{written!r} is no unit of VOUnits", call.places[1]) from error
    try:
        factor = float(units.Unit(number.meta.unit, format="vounit").to(target))
    except (units.UnitConversionError, TypeError) as error:
        raise AdqlError(f"{number.meta.unit} cannot be given in {written}", call.places[1]) from error
    scale = call.scope.context.parameters.bind(factor, "double precision")
    return of_kind(glue("(", call.double(0), " * ", scale, ")"), Kind.FLOAT, unit=written.strip())


UNITS = (Function("IN_UNIT", 2, 2, _in_unit),)
