"""Write a tile's galaxies in one transaction, so that it is wholly there or, where refused, not at all."""

from dataclasses import dataclass

import numpy as np
import psycopg
from psycopg import Cursor

from catalog.database.staging import merge
from catalog.errors import CatalogError, CollisionError
from catalog.ingestion.picture_rows import (
    add_missing_digests,
    has_new_picture,
    remove_vectors,
    write_thumbnails,
    write_vectors,
)
from catalog.ingestion.records import GalaxyRows, SkipRecord, TileRecord, object_id
from catalog.ingestion.source_rows import SOURCE_COLUMNS, retire_vanished, stage_sources
from catalog.ingestion.tile_rows import find_folder, upsert_tile, write_attempt, write_outcome


@dataclass(frozen=True)
class WriteResult:
    """What one tile changed: rows new or different, and galaxies retired."""

    changed: int
    retired: int


def write_tile(
    connection: psycopg.Connection,
    survey_id: int,
    release_id: int,
    tile: TileRecord,
    galaxies: GalaxyRows,
    skips: list[SkipRecord],
) -> WriteResult:
    """Make a release hold exactly this tile's galaxies, in one transaction.

    Rows that are already there and equal are not touched; vectors and morphology of a picture that is already
    there are taken as equal. Those of the same picture, made anew, differ in their last bits with the
    pictures beside it in the batch, by processor: to compare them would write galaxies again that nobody
    changed. Galaxies the tile no longer lists are retired:
    their source row stays, for the labels that point to it, and their vectors go, in every release. A source
    that is skipped loses its vectors in this release; one whose image could not be read keeps what it had.

    A release that is not the current one only adds: what readers see of the tile, its galaxies and their
    pictures stays as it is.

    Raises:
        CollisionError: A galaxy's object_id belongs to another source, or the galaxy to another tile.
        CatalogError: The tile came from another folder, and none of its galaxies is in this one.
        psycopg.Error: The connection or the disk failed; the transaction is rolled back.
    """
    with connection.transaction(), connection.cursor() as cursor:
        survey = _survey_name(cursor, survey_id)
        is_current = _is_current(cursor, release_id)
        folder_before = find_folder(cursor, survey_id, tile.name)
        tile_id = upsert_tile(cursor, survey_id, tile, replace=is_current)
        ids = np.array([object_id(survey, name) for name in galaxies.survey_source_id], dtype=np.int64)
        stage_sources(cursor, survey_id, tile_id, ids, galaxies)
        refuse_collisions(cursor)
        if is_current:
            refuse_other_tiles(cursor, tile_id, release_id, tile)
        if is_current and folder_before not in {None, tile.folder}:
            refuse_strangers(cursor, tile_id, tile, str(folder_before))
        columns = (*SOURCE_COLUMNS, "is_retired")
        changed = merge(cursor, "source", ("object_id",), columns, replace=is_current)
        skipped = {skip: object_id(survey, skip.survey_source_id) for skip in skips}
        retired = retire_vanished(cursor, tile_id, list(skipped.values())) if is_current else 0
        remove_vectors(cursor, release_id, [i for skip, i in skipped.items() if not skip.will_retry])
        changed += add_missing_digests(cursor, release_id, ids, galaxies)
        new = has_new_picture(cursor, release_id, ids, galaxies.picture_digests)
        rewritten = write_vectors(cursor, release_id, ids, galaxies, new)
        if rewritten:
            cursor.execute("SELECT galcat.forget_scores(%s::smallint, %s)", [release_id, ids[new].tolist()])
        changed += rewritten + write_thumbnails(cursor, release_id, ids, galaxies.jpegs, replace=is_current)
        write_outcome(cursor, tile_id, release_id, tile, len(galaxies), skips)
        if rewritten:  # last: whoever calibrates the survey now waits for the outcome, or has come before it
            cursor.execute(
                "SELECT galcat.calibrate_written(%s::smallint, %s::smallint, %s)",
                [release_id, survey_id, ids[new].tolist()],
            )
    return WriteResult(changed, retired)


