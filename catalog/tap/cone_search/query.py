"""The parameters of Simple Cone Search 1.03, and the ADQL query that answers them."""

import math
from dataclasses import dataclass, replace

from catalog.adql.published import Published, PublishedColumn
from catalog.columns import ColumnMeta
from catalog.tap.errors import UsageError
from catalog.tap.parameters import RequestParameters

TABLE = ("galcat", "galaxy")
IDENTITY, RA, DEC, SEPARATION = "object_id", "ra", "dec", "separation"
_FEW = (IDENTITY, "survey", RA, DEC, "mag_r")
_OLD_UCDS = {IDENTITY: "ID_MAIN", RA: "POS_EQ_RA_MAIN", DEC: "POS_EQ_DEC_MAIN"}
"""Of UCD1, which the standard demands of just these three; the others have those of today."""


@dataclass(frozen=True)
class ConeSearchRequest:
    """A cone search, its parameters checked.

    Attributes:
        ra_deg: Right ascension of the centre in degrees, ICRS.
        dec_deg: Declination of the centre in degrees, ICRS.
        radius_deg: Radius of the cone in degrees; 0 asks for the columns alone.
        verbosity: 1 for few columns, 2 for those of a first look, 3 for all.
    """

    ra_deg: float
    dec_deg: float
    radius_deg: float
    verbosity: int = 2


def parse_cone_search(parameters: RequestParameters) -> ConeSearchRequest:
    """Read RA, DEC, SR and VERB.

    Raises:
        UsageError: One is missing, no number, or out of range.
    """
    verbosity = parameters.choice("VERB", ("1", "2", "3"))
    return ConeSearchRequest(
        _parse_degrees(parameters, "RA", 0, 360, "right ascension of the centre"),
        _parse_degrees(parameters, "DEC", -90, 90, "declination of the centre"),
        _parse_degrees(parameters, "SR", 0, 180, "radius"),
        int(verbosity or 2),
    )


def write_cone_query(cone: ConeSearchRequest, published: Published) -> str:
    """Write the query: galaxies within the cone, nearest first, and their identity as text.

    Nothing but checked numbers and published names is part of the text.
    """
    selected = [
        f'CAST("{IDENTITY}" AS VARCHAR(20)) AS "{IDENTITY}"' if name == IDENTITY else f'"{name}"'
        for name in _select_names(cone.verbosity, published)
    ]
    centre = f"{cone.ra_deg!r}, {cone.dec_deg!r}"
    return (
        f'SELECT {", ".join(selected)}, DISTANCE(POINT("ra", "dec"), POINT({centre})) AS "{SEPARATION}" '  # noqa: S608 - ADQL
        f'FROM galcat.galaxy WHERE 1 = CONTAINS(POINT("ra", "dec"), CIRCLE({centre}, {cone.radius_deg!r})) '
        f'ORDER BY "{SEPARATION}"'
    )


def describe_column(column: ColumnMeta, published: Published) -> ColumnMeta:
    """Describe a column of the answer, with the UCD that the standard demands."""
    if column.name == IDENTITY:
        text = {one.meta.name: one.meta.description for one in _columns(published)}.get(IDENTITY, "")
        column = replace(column, description=text)
    elif column.name == SEPARATION:
        text = "Distance from the centre of the cone"
        column = replace(column, unit="deg", ucd="pos.angDistance", description=text)
    return replace(column, ucd=_OLD_UCDS.get(column.name, column.ucd))


def _select_names(verbosity: int, published: Published) -> list[str]:
    wanted = {
        one.meta.name
        for one in _columns(published)
        if verbosity == 3 or one.meta.name in _FEW or (verbosity == 2 and one.is_principal)  # noqa: PLR2004 - all
    }
    return [one.meta.name for one in _columns(published) if one.meta.name in wanted]


def _columns(published: Published) -> tuple[PublishedColumn, ...]:
    return next(table.columns for table in published.tables if (table.schema, table.name) == TABLE)


def _parse_degrees(
    parameters: RequestParameters, name: str, minimum: int, maximum: int, meaning: str
) -> float:
    text = parameters.one(name)
    if text is None:
        raise UsageError(f"{name} is missing: the {meaning} in degrees, {minimum} to {maximum}")
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not minimum <= value <= maximum:
        expected = f"expected the {meaning} in degrees, {minimum} to {maximum}"
        raise UsageError(f"{name} is {text[:50]!r}: {expected}")
    return value
