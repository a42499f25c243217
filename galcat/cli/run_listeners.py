"""Who follows a run of the command line: the terminal, and a Dagster instance that lives in the home."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Literal

from catalog.settings import load_settings
from galcat.cli.console import log, marked, progress_bar
from galcat.errors import reason
from galcat.workflows.ingest.outcome import CellOutcome, TileOutcome
from galcat.workflows.listener import Listener, ListenerGroup

MAX_NOTES = 50
"""Lines about what was left out of tiles that a run prints."""


def ingest_and_report(url: str, path: Path, survey: str, weights: Path | None) -> bool:
    """Ingest what is pending of a folder, with a progress bar and a summary.

    Args:
        url: URL of the catalogue's database.
        path: Folder that holds the survey's files.
        survey: Name of a survey that galcat knows, or path of a survey's TOML file.
        weights: Weights file of the encoder; None for the one that ships.

    Returns:
        False when a tile or a picture failed, or a check is violated.
    """
    from galcat.workflows.run import ingest_folder  # noqa: PLC0415 - torch takes seconds

    with run_listeners("ingestion_report") as listener:
        outcome = ingest_folder(url, survey, path, weights, listener)
    tiles = [tile for cell in outcome.cells for tile in cell.tiles]
    _summary(tiles, outcome.n_settled)
    violated = any(cell.violated for cell in outcome.cells)
    return not violated and not any(tile.state == "failed" or tile.n_failed for tile in tiles)


@contextmanager
def run_listeners(kind: Literal["ingestion_report", "backfill_report"]) -> Iterator[Listener]:
    """Follow a run on the terminal, and in the Dagster instance of the home where one lives.

    Args:
        kind: Name of the function in `dagster_jobs.runless` that reports this kind of run.
    """
    folder = _dagster_home(load_settings().home)
    with closing(TileProgress()) as terminal:
        if folder is None:
            yield terminal
        else:
            with _dagster_report(folder, kind, terminal.warn) as report:
                yield ListenerGroup([terminal, report])


@contextmanager
def _dagster_report(folder: Path, kind: str, warn: Callable[[str], None]) -> Iterator[Listener]:
    """What tells the Dagster instance; where Dagster cannot be imported, a listener that does nothing."""
    # By name, and here alone: dagster_jobs stands above galcat, and without a Dagster instance nobody should
    # wait for the import of Dagster.
    try:
        open_report = getattr(import_module("dagster_jobs.runless"), kind)
    except Exception as error:  # noqa: BLE001 - a broken Dagster must not keep galaxies out of the catalogue
        warn(f"the Dagster instance in {folder} does not show this run: {reason(error)}")
        yield Listener()
        return
    with open_report(folder, warn) as report:
        yield report


class TileProgress(Listener):
    """A progress bar of tiles; each tile that fails and each check that is violated is named above it."""

    def __init__(self) -> None:
        self._progress = progress_bar()
        self._n_notes = 0

    def warn(self, text: str) -> None:
        """Say what does not end the run."""
        self._progress.print(marked("warning:", "yellow", text), soft_wrap=True)

    def close(self) -> None:
        """End the display."""
        if self._n_notes > MAX_NOTES:
            more = f"{self._n_notes - MAX_NOTES} more notes"
            self._progress.print(marked("left out:", "yellow", more))
        if self._progress.live.is_started:  # else it would print an empty line
            self._progress.stop()

    def on_plan(self, n_tiles: int) -> None:
        """Show the bar."""
        self._progress.start()
        self._progress.add_task("tiles", total=n_tiles)

    def on_tile(self, outcome: TileOutcome) -> None:
        """Move the bar by one tile."""
        self._progress.advance(self._progress.task_ids[0])
        if outcome.error is not None:
            self._progress.print(marked("failed:", "red", outcome.error), soft_wrap=True)
        for note in outcome.notes:
            self._n_notes += 1
            if self._n_notes <= MAX_NOTES:
                self._progress.print(marked("left out:", "yellow", note), soft_wrap=True)

    def on_cell(self, outcome: CellOutcome) -> None:
        """Name each check that the cell's tiles violate."""
        for check in outcome.violated:
            line = f"{check.name}: {check.violations} violations, the first: {check.example or 'none'}"
            self._progress.print(marked("check failed:", "red", line), soft_wrap=True)


def _summary(outcomes: list[TileOutcome], n_settled: int) -> None:
    done = [outcome for outcome in outcomes if outcome.state == "done"]
    failed = [outcome for outcome in outcomes if outcome.state == "failed"]
    unchanged = n_settled + len(outcomes) - len(done) - len(failed)
    log.print(
        f"{len(done)} tiles ingested, {unchanged} unchanged, {len(failed)} failed; "
        f"{sum(o.n_galaxies for o in done)} galaxies, {sum(o.n_skipped for o in done)} skipped, "
        f"{sum(o.n_failed for o in done)} unreadable images, {sum(o.retired for o in done)} retired, "
        f"{sum(o.changed for o in done)} rows changed",
        soft_wrap=True,
    )


def _dagster_home(home: Path) -> Path | None:
    """Folder of the Dagster instance in a home; None where there is none, or where it lives elsewhere."""
    named = os.environ.get("DAGSTER_HOME")
    inside = [Path(named)] if named and Path(named).resolve().is_relative_to(home.resolve()) else []
    folders = [*inside, home / "dagster"]
    return next((folder.resolve() for folder in folders if (folder / "dagster.yaml").is_file()), None)
