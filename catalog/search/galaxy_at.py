"""The galaxy at a position, or how far away the nearest is."""

import math
from typing import LiteralString

import psycopg

from catalog.database.read_only import select
from catalog.errors import UnknownObjectError

_AT: LiteralString = (
    "SELECT object_id FROM galcat.galaxy WHERE galcat.cone(ra, dec, %(ra)s, %(dec)s, %(radius)s) "
    "ORDER BY galcat.sky_distance(ra, dec, %(ra)s, %(dec)s) LIMIT 1"
)
_NEAREST: LiteralString = (
    "SELECT object_id, galcat.sky_distance(ra, dec, %(ra)s, %(dec)s) AS degrees FROM galcat.galaxy "
    "WHERE galcat.cone(ra, dec, %(ra)s, %(dec)s, %(radius)s) ORDER BY degrees LIMIT 1"
)
_WIDER_DEG = (0.05, 0.5, 5.0, 180.0)  # the index finds what is near at once


def find_galaxy_at(
    connection: psycopg.Connection, ra_deg: float, dec_deg: float, radius_arcsec: float
) -> int:
    """The galaxy nearest to a position, ICRS degrees, within a radius.

    Raises:
        UnknownObjectError: None is that near; names the nearest.
        QueryError: The position is not on the sphere.
    """
    rows = select(connection, _AT, {"ra": ra_deg, "dec": dec_deg, "radius": radius_arcsec / 3600}).rows
    if not rows:
        near = _describe_nearest(connection, ra_deg, dec_deg)
        place = f"({ra_deg:.9g}, {dec_deg:.9g})"
        raise UnknownObjectError(f'no galaxy within {radius_arcsec:g}" of {place}{near}')
    return int(str(rows[0][0]))


def _describe_nearest(connection: psycopg.Connection, ra_deg: float, dec_deg: float) -> str:
    for radius in _WIDER_DEG:
        rows = select(connection, _NEAREST, {"ra": ra_deg, "dec": dec_deg, "radius": radius}).rows
        if rows:
            identity, arcsec = rows[0][0], float(str(rows[0][1])) * 3600
            if arcsec >= 3600:  # noqa: PLR2004 - a degree
                return f": the nearest, {identity}, is {arcsec / 3600:.1f} degrees away"
            needed = math.ceil(arcsec * 10) / 10
            return f': the nearest, {identity}, is {arcsec:.1f}" away; --radius-arcsec {needed:g} takes it'
    return ""
