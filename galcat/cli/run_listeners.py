"""Who follows a run of the command line: the terminal, and a Dagster instance that lives in the home."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Literal

from rich.markup import escape

from catalog.settings import load_settings
from galcat.cli.console import progress_bar
from galcat.errors import reason
from galcat.workflows.ingest.outcome import CellOutcome, TileOutcome
from galcat.workflows.listener import Listener, ListenerGroup


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

    def warn(self, text: str) -> None:
        """Say what does not end the run."""
        self._progress.print(f"[yellow]warning:[/yellow] {escape(text)}", soft_wrap=True)

    def close(self) -> None:
        """End the display."""
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
            self._progress.print(f"[red]failed:[/red] {escape(outcome.error)}", soft_wrap=True)

    def on_cell(self, outcome: CellOutcome) -> None:
        """Name each check that the cell's tiles violate."""
        for check in outcome.violated:
            line = f"{check.name}: {check.violations} violations, the first: {check.example or 'none'}"
            self._progress.print(f"[red]check failed:[/red] {escape(line)}", soft_wrap=True)


def _dagster_home(home: Path) -> Path | None:
    """Folder of the Dagster instance in a home; None where there is none, or where it lives elsewhere."""
    named = os.environ.get("DAGSTER_HOME")
    inside = [Path(named)] if named and Path(named).resolve().is_relative_to(home.resolve()) else []
    folders = [*inside, home / "dagster"]
    return next((folder.resolve() for folder in folders if (folder / "dagster.yaml").is_file()), None)
