"""The night: try failed tiles once more, then index, ANALYZE and check everything."""

import dagster as dg

from catalog.releases.releases import current_release
from dagster_jobs.defs.assets import UNFINISHED
from dagster_jobs.defs.jobs import care, ingest
from dagster_jobs.defs.resources import (
    DatabaseResource,
    DropFolderResource,
    partition_of,
    sky_cells,
    split_partition,
)
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
        plan = plan_everything_pending(drop_folder.get_path(), database.get_url())
    except EXPECTED as error:
        return dg.SkipReason(f"nothing was looked at, the next night tries again: {reason(error)}")
    remarks = [*plan.remarks, *(f"waits for files: {tile}" for tile in plan.waiting)]
    for line in remarks:
        context.log.warning(line)
    busy = _busy(context.instance)
    runs = [run for run in plan.runs if partition_of(run.survey, run.cell) not in busy]
    if not runs:
        return dg.SkipReason(" | ".join(["no tile is pending", *remarks]))
    partitions = sorted({partition_of(run.survey, run.cell) for run in runs})
    context.instance.add_dynamic_partitions(str(sky_cells.name), partitions)
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


def _busy(instance: dg.DagsterInstance) -> set[str]:
    """The partition of every ingest run that is queued or goes on; those of before 0.3 name no survey."""
    runs = instance.get_runs(dg.RunsFilter(job_name=ingest.name, statuses=UNFINISHED))
    return {
        partition_of(split_partition(key)[0] or run.tags.get("galcat/survey", ""), split_partition(key)[1])
        for run in runs
        if (key := run.tags.get("dagster/partition"))
    }
