"""Who follows a run of the command line: the terminal, and what is installed for it, such as Dagster."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from catalog.counts import count_of
from catalog.settings import load_settings
from encoder.cutouts.framing_flags import add_flags, describe_flags
from galcat.cli.console import log, mark_line, progress_bar
from galcat.errors import reason
from galcat.workflows.listener import Listener, ListenerGroup

if TYPE_CHECKING:
    from catalog.checks.recall import Recall
    from galcat.workflows.ingest.encoding import EncodeBy
    from galcat.workflows.ingest.outcome import CellOutcome, TileOutcome

Kind = Literal["ingestion", "backfill"]
LISTENERS = "galcat.run_listeners"
MAX_NOTES = 50
"""Lines about what was left out of tiles that a run prints."""


def ingest_and_report(
    url: str,
    path: Path,
    survey: str,
    weights: Path | None,
    *,
    is_bulk: bool | None = None,
    encode_by: "EncodeBy | None" = None,
) -> bool:
    """Ingest what is pending of a folder, with a progress bar and a summary.

    Args:
        url: URL of the catalogue's database.
        path: Folder that holds the survey's files.
        survey: Name of a survey that galcat knows, or path of a survey's TOML file.
        weights: Weights file of the encoder; None for the one that ships.
        is_bulk: Whether the load goes without the vector index; None to judge by its size.
        encode_by: Opens what encodes the tiles; None to do it in this process.

    Returns:
        False when a tile or a picture failed, a check is violated, or a sky cell was left to its holder.
    """
    # torch takes seconds
    from galcat.workflows.ingest.encoding import encode_here  # noqa: PLC0415
    from galcat.workflows.run import ingest_folder  # noqa: PLC0415

    with run_listeners("ingestion") as listener:
        outcome = ingest_folder(
            url, survey, path, weights, listener, is_bulk=is_bulk, encode_by=encode_by or encode_here
        )
    tiles = [tile for cell in outcome.cells for tile in cell.tiles]
    _summary(tiles, outcome.n_settled)
    _say_what_fractions_are_worth(url, tiles)
    violated = any(cell.violated for cell in outcome.cells)
    return not (violated or outcome.n_left) and not any(
        tile.state == "failed" or tile.n_failed for tile in tiles
    )


@contextmanager
def run_listeners(kind: Kind) -> Iterator[Listener]:
    """Follow a run on the terminal, and by every listener that is installed under `LISTENERS`.

    An entry point of that group is a function of the kind of run, the home and what to call with a warning;
    it gives a context manager that opens a listener. `dagster_jobs` has one, so that the packages below it
    need not know it.

    Args:
        kind: What runs: an ingestion or a backfill.
    """
    home = load_settings().home
    with closing(TileProgress()) as terminal, ExitStack() as opened:
        points = entry_points(group=LISTENERS)
        installed = [_open_listener(point, opened, kind, home, terminal.warn) for point in points]
        try:
            yield ListenerGroup([terminal, *installed])
        except KeyboardInterrupt:
            terminal.warn(f"stopped: {count_of(terminal.n_done, 'tile')} kept; run it again to go on")
            raise


def _open_listener(
    point: EntryPoint, opened: ExitStack, kind: Kind, home: Path, warn: Callable[[str], None]
) -> Listener:
    """What an entry point opens; where that fails, a listener that does nothing."""
    try:
        listener: Listener = opened.enter_context(point.load()(kind, home, warn))
    except Exception as error:  # noqa: BLE001 - a broken Dagster must not keep galaxies out of the catalogue
        warn(f"{point.name} does not follow this run: {reason(error)}")
        return Listener()
    return listener


class TileProgress(Listener):
    """A progress bar of tiles; each tile that fails and each check that is violated is named above it."""

    def __init__(self) -> None:
        self._progress = progress_bar()
        self._n_notes = 0
        self.n_done = 0

    def warn(self, text: str) -> None:
        """Say what does not end the run."""
        self._progress.print(mark_line("warning:", "yellow", text), soft_wrap=True)

    def close(self) -> None:
        """End the progress bar, and say how many notes were not printed."""
        if self._n_notes > MAX_NOTES:
            more = f"{self._n_notes - MAX_NOTES} more notes"
            self._progress.print(mark_line("left out:", "yellow", more))
        self._progress.stop()

    def on_plan(self, n_tiles: int) -> None:
        """Show the progress bar, for so many tiles."""
        self._progress.add_task("tiles", total=n_tiles)

    def on_tile(self, outcome: "TileOutcome") -> None:
        """Move the bar by one tile."""
        self._progress.advance(self._progress.task_ids[0])
        self.n_done += outcome.state == "done"
        if outcome.error is not None:
            self._progress.print(mark_line("failed:", "red", outcome.error), soft_wrap=True)
        for note in outcome.notes:
            self._n_notes += 1
            if self._n_notes <= MAX_NOTES:
                self._progress.print(mark_line("left out:", "yellow", note), soft_wrap=True)

    def on_cell(self, outcome: "CellOutcome") -> None:
        """Name each check that the cell's tiles violate."""
        for check in outcome.violated:
            line = f"{check.name}: {check.violations} violations, the first: {check.example or 'none'}"
            self._progress.print(mark_line("check failed:", "red", line), soft_wrap=True)

    def on_cell_left(self, why: str) -> None:
        """Say which cell is left, who holds it, and what to do."""
        self._progress.print(mark_line("left:", "red", why), soft_wrap=True)

    def on_remark(self, text: str) -> None:
        """Say it."""
        self.warn(text)

    def on_index_set_aside(self) -> None:
        """Say why searches take longer for a while."""
        said = "the load is large: the vector index is built anew at its end, searches compare all until then"
        self._progress.print(mark_line("note:", "yellow", said), soft_wrap=True)

    def on_recall(self, recall: "Recall") -> None:
        """Warn where the vector index finds too little."""
        if recall.is_low:
            self.warn(f"{recall.describe()}: {recall.remedy}")


