"""The entry point by which a run of the command line reaches a Dagster instance that lives in the home."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Literal

from galcat.errors import reason
from galcat.workflows.listener import Listener


def open_run_listener(
    kind: Literal["ingestion", "backfill"], home: Path, warn: Callable[[str], None]
) -> AbstractContextManager[Listener]:
    """Open what tells the instance of a run; without an instance, a listener that does nothing.

    Dagster is imported only where an instance lives: its import takes a second.

    Args:
        kind: Which workflow runs: `ingest` or `backfill`.
        home: Folder of the catalogue's home.
        warn: Called with one line where the instance cannot be told; the run goes on.
    """
    folder = find_instance(home)
    if folder is None:
        return nullcontext(Listener())
    try:
        from dagster_jobs.run_report import backfill_report, ingestion_report  # noqa: PLC0415 - as said above
    except Exception as error:  # noqa: BLE001 - a broken Dagster must not keep galaxies out of the catalogue
        warn(f"the Dagster instance in {folder} does not show this run: {reason(error)}")
        return nullcontext(Listener())
    return (ingestion_report if kind == "ingestion" else backfill_report)(folder, warn)


def find_instance(home: Path) -> Path | None:
    """Folder of the Dagster instance in a home; None where there is none, or where it lives elsewhere."""
    named = os.environ.get("DAGSTER_HOME")
    inside = [Path(named)] if named and Path(named).resolve().is_relative_to(home.resolve()) else []
    folders = [*inside, home / "dagster"]
    return next((folder.resolve() for folder in folders if (folder / "dagster.yaml").is_file()), None)
