"""Tiles that leave the catalogue: listed, taken out with their galaxies, forgotten."""

from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

import psycopg
from psycopg import sql

from catalog.errors import CatalogError

_LIST = """
    SELECT v.name, t.name, i.state, i.n_galaxies, i.finished_at, t.folder, t.files, i.error
    FROM galcat.tile AS t JOIN galcat.survey AS v USING (survey_id)
    LEFT JOIN galcat.ingestion AS i ON i.tile_id = t.tile_id AND i.release_id = galcat.current_release()
    WHERE %(survey)s::text IS NULL OR v.name = %(survey)s
    ORDER BY 1, 2
"""
_FIND = """
    SELECT t.tile_id, v.name, t.folder FROM galcat.tile AS t JOIN galcat.survey AS v USING (survey_id)
    WHERE t.name = %(name)s AND (%(survey)s::text IS NULL OR v.name = %(survey)s)
    ORDER BY 2 FOR UPDATE OF t
"""
_RETIRE = """
    UPDATE galcat.source SET is_retired = true WHERE tile_id = %s AND NOT is_retired RETURNING object_id
"""
_GALAXIES = "SELECT count(*) FROM galcat.source WHERE tile_id = %s AND NOT is_retired"
_ATTEMPTS = "DELETE FROM galcat.ingestion WHERE tile_id = %s"
_UNLABELLED = """
    DELETE FROM galcat.source AS s WHERE s.tile_id = %s AND s.is_retired
        AND NOT EXISTS (SELECT FROM galcat.label AS l WHERE l.object_id = s.object_id)
        AND NOT EXISTS (SELECT FROM galcat.tag AS t WHERE t.object_id = s.object_id)
        AND NOT EXISTS (SELECT FROM galcat.interest_offer AS o WHERE o.object_id = s.object_id)
"""
_LABELLED = "SELECT count(*) FROM galcat.source WHERE tile_id = %s"
_ROW = """
    DELETE FROM galcat.tile AS t WHERE t.tile_id = %s
        AND NOT EXISTS (SELECT FROM galcat.source AS s WHERE s.tile_id = t.tile_id)
"""


@dataclass(frozen=True)
class TileState:
    """A tile as the current release has it.

    Attributes:
        survey: Name of its survey.
        name: Name of the tile.
        state: `done`, `failed`, or None where the current release has not tried it, or it was retracted.
        galaxies: Number of its galaxies; None likewise.
        tried_at: When it was tried last; None likewise.
        folder: Folder from which it was ingested; None where that was not kept.
        files: Paths of its files in that folder.
        error: Why it failed; None where it did not.
    """

    survey: str
    name: str
    state: str | None
    galaxies: int | None
    tried_at: datetime | None
    folder: str | None
    files: tuple[str, ...]
    error: str | None


@dataclass(frozen=True)
class RemovedTile:
    """What went with a tile.

    Attributes:
        galaxies: How many galaxies were retired: their vectors are gone, labels of them stay.
        folder: Folder from which it was ingested; None where that was not kept.
    """

    galaxies: int
    folder: str | None


def list_tiles(connection: psycopg.Connection, survey: str | None = None) -> list[TileState]:
    """List the tiles of a survey, or of all, by survey and name.

    Args:
        connection: Open connection; only read from.
        survey: Name of the survey; None for all.
    """
    rows = connection.execute(_LIST.encode(), {"survey": survey}).fetchall()
    return [
        TileState(of, name, state, galaxies, tried_at, folder, tuple(files), error)
        for of, name, state, galaxies, tried_at, folder, files, error in rows
    ]


def retract_tile(connection: psycopg.Connection, name: str, survey: str | None = None) -> RemovedTile:
    """Take a tile out of every release, in one transaction: its galaxies are retired, as if it listed none.

    Rows that say where its galaxies were stay, for the labels that point to them. Ingested again it is back.

    Args:
        connection: Open connection of the writer.
        name: Name of the tile.
        survey: Name of its survey; needed where two surveys have a tile of that name.

    Raises:
        CatalogError: There is no such tile, or there are two.
    """
    with connection.transaction():
        tile_id, folder = _find(connection, name, survey)
        ids = [row[0] for row in connection.execute(_RETIRE, [tile_id]).fetchall()]
        for table in ("embedding", "embedding_full", "morphology", "thumbnail"):
            query = sql.SQL("DELETE FROM {} WHERE object_id = ANY (%s)").format(
                sql.Identifier("galcat", table)
            )
            connection.execute(query, [ids])
        connection.execute(_ATTEMPTS, [tile_id])
    return RemovedTile(len(ids), folder)


def forget_tile(connection: psycopg.Connection, name: str, survey: str | None = None) -> int:
    """Forget that a tile without galaxies was ever tried, such as one that failed and whose files are gone.

    Retired galaxies of it are forgotten too, but those that somebody has labelled, tagged or was asked about.

    Args:
        connection: Open connection of the writer.
        name: Name of the tile.
        survey: Name of its survey; needed where two surveys have a tile of that name.

    Returns:
        How many retired galaxies are kept for their labels; the tile is listed as long as there is one.

    Raises:
        CatalogError: There is no such tile, there are two, or it has galaxies.
    """
    with connection.transaction():
        tile_id, _ = _find(connection, name, survey)
        if n := _count(connection, _GALAXIES, tile_id):
            raise CatalogError(f"tile {name} has {n} galaxies: take it out by galcat tile retract first")
        connection.execute(_ATTEMPTS, [tile_id])
        connection.execute(_UNLABELLED, [tile_id])
        connection.execute(_ROW, [tile_id])
        return _count(connection, _LABELLED, tile_id)


def _count(connection: psycopg.Connection, query: LiteralString, tile_id: int) -> int:
    row = connection.execute(query, [tile_id]).fetchone()
    return 0 if row is None else int(row[0])


def _find(connection: psycopg.Connection, name: str, survey: str | None) -> tuple[int, str | None]:
    found = connection.execute(_FIND, {"name": name, "survey": survey}).fetchall()
    if not found:
        of = f" of survey {survey}" if survey else ""
        raise CatalogError(f"the catalogue has no tile {name!r}{of}: galcat tile list names those it has")
    if len(found) > 1:
        surveys = ", ".join(row[1] for row in found)
        raise CatalogError(f"several surveys have a tile {name}: {surveys}; name one by --survey")
    return int(found[0][0]), found[0][2]
