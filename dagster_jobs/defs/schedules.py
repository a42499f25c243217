"""The night: try failed tiles once more, then index, ANALYZE and check everything."""

import dagster as dg

from catalog.errors import CatalogError
from dagster_jobs.defs.jobs import care, ingest
from dagster_jobs.defs.partitions import sky_cells
from dagster_jobs.defs.resources import DatabaseResource, DropFolderResource
from dagster_jobs.defs.sensors import run_request
from dagster_jobs.drop import look
from encoder.errors import EncoderError


@dg.schedule(job=ingest, cron_schedule="0 1 * * *", default_status=dg.DefaultScheduleStatus.RUNNING)
def nightly_retry(
    context: dg.ScheduleEvaluationContext, database: DatabaseResource, drop_folder: DropFolderResource
) -> list[dg.RunRequest] | dg.SkipReason:
    """Run every cell that still has pending tiles, the failed ones among them, once a night."""
    try:
        runs = look(drop_folder.get_path(), database.get_url(), None).runs
    except (CatalogError, EncoderError) as error:
        raise dg.Failure(str(error)) from error
    if not runs:
        return dg.SkipReason("no tile is pending")
    context.instance.add_dynamic_partitions(str(sky_cells.name), sorted({run.cell for run in runs}))
    night = context.scheduled_execution_time.date().isoformat()
    return [run_request(run, f"{night}/{run.key}") for run in runs]


nightly_care = dg.ScheduleDefinition(
    name="nightly_care",
    job=care,
    cron_schedule="0 4 * * *",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
