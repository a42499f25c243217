"""Functions that are not of ADQL itself: HEALPix cells, the spread of vote fractions."""

from catalog.adql.emitter import emit, emit_list
from catalog.adql.errors import AdqlError
from catalog.adql.functions.call import Call, Function
from catalog.adql.functions.regions import split_point
from catalog.adql.relations import Source
from catalog.adql.sky import is_galaxy_position
from catalog.adql.value import Kind, Value, as_double, make_value

MAX_HEALPIX_ORDER = 29


def _make_healpix(call: Call) -> Value:
    """Nested cells; of a galaxy they are part of what is stored."""
    order = call.arguments[0]
    if len(call.arguments) == 2:  # noqa: PLR2004 # order and a point
        if call.arguments[1].kind is not Kind.POINT:
            raise call.argument_error(1, "a point")
        ra, dec = split_point(call.arguments[1])
    else:
        ra, dec = call.number(1), call.number(2)
    if order.constant is not None and not (
        isinstance(order.constant, int) and 0 <= order.constant <= MAX_HEALPIX_ORDER
    ):
        raise AdqlError(f"{order.constant} is no HEALPix order, 0 to {MAX_HEALPIX_ORDER}", call.offsets[0])
    source = ra.column.source if ra.column is not None else None
    if isinstance(order.constant, int) and is_galaxy_position(ra, dec) and isinstance(source, Source):
        stored = [column.text for column in source.columns if column.stored_as == "healpix29"]
        if stored:
            bits = call.scope.context.parameters.bind(2 * (MAX_HEALPIX_ORDER - order.constant), "integer")
            return make_value(emit("(", stored[0], " >> ", bits, ")"), Kind.INTEGER, datatype="long")
    text = emit("galcat.healpix_of(", as_double(ra), ", ", as_double(dec), ", ", call.integer(0), ")")
    return make_value(text, Kind.INTEGER, datatype="long")


def _make_quantile(call: Call) -> Value:
    numbers = [call.double(i) for i in range(3)]
    return make_value(emit("galcat.fraction_quantile(", emit_list(numbers), ")"), Kind.FLOAT)


CATALOGUE_FUNCTIONS = (
    Function("ivo_healpix_index", 2, 3, _make_healpix),
    Function("galcat_fraction_quantile", 3, 3, _make_quantile),
)
