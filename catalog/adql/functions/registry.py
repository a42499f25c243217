"""All functions that a query may call, and those of them that a service must declare."""

from dataclasses import dataclass

from catalog.adql.functions.aggregates import AGGREGATES
from catalog.adql.functions.call import Function
from catalog.adql.functions.catalogue_functions import CATALOGUE_FUNCTIONS
from catalog.adql.functions.choices import CHOICES
from catalog.adql.functions.geometry import GEOMETRY
from catalog.adql.functions.mathematics import MATHEMATICS
from catalog.adql.functions.morph_distance import MORPH_FUNCTIONS
from catalog.adql.functions.regions import REGIONS
from catalog.adql.functions.texts import TEXTS
from catalog.adql.functions.units import UNITS


@dataclass(frozen=True)
class UserFunction:
    """A user-defined function as TAPRegExt declares it (features-udf).

    Attributes:
        signature: The function's name, parameters and result, as TAPRegExt writes them.
        description: What the function gives, in a sentence or two for its users.
    """

    signature: str
    description: str


FUNCTIONS: dict[str, Function] = {
    function.name.upper(): function
    for function in (
        *AGGREGATES,
        *MATHEMATICS,
        *CHOICES,
        *TEXTS,
        *REGIONS,
        *GEOMETRY,
        *UNITS,
        *CATALOGUE_FUNCTIONS,
        *MORPH_FUNCTIONS,
    )
}
USER_FUNCTIONS = (
    UserFunction(
        "morph_distance(a BIGINT, b BIGINT) -> DOUBLE PRECISION",
        "How unlike two galaxies look, by their object_ids: 0 for a galaxy and itself, about 1 for two "
        "random ones. SELECT TOP n ... ORDER BY morph_distance(object_id, 123) finds those most like one, "
        "alone or with a cone and other conditions, which act first: there are never fewer rows than "
        "galaxies that fulfil them.",
    ),
    UserFunction(
        "morph_distance(a BIGINT, vector REAL[]) -> DOUBLE PRECISION",
        "How unlike a vector a galaxy looks: 40 numbers, such as galcat.embedding.search or a column of an "
        "uploaded table. With an uploaded table of one row, ORDER BY finds the galaxies most like it.",
    ),
    UserFunction(
        "morph_distance(a BIGINT, vector REAL[], release VARCHAR(*)) -> DOUBLE PRECISION",
        "The same for a vector at the full width of the named release, which must be the current one; it is "
        "projected as the galaxies' own were.",
    ),
    UserFunction(
        "morph_distance(a BIGINT, b BIGINT, c BIGINT) -> DOUBLE PRECISION",
        "The same for several examples, as many as 200: how unlike what b, c and all further ones have "
        "in common. A minus sign before an object_id keeps away from that galaxy. "
        "Or the 40 numbers of a vector, "
        "written out with decimal points.",
    ),
    UserFunction(
        "ivo_healpix_index(hpxOrder INTEGER, ra DOUBLE PRECISION, dec DOUBLE PRECISION) -> BIGINT",
        "The nested HEALPix cell of an order, 0 to 29, that holds a position in ICRS degrees.",
    ),
    UserFunction(
        "ivo_healpix_index(hpxOrder INTEGER, pos POINT) -> BIGINT",
        "The nested HEALPix cell of an order, 0 to 29, that holds a point.",
    ),
    UserFunction(
        "ivo_hasword(haystack VARCHAR(*), needle VARCHAR(*)) -> INTEGER",
        "1 where a text holds a whole word, in any case, else 0.",
    ),
    UserFunction(
        "ivo_string_agg(expression VARCHAR(*), delimiter VARCHAR(*)) -> VARCHAR(*)",
        "An aggregate: all texts of a group that are not NULL, with the delimiter between them.",
    ),
    UserFunction(
        "SIGN(x DOUBLE PRECISION) -> DOUBLE PRECISION",
        "-1, 0 or 1, as the number is negative, 0 or positive.",
    ),
    UserFunction(
        "galcat_fraction_quantile(fraction DOUBLE PRECISION, concentration DOUBLE PRECISION, "
        "p DOUBLE PRECISION) -> DOUBLE PRECISION",
        "Quantile p of the posterior of a vote fraction: with 0.05 and 0.95 the ends of its 90 % interval. "
        "Give a fraction column and the concentration column of its question.",
    ),
)
