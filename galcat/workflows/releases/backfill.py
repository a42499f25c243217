"""A release that lacks tiles of the current one: which cells to fill, and the filling of one cell."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg

from catalog.checks.integrity import run_checks
from catalog.counts import count_of
from catalog.database.migrate import migrate
from catalog.ingestion.tile_status import count_galaxies, find_survey, find_tile_ids, read_known_tiles
from catalog.releases.missing_tiles import MissingTile, list_missing_tiles
from catalog.releases.releases import Release, hold_release
from encoder.errors import SurveyError
from encoder.surveys.description import Survey
from encoder.surveys.survey_file import survey_from_text
from encoder.tiles.tile_files import TileFiles
from encoder.tiles.tiles import find_tiles
from galcat.errors import WorkflowError
from galcat.workflows.ingest.cell import cell_lock
from galcat.workflows.ingest.encoding import TileExecutor
from galcat.workflows.ingest.outcome import CellOutcome, Report, TileOutcome
from galcat.workflows.ingest.pending import is_settled
from galcat.workflows.ingest.sky_cells import cell_at, tiles_of_cell
from galcat.workflows.ingest.target import IngestionTarget
from galcat.workflows.ingest.tiles import ingest_tiles
from galcat.workflows.releases.release_encoder import load_release_encoder
from galcat.workflows.writing import writing


def backfill_cell(
    url: str,
    name: str,
    weights: str,
    survey: str,
    folder: Path,
    cell: str,
    tiles: list[str],
    report: Report,
    executor: TileExecutor | None = None,
) -> CellOutcome:
    """Encode what is still missing once this run holds the cell, then check those tiles.

    The current release is read from and left as it is. A tile whose files are not those that the current
    release was made from fails: the two releases would speak of different pictures.

    Args:
        url: URL of the catalogue's database; its schema is brought up to date first.
        name: Name of the release to fill.
        weights: Path of its weights file; empty to find it by its digest, kept or shipped.
        survey: Name of the survey; its tiles are read as the catalogue describes it.
        folder: Folder that holds the survey's files.
        cell: Name of the sky cell; tiles that lie elsewhere are left alone.
        tiles: Names of the tiles to fill; an empty list means all that are missing in the cell.
        report: Told of every tile.
        executor: Encodes the tiles by the release's weights; None to do it here.

    Raises:
        CatalogError, EncoderError, WorkflowError, psycopg.Error: The run cannot go on.
    """
    migrate(url)
    with writing(url) as connection, hold_release(connection, name) as release:
        encoder = load_release_encoder(release.name, release.weights_sha256, weights, keep=True)
        survey_id, definition = find_survey(connection, survey)
        described = survey_from_text(definition, Path(f"{survey}.toml"))
        with cell_lock(connection, survey, cell):
            missing = _missing(connection, release, survey, cell, tiles)
            found, lost = _find(described, folder, missing)
            for outcome in lost:
                report(outcome)
            target = IngestionTarget(connection, survey_id, release.release_id, release.name)
            contents = {tile.name: tile.content_hash for tile in missing}
            known = read_known_tiles(connection, survey, release.release_id)
            unsettled = [files for files in found if not is_settled(files, known)]
            outcomes = lost + ingest_tiles(
                target, encoder, described, unsettled, known, report, contents, executor
            )
            checked = find_tile_ids(connection, survey, [outcome.name for outcome in outcomes])
            return CellOutcome(
                cell,
                outcomes,
                run_checks(connection, checked),
                survey,
                release.name,
                release.weights_sha256,
                count_galaxies(connection, survey, release.release_id, tiles_of_cell(cell)),
            )


def _missing(
    connection: psycopg.Connection, release: Release, survey: str, cell: str, names: list[str]
) -> list[MissingTile]:
    return [
        tile
        for tile in list_missing_tiles(connection, release.release_id)
        if tile.survey == survey and cell_at(tile.ra, tile.dec) == cell and (not names or tile.name in names)
    ]


def _find(
    survey: Survey, folder: Path, missing: list[MissingTile]
) -> tuple[list[TileFiles], list[TileOutcome]]:
    """Find the tiles' files; returns them, and a failure for each tile that has none."""
    if not missing:
        return [], []
    try:
        found = find_tiles(survey, folder, {tile.name for tile in missing})
    except SurveyError as error:
        return [], [_fail_missing(tile, str(error)) for tile in missing]
    there = {files.name for files in found}
    lost = [tile for tile in missing if tile.name not in there]
    return found, [_fail_missing(tile, f"no file of it is in {folder}") for tile in lost]


def _fail_missing(tile: MissingTile, reason: str) -> TileOutcome:
    return TileOutcome(tile.name, "failed", error=f"tile {tile.name}: {reason}")


@dataclass(frozen=True)
class BackfillRun:
    """Missing tiles of one cell of one survey, in one folder."""

    survey: str
    folder: str
    cell: str
    tiles: list[str]


def plan_backfill(
    connection: psycopg.Connection, release_id: int, folders: Mapping[str, Path]
) -> list[BackfillRun]:
    """Group what a release lacks by survey, folder and cell, in order of name.

    Args:
        connection: Open connection; only read from.
        release_id: Key of the release that is filled.
        folders: Folder in which a survey's tiles lie now, by the survey's name; without one, the folder that
            they were ingested from.

    Raises:
        WorkflowError: A tile was ingested before its folder was kept, and none was given.
    """
    groups: defaultdict[tuple[str, str, str], list[str]] = defaultdict(list)
    homeless: list[MissingTile] = []
    for tile in list_missing_tiles(connection, release_id):
        folder = str(folders[tile.survey]) if tile.survey in folders else tile.folder
        if folder is None:
            homeless.append(tile)
        else:
            groups[tile.survey, folder, cell_at(tile.ra, tile.dec)].append(tile.name)
    if homeless:
        first = homeless[0]
        raise WorkflowError(
            f"the catalogue did not keep the folder of {count_of(len(homeless), 'tile')}, "
            f"the first is {first.name}: "
            f"give it by --folder {first.survey}=PATH"
        )
    return [BackfillRun(*group, groups[group]) for group in sorted(groups)]
