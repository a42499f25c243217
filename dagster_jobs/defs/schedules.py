"""The night: try failed tiles once more, then index, ANALYZE and check everything."""

import dagster as dg

from catalog.releases.releases import current_release
from dagster_jobs.defs.assets import UNFINISHED
from dagster_jobs.defs.jobs import care, ingest
from dagster_jobs.defs.resources import DatabaseResource, DropFolderResource, sky_cells
from dagster_jobs.defs.sensors import run_request
from galcat.errors import EXPECTED, reason
from galcat.workflows.ingest.drop_scan import plan_everything_pending
from galcat.workflows.writing import writing


@dg.schedule(job=ingest, cron_schedule="0 1 * * *", default_status=dg.DefaultScheduleStatus.RUNNING)
def nightly_retry(
    context: dg.ScheduleEvaluationContext, database: DatabaseResource, drop_folder: DropFolderResource
) -> list[dg.RunRequest] | dg.SkipReason:
    """Run every cell that still has pending tiles, the failed ones among them, once a night.

    A cell whose earlier run is still to finish waits for the next night.
    """
    try:
        runs, remarks = plan_everything_pending(drop_folder.get_path(), database.get_url())
    except EXPECTED as error:
        return dg.SkipReason(f"nothing was looked at, the next night tries again: {reason(error)}")
    for line in remarks:
        context.log.warning(line)
    busy = _busy(context.instance)
    runs = [run for run in runs if (run.survey, run.cell) not in busy]
    if not runs:
        return dg.SkipReason(" | ".join(["no tile is pending", *remarks]))
    context.instance.add_dynamic_partitions(str(sky_cells.name), sorted({run.cell for run in runs}))
    night = context.scheduled_execution_time.date().isoformat()
    return [run_request(run, f"{night}/{run.key}") for run in runs]


@dg.schedule(job=care, cron_schedule="0 4 * * *", default_status=dg.DefaultScheduleStatus.RUNNING)
def nightly_care(database: DatabaseResource) -> dg.RunRequest | dg.SkipReason:
    """Build the vector index where there is none, ANALYZE, and check the whole catalogue, once a night."""
    try:
        with writing(database.get_url()) as connection:
            release = current_release(connection)
    except EXPECTED as error:
        return dg.SkipReason(f"the catalogue cannot be asked, the next night tries again: {reason(error)}")
    return dg.RunRequest() if release is not None else dg.SkipReason("the catalogue is empty")


def _busy(instance: dg.DagsterInstance) -> set[tuple[str, str]]:
    """Survey and cell of every ingest run that is queued or goes on."""
    runs = instance.get_runs(dg.RunsFilter(job_name=ingest.name, statuses=UNFINISHED))
    return {
        (run.tags["galcat/survey"], run.tags["dagster/partition"])
        for run in runs
        if "galcat/survey" in run.tags
    }
