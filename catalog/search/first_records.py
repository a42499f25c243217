"""Of several records of one galaxy, in tiles or surveys that overlap, the first."""

import psycopg
from astropy import units
from astropy.coordinates import SkyCoord
from psycopg import sql

from catalog.constants import SAME_PLACE_ARCSEC
from catalog.database.read_only import select_within


def read_places(connection: psycopg.Connection, object_ids: list[int]) -> list[tuple[object, ...]]:
    """Position, survey and tile of some galaxies.

    Args:
        connection: A connection inside a transaction.
        object_ids: object_ids of the galaxies.
    """
    query = sql.SQL("SELECT ra, dec, survey, tile FROM galcat.galaxy WHERE object_id = ANY (%(ids)s)")
    return select_within(connection, query, {"ids": object_ids}).rows


def keep_first_records(
    rows: list[tuple[object, ...]], own: list[tuple[object, ...]]
) -> list[tuple[object, ...]]:
    """Rows whose place is that of no earlier row in another tile or survey.

    Args:
        rows: Rows that end in what `read_places` gives: ra, dec, survey and tile.
        own: Places whose galaxies are left out altogether.
    """
    if not rows:
        return rows
    places = [*own, *(row[-4:] for row in rows)]
    position = SkyCoord([p[0] for p in places], [p[1] for p in places], unit="deg")
    later, earlier, *_ = position.search_around_sky(position, SAME_PLACE_ARCSEC * units.arcsec)
    twins: dict[int, list[int]] = {}
    for i, j in zip(later.tolist(), earlier.tolist(), strict=True):
        if j < i and places[i][2:] != places[j][2:]:
            twins.setdefault(i, []).append(j)
    kept = set(range(len(own)))
    for i in range(len(own), len(places)):
        if not kept.intersection(twins.get(i, ())):
            kept.add(i)
    return [row for i, row in enumerate(rows, len(own)) if i in kept]