def write_failure(
    connection: psycopg.Connection, survey_id: int, release_id: int, tile: TileRecord, error: str
) -> None:
    """Remember that a tile failed, and why; galaxies it had before stay as they are."""
    with connection.transaction(), connection.cursor() as cursor:
        tile_id = upsert_tile(cursor, survey_id, tile, replace=_is_current(cursor, release_id))
        write_attempt(
            cursor,
            tile_id,
            release_id,
            {"state": "failed", "fingerprint": tile.fingerprint, "content_hash": None, "error": error},
        )


def _survey_name(cursor: Cursor[tuple[object, ...]], survey_id: int) -> str:
    row = cursor.execute("SELECT name FROM galcat.survey WHERE survey_id = %s", [survey_id]).fetchone()
    if row is None:
        raise CatalogError(f"no survey has survey_id {survey_id}")
    return str(row[0])


def _is_current(cursor: Cursor[tuple[object, ...]], release_id: int) -> bool:
    row = cursor.execute(
        "SELECT is_current FROM galcat.release WHERE release_id = %s", [release_id]
    ).fetchone()
    if row is None:
        raise CatalogError(f"no release has release_id {release_id}: it was dropped")
    return bool(row[0])


def refuse_collisions(cursor: Cursor[tuple[object, ...]]) -> None:
    """Two sources of one object_id: within the tile, or one of them in the catalogue already."""
    within = cursor.execute(
        "SELECT object_id, array_agg(survey_source_id ORDER BY survey_source_id) FROM pg_temp.stage_source "
        "GROUP BY object_id HAVING count(*) > 1 LIMIT 1"
    ).fetchone()
    if within is not None:
        raise CollisionError(f"object_id {within[0]} is claimed by the sources {within[1]} of one tile")
    row = cursor.execute(
        "SELECT t.object_id, n.survey_source_id, t.survey_source_id, v.name FROM pg_temp.stage_source AS n "
        "JOIN galcat.source AS t USING (object_id) JOIN galcat.survey AS v ON v.survey_id = t.survey_id "
        "WHERE (t.survey_id, t.survey_source_id) <> (n.survey_id, n.survey_source_id) LIMIT 1"
    ).fetchone()
    if row is not None:
        raise CollisionError(
            f"object_id {row[0]} of source {row[1]} already belongs to source {row[2]} of survey {row[3]}"
        )


def refuse_other_tiles(
    cursor: Cursor[tuple[object, ...]], tile_id: int, release_id: int, tile: TileRecord
) -> None:
    """One id in two tiles: the later would take the galaxy from the earlier.

    Tiles that are chunks of one table share its file, and rows may move from one to the next.
    """
    row = cursor.execute(
        "SELECT s.survey_source_id, t.name FROM pg_temp.stage_source AS n "
        "JOIN galcat.source AS s USING (object_id) JOIN galcat.tile AS t ON t.tile_id = s.tile_id "
        "JOIN galcat.ingestion AS i ON i.tile_id = t.tile_id AND i.release_id = %s AND i.state = 'done' "
        "WHERE s.tile_id <> %s AND NOT s.is_retired AND NOT t.files && %s::text[] "
        "ORDER BY s.survey_source_id LIMIT 1",
        [release_id, tile_id, list(tile.files)],
    ).fetchone()
    if row is not None:
        raise CollisionError(
            f"tile {tile.name}: source {row[0]} is in tile {row[1]} already: an id names one galaxy; if it "
            f"moved, ingest {row[1]} again first"
        )


def refuse_strangers(
    cursor: Cursor[tuple[object, ...]], tile_id: int, tile: TileRecord, folder_before: str
) -> None:
    """A tile of the same name from elsewhere with other galaxies: all that are there would be retired."""
    row = cursor.execute(
        "SELECT count(*), count(n.object_id) FROM galcat.source AS s "
        "LEFT JOIN pg_temp.stage_source AS n USING (object_id) WHERE s.tile_id = %s AND NOT s.is_retired",
        [tile_id],
    ).fetchone()
    if row is not None and row[0] and not row[1]:
        raise CatalogError(
            f"tile {tile.name} came from {folder_before}, and {tile.folder} has none of its galaxies: give "
            "this data another survey name, or its table another file name"
        )
