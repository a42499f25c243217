"""The sensor: new and changed tiles in the drop folder start runs, one a cell."""

import json

import dagster as dg

from catalog.errors import CatalogError
from dagster_jobs.defs.jobs import ingest
from dagster_jobs.defs.partitions import sky_cells
from dagster_jobs.defs.resources import DatabaseResource, DropFolderResource
from dagster_jobs.drop import CellRun, look
from encoder.errors import EncoderError


@dg.sensor(job=ingest, minimum_interval_seconds=30, default_status=dg.DefaultSensorStatus.RUNNING)
def new_tiles(
    context: dg.SensorEvaluationContext, database: DatabaseResource, drop_folder: DropFolderResource
) -> dg.SensorResult:
    """Ask for a run a cell with pending tiles; files that changed since the last tick wait for the next.

    The run key holds the cell and its pending tiles' fingerprints, so what has been tried is not tried again
    until a file changes; the nightly schedule does that.
    """
    seen_before = json.loads(context.cursor) if context.cursor else {}
    try:
        seen = look(drop_folder.get_path(), database.get_url(), seen_before)
    except (CatalogError, EncoderError) as error:
        raise dg.Failure(str(error)) from error
    context.update_cursor(json.dumps(seen.seen))
    for name in seen.moving:
        context.log.info("%s: new or still changing, left for the next tick", name)
    return dg.SensorResult(
        run_requests=[run_request(run, run.key) for run in seen.runs],
        dynamic_partitions_requests=[sky_cells.build_add_request(sorted({run.cell for run in seen.runs}))],
    )


def run_request(run: CellRun, key: str) -> dg.RunRequest:
    """A run of the ingest job over the pending tiles of a cell."""
    config = {"survey": run.survey, "folder": str(run.folder), "tiles": run.tiles}
    return dg.RunRequest(
        run_key=key,
        partition_key=run.cell,
        run_config={"ops": {"galaxies": {"config": config}}},
        tags={"galcat/survey": run.survey},
    )
