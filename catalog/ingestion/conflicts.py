"""What a tile may not do to the galaxies of others: checked on its staged sources before anything is kept."""

from psycopg import Cursor

from catalog.errors import CatalogError, CollisionError
from catalog.ingestion.records import TileRecord


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
