"""Whole runs without an orchestrator: every pending sky cell of a folder or of a release, then the upkeep."""

from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from catalog.database.migrate import migrate
from catalog.errors import LockHeldError
from catalog.releases.bulk_load import loading
from catalog.releases.releases import current_release, find_release, lacks_search_index
from encoder.model.encoder import load_encoder
from encoder.surveys.survey_file import load_survey
from galcat.workflows.ingest.cell import ingest_cell
from galcat.workflows.ingest.encoding import EncodeBy, encode_here
from galcat.workflows.ingest.many_cells import work_on_cells
from galcat.workflows.ingest.outcome import CellOutcome, Report
from galcat.workflows.ingest.pending import find_pending
from galcat.workflows.ingest.target import check_weights, open_target, require_writable
from galcat.workflows.listener import Listener
from galcat.workflows.releases.backfill import BackfillRun, backfill_cell, plan_backfill
from galcat.workflows.releases.release_encoder import load_ingestion_encoder, load_release_encoder
from galcat.workflows.releases.weights_store import keep_weights
from galcat.workflows.upkeep import (
    analyse_tables,
    index_current_release,
    index_release,
    prepare_load,
    watch_recall,
)
from galcat.workflows.writing import writing


@dataclass(frozen=True)
class FolderOutcome:
    """What became of a folder.

    Attributes:
        cells: The cells that had pending tiles, in order of name.
        n_settled: Tiles that needed nothing: the catalogue has them as they are.
        n_left: Cells that were left as they are, since somebody holds them.
    """

    cells: list[CellOutcome]
    n_settled: int
    n_left: int = 0


def ingest_folder(
    url: str,
    definition: str,
    folder: Path,
    weights: Path | None,
    listener: Listener,
    *,
    is_bulk: bool | None = None,
    encode_by: EncodeBy = encode_here,
) -> FolderOutcome:
    """Ingest every new or changed tile of a folder, then build the vector index and refresh the statistics.

    A tile that fails is stored as failed and the rest go on. A cell that is held by a session which does not
    ingest is left, and the others are ingested. Killed at any moment, a second call does only what is
    pending.

    Args:
        url: URL of the catalogue's database; its schema is brought up to date first.
        definition: Name of a survey that galcat knows, or path of a survey's TOML file.
        folder: Folder that holds the survey's files.
        weights: Weights file of the encoder; None for that of the current release, and in a catalogue without
            a release for the one that ships.
        listener: Told of the run as it goes.
        is_bulk: Whether it goes without the vector index, built anew at its end; None to judge by its size.
        encode_by: Opens what encodes the tiles: this process, or workers elsewhere.

    Raises:
        CatalogError, EncoderError, WorkflowError, psycopg.Error: The run cannot go on.
    """
    survey = load_survey(definition)
    require_writable(url)
    encoder = None
    if weights is not None:  # wrong weights are refused before anything is read for them
        encoder = load_encoder(weights)
        check_weights(url, encoder)
        keep_weights(weights)
    pending = find_pending(url, survey, folder)
    n_tiles = sum(map(len, pending.cells.values()))
    listener.on_plan(n_tiles)
    if not pending.cells:
        if _lacks_index(url):  # an earlier run was cut off before its end
            _care(url, listener)
        return FolderOutcome([], pending.n_settled)
    encoder = encoder or load_ingestion_encoder(url)
    outcomes: list[CellOutcome] = []
    with (
        writing(url) as load,
        loading(load),
        encode_by(encoder, listener.on_remark) as executor,
    ):
        if prepare_load(url, n_tiles, is_bulk=is_bulk):
            listener.on_index_set_aside()
        if executor.cells_at_once > 1:
            with open_target(url, survey, encoder):  # no two cells make the first release
                pass

        def work(cell: str, report: Report) -> CellOutcome:
            names = [tile.name for tile in pending.cells[cell]]
            return ingest_cell(url, encoder, definition, folder, cell, names, report, executor)

        cells = work_on_cells([*pending.cells], work, listener.on_tile, executor)
        outcomes += _tell(cells, listener)
    _care(url, listener)
    return FolderOutcome(outcomes, pending.n_settled, len(pending.cells) - len(outcomes))


def _tell(
    cells: Generator[CellOutcome | LockHeldError, None, None], listener: Listener
) -> Generator[CellOutcome, None, None]:
    """Tell of cells as they come, and give those that were not left."""
    with closing(cells):
        for outcome in cells:
            if isinstance(outcome, LockHeldError):
                listener.on_cell_left(str(outcome))
            else:
                listener.on_cell(outcome)
                yield outcome


def _lacks_index(url: str) -> bool:
    with writing(url) as connection:
        release = current_release(connection)
        return release is not None and lacks_search_index(connection, release.release_id)


def _care(url: str, listener: Listener) -> None:
    listener.on_index(built_now=index_current_release(url))
    analyse_tables(url)
    listener.on_statistics()
    recall = watch_recall(url, "ingest")
    if recall is not None:
        listener.on_recall(recall)


def fill_release(
    url: str,
    name: str,
    weights: str,
    folders: Mapping[str, Path],
    listener: Listener,
    *,
    encode_by: EncodeBy = encode_here,
) -> list[CellOutcome]:
    """Fill a release with every tile that the current one has, then build its vector index.

    A tile that fails is stored as failed and the rest go on. Killed at any moment, a second call does only
    what is missing.

    Args:
        url: URL of the catalogue's database; its schema is brought up to date first.
        name: Name of the release to fill.
        weights: Path of its weights file; empty to find it by its digest, kept or shipped.
        folders: Folder in which a survey's tiles lie now, by the survey's name; a survey that is not named is
            read where it was before.
        listener: Told of the run as it goes.
        encode_by: Opens what encodes the tiles: this process, or workers elsewhere.

    Returns:
        What became of each cell; a cell with tiles of several folders is there once for each.

    Raises:
        CatalogError, EncoderError, WorkflowError, psycopg.Error: The run cannot go on.
    """
    require_writable(url)
    migrate(url)
    with writing(url) as connection:
        release = find_release(connection, name)
        runs = plan_backfill(connection, release.release_id, folders)
    encoder = None
    if runs or weights:  # as above
        encoder = load_release_encoder(release.name, release.weights_sha256, weights, keep=True)
    listener.on_plan(sum(len(run.tiles) for run in runs))
    outcomes: list[CellOutcome] = []
    if encoder is not None and runs:
        with encode_by(encoder, listener.on_remark) as executor:

            def work(run: BackfillRun, report: Report) -> CellOutcome:
                place = (run.survey, Path(run.folder), run.cell, run.tiles)
                return backfill_cell(url, name, weights, *place, report, executor)

            outcomes += _tell(work_on_cells(runs, work, listener.on_tile, executor), listener)
    listener.on_index(built_now=index_release(url, name))
    analyse_tables(url)
    listener.on_statistics()
    return outcomes
