"""Functions that are not of ADQL itself: HEALPix cells, the spread of vote fractions."""

from catalog.adql.errors import AdqlError
from catalog.adql.functions.call import Call, Function
from catalog.adql.functions.regions import coordinates_of
from catalog.adql.glue import glue, listed
from catalog.adql.sky import is_galaxy_position
from catalog.adql.sources import Source
from catalog.adql.value import Kind, Value, double, of_kind

FINEST = 29


def _healpix(call: Call) -> Value:
    """Nested cells; of a galaxy they are part of what is stored."""
    order = call.arguments[0]
    if len(call.arguments) == 2:  # noqa: PLR2004 # order and a point
        if call.arguments[1].kind is not Kind.POINT:
            raise call.wrong(1, "a point")
        ra, dec = coordinates_of(call.arguments[1])
    else:
        ra, dec = call.number(1), call.number(2)
    if order.constant is not None and not (isinstance(order.constant, int) and 0 <= order.constant <= FINEST):
        raise AdqlError(f"{order.constant} is no HEALPix order, 0 to {FINEST}", call.places[0])
    source = ra.column.source if ra.column is not None else None
    if isinstance(order.constant, int) and is_galaxy_position(ra, dec) and isinstance(source, Source):
        stored = [column.text for column in source.columns if column.stored_as == "healpix29"]
        if stored:
            bits = call.scope.context.parameters.bind(2 * (FINEST - order.constant), "integer")
            return of_kind(glue("(", stored[0], " >> ", bits, ")"), Kind.INTEGER, datatype="long")
    text = glue("galcat.healpix_of(", double(ra), ", ", double(dec), ", ", call.integer(0), ")")
    return of_kind(text, Kind.INTEGER, datatype="long")


def _quantile(call: Call) -> Value:
    numbers = [call.double(i) for i in range(3)]
    return of_kind(glue("galcat.fraction_quantile(", listed(numbers), ")"), Kind.FLOAT)


CATALOGUE_FUNCTIONS = (
    Function("ivo_healpix_index", 2, 3, _healpix),
    Function("galcat_fraction_quantile", 3, 3, _quantile),
)
