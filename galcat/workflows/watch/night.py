"""What the night looks at: every row, every index, and what lies in the drop folder."""

import time
from pathlib import Path

from catalog.checks.index import check_index
from catalog.checks.integrity import CheckResult, run_checks
from catalog.checks.tiles import check_readable
from catalog.database.connection import connect
from galcat.workflows.ingest.drop_scan import plan_everything_pending
from galcat.workflows.watch.night_checks import NIGHT_CHECKS

STALE_HOURS = 36.0
"""A tile that came after a night is tried in the next."""


def check_night(url: str, drop: Path, stale_hours: float = STALE_HOURS) -> list[CheckResult]:
    """Look at the whole catalogue and at the drop folder.

    Args:
        url: URL of the catalogue's database; it is only read from.
        drop: Path of the drop folder, into which new tiles are put.
        stale_hours: How long a tile may lie there, hours.

    Returns:
        Every check, of a catalogue without vectors too.
    """
    with connect(url, autocommit=True) as connection:
        results = [*run_checks(connection), check_readable(connection), *check_index(connection, "night")]
        failed = {
            str(name)
            for (name,) in connection.execute(
                "SELECT t.name FROM galcat.ingestion AS i JOIN galcat.tile AS t USING (tile_id) "
                "WHERE i.release_id = galcat.current_release() AND i.state = 'failed'"
            )
        }
    results.append(check_fresh(url, drop, failed, stale_hours))
    there = {result.name for result in results}
    return results + [
        CheckResult(name, NIGHT_CHECKS[name], 0, None) for name in NIGHT_CHECKS if name not in there
    ]


def check_fresh(url: str, drop: Path, failed: set[str], stale_hours: float) -> CheckResult:
    """Whether tiles have lain in the drop folder for long, waiting for files or for a run that never came.

    Args:
        url: URL of the catalogue's database; it is only read from.
        drop: Path of the drop folder, into which new tiles are put.
        failed: Names of the tiles that were tried and failed: another check names them.
        stale_hours: How long a tile may lie there, hours.
    """
    plan, latest_s = plan_everything_pending(drop, url), time.time() - 3600 * stale_hours
    stale = [f"{tile} for long" for tile in plan.waiting if tile.since_s < latest_s]
    for run in plan.runs:
        stale += [
            f"{run.folder.name}/{name} was never tried"
            for name, since_s in run.since_s.items()
            if since_s < latest_s and name not in failed
        ]
    return CheckResult(
        "fresh",
        NIGHT_CHECKS["fresh"],
        len(stale),
        min(stale, default=None),
        "bring the files that are lacking, or see whether galcat jobs runs" if stale else "",
    )
