"""Ingest the pending tiles of one sky cell: one run at a time, whoever asks."""

from pathlib import Path

from catalog.check import CheckResult, run_checks
from catalog.progress import known_tiles, tile_ids
from dagster_jobs.catalogue import open_target
from dagster_jobs.ingest import cell_lock, ingest_tiles
from dagster_jobs.outcome import Report, TileOutcome
from dagster_jobs.plan import pending_by_cell
from encoder.encoder import Encoder
from encoder.survey import load_survey
from encoder.tiles import find_tiles


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
