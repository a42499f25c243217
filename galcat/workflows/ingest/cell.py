"""Ingest a sky cell: what is pending in it, by the one run that holds it."""

import logging
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

import psycopg

from catalog.checks.integrity import run_checks
from catalog.database.advisory_lock import holding
from catalog.ingestion.tile_status import KnownTile, count_galaxies, find_tile_ids, read_known_tiles
from encoder.model.encoder import Encoder
from encoder.surveys.survey_file import load_survey
from encoder.tiles.tile_files import TileFiles
from encoder.tiles.tiles import find_tiles
from galcat.workflows.ingest.encoding import TileExecutor
from galcat.workflows.ingest.outcome import CellOutcome, Report, TileOutcome
from galcat.workflows.ingest.pending import group_pending_by_cell, is_settled
from galcat.workflows.ingest.rows import as_text
from galcat.workflows.ingest.sky_cells import tiles_of_cell
from galcat.workflows.ingest.target import open_target
from galcat.workflows.ingest.tiles import ingest_tiles

_log = logging.getLogger(__name__)


def ingest_cell(
    url: str,
    encoder: Encoder,
    definition: str,
    folder: Path,
    cell: str,
    names: list[str],
    report: Report,
    executor: TileExecutor | None = None,
) -> CellOutcome:
    """Ingest what is still pending once this run holds the cell, then check those tiles.

    Args:
        url: URL of the catalogue's database; its schema is brought up to date first.
        encoder: Encoder of the current release; of the first release where there is none yet.
        definition: Name of a survey that galcat knows, or path of a survey's TOML file.
        folder: Folder that holds the survey's files.
        cell: Name of the sky cell; tiles that lie elsewhere are left alone.
        names: Names of the tiles to look at; an empty list means all of the cell.
        report: Told of every tile.
        executor: Encodes the tiles by these weights; None to do it here.

    Raises:
        LockHeldError: Somebody holds the cell who does not ingest; other cells can be ingested.
        CatalogError, EncoderError, WorkflowError, psycopg.Error: The run cannot go on.
    """
    survey = load_survey(definition)
    found = find_tiles(survey, folder, set(names) or None)
    with (
        open_target(url, survey, encoder) as target,
        cell_lock(target.connection, survey.name, cell),
    ):
        known = read_known_tiles(target.connection, survey.name, target.release_id)
        pending = group_pending_by_cell(found, known).get(cell, [])
        settled = _settled_meanwhile(found, known, names)
        if settled:
            _log.warning("%d tiles of cell %s were ingested by another run meanwhile", len(settled), cell)
        for outcome in settled:
            report(outcome)
        outcomes = settled + ingest_tiles(target, encoder, survey, pending, known, report, executor=executor)
        tried = [as_text(os.fsencode(outcome.name)) for outcome in outcomes]
        tiles = find_tile_ids(target.connection, survey.name, tried)
        return CellOutcome(
            cell,
            outcomes,
            run_checks(target.connection, tiles),
            survey.name,
            target.release,
            encoder.sha256,
            count_galaxies(target.connection, survey.name, target.release_id, tiles_of_cell(cell)),
        )


def cell_lock(connection: psycopg.Connection, survey: str, cell: str) -> AbstractContextManager[None]:
    """Hold the right to ingest a cell of a survey; a second run waits, then finds the work done.

    Raises:
        LockHeldError: Somebody holds it who does not ingest.
    """
    return holding(connection, f"galcat/{survey}/{cell}", f"cell {cell} of {survey}")


def _settled_meanwhile(
    found: list[TileFiles], known: Mapping[str, KnownTile], names: list[str]
) -> list[TileOutcome]:
    """What became of tiles that were pending when this run was asked for, and are not any more."""
    asked = set(names)
    return [
        TileOutcome(tile.name, "unchanged")
        for tile in found
        if tile.name in asked and is_settled(tile, known)
    ]
