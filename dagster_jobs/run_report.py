"""Runs of the command line, told to a Dagster instance, so that its pages show what the catalogue holds."""

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import dagster as dg
from sqlalchemy.exc import SQLAlchemyError

from dagster_jobs.defs.assets import (
    check_metadata,
    galaxies,
    index_metadata,
    readable_of,
    statistics,
    vector_index,
)
from dagster_jobs.defs.backfill import release_index, release_vectors
from dagster_jobs.defs.cell_metadata import Pace, cell_metadata
from dagster_jobs.defs.resources import partition_of, sky_cells
from galcat.errors import reason
from galcat.workflows.ingest.outcome import CellOutcome, TileOutcome
from galcat.workflows.listener import Listener

Event = dg.AssetMaterialization | dg.AssetObservation | dg.AssetCheckEvaluation
DESCRIPTION = "run from the command line"
MAX_WAIT_S = 3.0
"""Seconds that a run waits for a database that another process has locked; Dagster itself would wait 30."""
_PREAMBLE = re.compile(r"^(Errors whilst loading .*? Error 1: |Failure condition: )")


@contextmanager
def ingestion_report(dagster_home: Path, warn: Callable[[str], None]) -> Iterator[Listener]:
    """Report an ingestion as materializations of `galaxies`, `vector_index` and `statistics`.

    Args:
        dagster_home: Folder of the Dagster instance, with its `dagster.yaml`.
        warn: Told, in one line and once, that the instance could not be told; the run goes on.
    """
    with _open_report(dagster_home, galaxies.key, vector_index.key, warn) as report:
        yield report


@contextmanager
def backfill_report(dagster_home: Path, warn: Callable[[str], None]) -> Iterator[Listener]:
    """Report a backfill as materializations of `release_vectors`, `release_index` and `statistics`.

    Args:
        dagster_home: Folder of the Dagster instance, with its `dagster.yaml`.
        warn: Told, in one line and once, that the instance could not be told; the run goes on.
    """
    with _open_report(dagster_home, release_vectors.key, release_index.key, warn) as report:
        yield report


class RunReport(Listener):
    """A listener that writes events into a Dagster instance which belong to no run of it.

    A cell in which every tile failed is reported as an observation: it is no materialization, in a run of
    Dagster's either.
    """

    def __init__(
        self,
        instance: dg.DagsterInstance,
        databases: list[Path],
        cells: dg.AssetKey,
        index: dg.AssetKey,
        on_failure: Callable[[Exception], None],
    ) -> None:
        self._instance, self._cells, self._index = instance, cells, index
        self._databases = databases
        self._on_failure = on_failure
        self._has_failed = False
        self._pace = Pace()

    def on_plan(self, n_tiles: int) -> None:  # noqa: ARG002 - the interface
        """The work begins."""
        self._pace = Pace()

    def on_tile(self, outcome: TileOutcome) -> None:
        """Note when a tile is done."""
        self._pace.note(outcome)

    def on_cell(self, outcome: CellOutcome) -> None:
        """Report the cell's partition and the checks of its tiles."""
        event_type = dg.AssetMaterialization if outcome.good or not outcome.tiles else dg.AssetObservation
        partition = partition_of(outcome.survey, outcome.cell)
        pace, self._pace = self._pace.metadata(), Pace()
        self._report(
            [
                event_type(
                    self._cells,
                    description=DESCRIPTION,
                    metadata=pace | cell_metadata(outcome),
                    partition=partition,
                ),
                # Without partition: Dagster keeps one such evaluation of a partition, and refuses a second.
                *(
                    dg.AssetCheckEvaluation(
                        self._cells,
                        check.name,
                        passed=check.passed,
                        metadata=check_metadata(check) | {"cell": partition},
                    )
                    for check in (*outcome.checks, readable_of(outcome))
                ),
            ],
            partition,
        )

    def on_index(self, *, built_now: bool) -> None:
        """Report the vector index."""
        metadata = index_metadata(built_now=built_now)
        self._report([dg.AssetMaterialization(self._index, DESCRIPTION, metadata)])

    def on_statistics(self) -> None:
        """Report the statistics."""
        self._report([dg.AssetMaterialization(statistics.key, DESCRIPTION)])

    def _report(self, events: Iterable[Event], partition: str | None = None) -> None:
        """Write the events; after the first that could not be written nothing more is tried."""
        if self._has_failed:
            return
        try:
            _require_unlocked(self._databases)
            if partition is not None:
                self._instance.add_dynamic_partitions(str(sky_cells.name), [partition])
            for event in events:
                self._instance.report_runless_asset_event(event)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the instance, the galaxies are in
            self._has_failed = True
            self._on_failure(error)


@contextmanager
def _open_report(
    dagster_home: Path, cells: dg.AssetKey, index: dg.AssetKey, warn: Callable[[str], None]
) -> Iterator[Listener]:
    """Open the instance for as long as the run lasts; where that fails, a listener that does nothing."""

    def warn_of(problem: str) -> None:
        warn(f"the Dagster instance in {dagster_home} does not show this run: {problem}")

    try:
        databases = _sqlite_files(dagster_home)
        _require_unlocked(databases)
        instance = dg.DagsterInstance.from_config(str(dagster_home))
    except Exception as error:  # noqa: BLE001 - as in RunReport
        warn_of(_describe(error, dagster_home))
        yield Listener()
        return
    try:
        yield RunReport(instance, databases, cells, index, lambda error: warn_of(reason(error)))
    finally:
        with suppress(Exception):
            instance.dispose()


def _sqlite_files(dagster_home: Path) -> list[Path]:
    """The databases into which every event is written, where the instance keeps them in files of its own."""
    history = dagster_home / "history"
    files = (
        history / "runs.db",
        history / "runs" / "index.db",
        history / "runs" / ".db",
    )  # the last: of no run
    return [file for file in files if file.is_file()]


def _require_unlocked(databases: Iterable[Path]) -> None:
    """Take the right to write for a moment.

    Raises:
        sqlite3.Error: Another process has held it for MAX_WAIT_S, or a file is no database.
    """
    for file in databases:
        with closing(sqlite3.connect(file, timeout=MAX_WAIT_S, isolation_level=None)) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("ROLLBACK")
            except sqlite3.Error as error:
                raise type(error)(f"{file}: {error}") from None


def _describe(error: Exception, dagster_home: Path) -> str:
    """What is wrong in a line; unless a database cannot be had, it is the instance's configuration."""
    if isinstance(error, sqlite3.Error | SQLAlchemyError | OSError):
        return reason(error)
    file = dagster_home / "dagster.yaml"
    mark = getattr(error, "problem_mark", None)  # of what is no YAML
    if mark is not None:
        return f"{file}, line {mark.line + 1}: {getattr(error, 'problem', error)}"
    return f"{file}: {_PREAMBLE.sub('', ' '.join(str(error).split()))}"
