"""The rows of a survey and of its tiles: where a tile lies and came from, how its ingestion ended."""

from collections.abc import Mapping
from dataclasses import asdict

import numpy as np
import psycopg
from psycopg import Cursor
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from catalog.database.statements import insert_rows, returned_number, run, upsert
from catalog.ingestion.records import SkipRecord, SurveyRecord, TileRecord
from catalog.ingestion.source_rows import compute_healpix29
from catalog.schema import ingestion, skipped_row
from catalog.schema import survey as survey_table
from catalog.schema import tile as tile_table


def register_survey(connection: psycopg.Connection, survey: SurveyRecord) -> int:
    """Store a survey, or its newer description.

    Returns:
        The number of the survey in the catalogue, its `survey_id`.
    """
    wanted = {
        "description": survey.description,
        "bands": list(survey.bands),
        "definition": survey.definition,
    }
    there = select(*(survey_table.c[name] for name in ("survey_id", *wanted))).where(
        survey_table.c.name == survey.name
    )
    row = run(connection, there).fetchone()
    if row is not None and list(row[1:]) == list(wanted.values()):
        return int(row[0])
    statement = upsert(survey_table, {"name": survey.name}, wanted)
    return returned_number(run(connection, statement.returning(survey_table.c.survey_id)))


def upsert_tile(
    cursor: Cursor[tuple[object, ...]], survey_id: int, tile: TileRecord, *, replace: bool
) -> int:
    """Store a tile and give its tile_id; one that is there already is brought up to date, or left alone."""
    table = tile_table.c
    if not replace:
        known = select(table.tile_id).where(table.survey_id == survey_id, table.name == tile.name)
        there = run(cursor, known).fetchone()
        if there is not None:
            return int(there[0])
    healpix29 = None
    if tile.ra is not None and tile.dec is not None:
        healpix29 = int(compute_healpix29(np.array([tile.ra]), np.array([tile.dec]))[0])
    statement = upsert(
        tile_table,
        {"survey_id": survey_id, "name": tile.name},
        {
            "ra": tile.ra,
            "dec": tile.dec,
            "healpix29": healpix29,
            "footprint": list(tile.footprint),
            "files": list(tile.files),
            "folder": tile.folder,
        },
    )
    return returned_number(run(cursor, statement.returning(table.tile_id)))


def find_folder(cursor: Cursor[tuple[object, ...]], survey_id: int, name: str) -> object:
    """Where a tile was ingested from; None for a new one."""
    row = cursor.execute(
        "SELECT folder FROM galcat.tile WHERE survey_id = %s AND name = %s", [survey_id, name]
    ).fetchone()
    return None if row is None else row[0]


def write_outcome(
    cursor: Cursor[tuple[object, ...]],
    tile_id: int,
    release_id: int,
    tile: TileRecord,
    n_galaxies: int,
    skips: list[SkipRecord],
) -> None:
    """Remember that a tile was ingested, with its counts and the sources that were skipped."""
    n_failed = sum(skip.will_retry for skip in skips)
    write_attempt(
        cursor,
        tile_id,
        release_id,
        {
            "state": "done",
            "fingerprint": tile.fingerprint,
            "content_hash": tile.content_hash,
            "n_sources": n_galaxies + len(skips),
            "n_galaxies": n_galaxies,
            "n_skipped": len(skips) - n_failed,
            "n_failed": n_failed,
            "error": None,
        },
    )
    key = {"tile_id": tile_id, "release_id": release_id}
    old = [skipped_row.c[name] == value for name, value in key.items()]
    run(cursor, delete(skipped_row).where(*old))
    insert_rows(cursor, insert(skipped_row), [key | asdict(skip) for skip in skips])


def write_attempt(
    cursor: Cursor[tuple[object, ...]], tile_id: int, release_id: int, values: Mapping[str, object]
) -> None:
    """Remember how the ingestion of a tile in a release ended, and count the attempt."""
    again = {"attempts": ingestion.c.attempts + 1, "finished_at": func.clock_timestamp()}
    run(cursor, upsert(ingestion, {"tile_id": tile_id, "release_id": release_id}, values, again))
