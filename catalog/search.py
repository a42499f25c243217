"""Galaxies that look alike, with the promise that an index never makes an answer shorter."""

from typing import LiteralString

import numpy as np
import psycopg
from numpy.typing import NDArray

from catalog.errors import UnknownObjectError
from catalog.query import Result, select

COLUMNS: LiteralString = (
    "g.object_id, n.distance, g.survey, g.survey_source_id, g.ra, g.dec, g.mag_r, "
    "g.smooth_or_featured_featured_or_disk_fraction AS featured, g.disk_edge_on_yes_fraction AS edge_on, "
    "g.has_spiral_arms_yes_fraction AS spiral"
)
BY_ID: LiteralString = (  # nothing but constants of this file
    "SELECT " + COLUMNS + " FROM galcat.neighbours(%(id)s) AS n JOIN galcat.galaxy AS g USING (object_id) "  # noqa: S608
    "WHERE n.object_id <> %(id)s ORDER BY n.distance LIMIT %(n)s"
)
BY_VECTOR: LiteralString = (
    "SELECT " + COLUMNS + " FROM galcat.similar_to_vector(%(vector)s::real[], %(n)s) AS n "  # noqa: S608
    "JOIN galcat.galaxy AS g USING (object_id) ORDER BY n.distance"
)
AT: LiteralString = (
    "SELECT object_id FROM galcat.galaxy WHERE galcat.cone(ra, dec, %(ra)s, %(dec)s, %(radius)s) "
    "ORDER BY galcat.sky_distance(ra, dec, %(ra)s, %(dec)s) LIMIT 1"
)


def similar(connection: psycopg.Connection, object_id: int, n: int) -> Result:
    """The n galaxies most similar to one, the nearest first, without itself.

    Raises:
        QueryError: No galaxy has that object_id.
    """
    return _in_full(connection, BY_ID, {"id": object_id, "n": n}, n)


def similar_to_vector(connection: psycopg.Connection, search: NDArray[np.float32], n: int) -> Result:
    """The n galaxies most similar to a (40,) search vector of the current release."""
    return _in_full(connection, BY_VECTOR, {"vector": search.tolist(), "n": n}, n)


def galaxy_at(connection: psycopg.Connection, ra_deg: float, dec_deg: float, radius_arcsec: float) -> int:
    """The galaxy nearest to a position, ICRS degrees, within a radius.

    Raises:
        UnknownObjectError: None is that near.
        QueryError: The position is not on the sphere.
    """
    rows = select(connection, AT, {"ra": ra_deg, "dec": dec_deg, "radius": radius_arcsec / 3600}).rows
    if not rows:
        raise UnknownObjectError(f'no galaxy within {radius_arcsec:g}" of ({ra_deg}, {dec_deg})')
    return int(str(rows[0][0]))


def _in_full(
    connection: psycopg.Connection, query: LiteralString, parameters: dict[str, object], n: int
) -> Result:
    """Run by index; where that gives fewer than n rows, run again exactly."""
    found = select(connection, query, parameters)
    return found if len(found.rows) >= n else select(connection, query, parameters, exact=True)
