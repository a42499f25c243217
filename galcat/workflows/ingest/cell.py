"""Ingest the pending tiles of one sky cell: one run at a time, whoever asks."""

from pathlib import Path

from catalog.checks.integrity import CheckResult, run_checks
from catalog.ingestion.tile_status import known_tiles, tile_ids
from encoder.model.encoder import Encoder
from encoder.surveys.description import load_survey
from encoder.tiles.tiles import find_tiles
from galcat.workflows.ingest.outcome import Report, TileOutcome
from galcat.workflows.ingest.plan import pending_by_cell
from galcat.workflows.ingest.target import open_target
from galcat.workflows.ingest.tiles import cell_lock, ingest_tiles


def ingest_cell_tiles(
    url: str, encoder: Encoder, definition: str, folder: Path, cell: str, names: list[str], report: Report
) -> tuple[list[TileOutcome], list[CheckResult]]:
    """Ingest what is still pending once the cell is ours, then check those tiles.

    Args:
        url: The catalogue.
        encoder: The release.
        definition: What `load_survey` takes.
        folder: The survey's folder.
        cell: The cell; tiles that lie elsewhere are left alone.
        names: Tiles to look at; none means all of the cell.
        report: Told of every tile.

    Raises:
        CatalogError, EncoderError, JobError, psycopg.Error: The run cannot go on.
    """
    survey = load_survey(definition)
    found = find_tiles(survey, folder, set(names) or None)
    with (
        open_target(url, survey, encoder) as target,
        cell_lock(target.connection, survey.name, cell),
    ):
        known = known_tiles(target.connection, survey.name, target.release_id)
        pending = pending_by_cell(found, known).get(cell, [])
        outcomes = ingest_tiles(target, encoder, survey, pending, report)
        tiles = tile_ids(target.connection, survey.name, [outcome.name for outcome in outcomes])
        return outcomes, run_checks(target.connection, tiles)