def _summary(outcomes: "list[TileOutcome]", n_settled: int) -> None:
    done = [outcome for outcome in outcomes if outcome.state == "done"]
    failed = [outcome for outcome in outcomes if outcome.state == "failed"]
    unchanged = n_settled + len(outcomes) - len(done) - len(failed)
    log.print(
        f"{count_of(len(done), 'tile')} ingested, {unchanged} unchanged, {len(failed)} failed; "
        f"{count_of(sum(o.n_galaxies for o in done), 'galaxy')}, {sum(o.n_skipped for o in done)} skipped, "
        f"{count_of(sum(o.n_failed for o in done), 'unreadable image')}, "
        f"{sum(o.retired for o in done)} retired, "
        f"{count_of(sum(o.changed for o in done), 'row')} changed",
        soft_wrap=True,
    )
    if doubtful := describe_flags(add_flags(outcome.flags for outcome in done)):
        log.print(f"frames in doubt: {doubtful} (column framing_flag)", soft_wrap=True)


def _say_what_fractions_are_worth(url: str, outcomes: "list[TileOutcome]") -> None:
    """On which real galaxies the release was measured, and how many new ones are unlike its training."""
    from catalog.database.connection import connect  # noqa: PLC0415 - it imports psycopg
    from catalog.releases.measured import say_measured  # noqa: PLC0415 - SQLAlchemy

    done = [outcome for outcome in outcomes if outcome.state == "done"]
    n = sum(outcome.n_galaxies for outcome in done)
    far = [outcome.n_far for outcome in done if outcome.n_far is not None]
    if sum(far):
        log.print(
            f"{sum(far)} of {n} galaxies lie further from the real galaxies that the encoder was trained on "
            "than 99 % of those: leave them out by domain_distance <= 1",
            soft_wrap=True,
        )
    with connect(url, autocommit=True) as connection:
        said = say_measured(connection)
    if said:
        log.print(said, soft_wrap=True)
