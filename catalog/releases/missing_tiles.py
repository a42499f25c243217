"""Tiles that one release shows and another lacks: what a backfill has to fill."""

from dataclasses import dataclass

import psycopg

_ALL = """
    SELECT v.name, t.name, t.ra, t.dec, t.folder, source.content_hash
    FROM galcat.missing_tiles(%(release)s::smallint) JOIN galcat.tile AS t USING (tile_id)
    JOIN galcat.survey AS v USING (survey_id)
    CROSS JOIN LATERAL (
        SELECT i.content_hash FROM galcat.ingestion AS i
        WHERE i.tile_id = t.tile_id AND i.release_id <> %(release)s
            AND (i.release_id = (SELECT galcat.current_release())
                OR %(release)s = (SELECT galcat.current_release())
                    AND (i.state = 'done' OR i.n_galaxies > 0))
        ORDER BY i.finished_at DESC LIMIT 1) AS source
    ORDER BY 1, 2
"""
_FIRST = """
    SELECT t.name, missing.n
    FROM (SELECT m.tile_id, count(*) OVER () AS n FROM galcat.missing_tiles(%s::smallint) AS m
        ORDER BY m.tile_id LIMIT %s) AS missing
    JOIN galcat.tile AS t USING (tile_id) ORDER BY t.tile_id
"""


@dataclass(frozen=True)
class MissingTile:
    """A tile that the current release shows and another lacks.

    Attributes:
        survey: Name of the tile's survey.
        name: Name of the tile.
        ra: Right ascension of its centre, ICRS degrees; None for a chunk of cutouts.
        dec: Declination of its centre, ICRS degrees; None for a chunk of cutouts.
        folder: Folder from which it was ingested; None where that was not kept.
        content_hash: Digest of the files of which the current release was made; None where its last attempt
            failed.
    """

    survey: str
    name: str
    ra: float | None
    dec: float | None
    folder: str | None
    content_hash: str | None


def list_missing_tiles(connection: psycopg.Connection, release_id: int) -> list[MissingTile]:
    """List the tiles that the current release shows and another lacks, by survey and name.

    Of the current release itself, which may have been promoted before it was whole, those that another has:
    their content is that of the latest ingestion.

    Args:
        connection: Open connection; only read from.
        release_id: Number of the release that lacks them.
    """
    rows = connection.execute(_ALL.encode(), {"release": release_id}).fetchall()
    return [MissingTile(*row) for row in rows]


def count_missing_tiles(connection: psycopg.Connection, release_id: int, n: int) -> tuple[int, list[str]]:
    """Count the tiles that `list_missing_tiles` would list, without reading each.

    Args:
        connection: Open connection; only read from.
        release_id: Number of the release that lacks them.
        n: How many of them are named.

    Returns:
        The number of tiles, and the names of the n that the catalogue has known longest.
    """
    rows = connection.execute(_FIRST.encode(), [release_id, n]).fetchall()
    return (int(rows[0][1]) if rows else 0), [str(name) for name, _ in rows]
