"""The sensors: new tiles start a run a cell, new labels a run a task, and a first load is given its index."""

import dagster as dg

from catalog.releases.releases import current_release, lacks_search_index
from catalog.settings import load_settings
from catalog.tasks.stale import stale_tasks
from dagster_jobs.defs.assets import GPU_POOL, UNFINISHED, statistics, vector_index
from dagster_jobs.defs.jobs import care, ingest, learn
from dagster_jobs.defs.resources import DatabaseResource, DropFolderResource, partition_of, sky_cells
from dagster_jobs.defs.tasks import task_names
from galcat.errors import EXPECTED, reason
from galcat.workflows.ingest.drop_scan import CellRun, ScanResult, scan, state_from_json, state_to_json
from galcat.workflows.watch.looks import record_look
from galcat.workflows.writing import writing


def new_tiles_sensor(scan_interval_s: int) -> dg.SensorDefinition:
    """Make the sensor, with the pause between two scans.

    A tile is ready when two scans saw it the same, and it has been so for as long as the settings say.
    """

    @dg.sensor(
        job=ingest,
        minimum_interval_seconds=scan_interval_s,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def new_tiles(
        context: dg.SensorEvaluationContext, database: DatabaseResource, drop_folder: DropFolderResource
    ) -> dg.SensorResult | dg.SkipReason:
        """Ask for a run a cell with new or changed tiles; files still being copied wait for the next tick.

        The run key holds the cell and its tiles' fingerprints: what has been tried is tried again only when
        a file changes, or by the nightly schedule.
        """
        try:
            before = state_from_json(context.cursor)
            result = scan(
                drop_folder.get_path(), database.get_url(), before, drop_folder.get_settle_seconds()
            )
        except EXPECTED as error:
            return dg.SkipReason(f"nothing was looked at, the next tick tries again: {reason(error)}")
        for line in result.remarks:
            context.log.warning(line)
        record_look(load_settings().home, "drop_folder", result.describe())
        _introduce_pool(context.instance)
        return _request_runs(result)

    return new_tiles


@dg.sensor(job=learn, minimum_interval_seconds=30, default_status=dg.DefaultSensorStatus.RUNNING)
def new_labels(database: DatabaseResource) -> dg.SensorResult | dg.SkipReason:
    """Ask for a run a task that has new labels, or lacks new galaxies, once a minute has passed without more.

    The run key holds what was seen: what could not be learnt from is not tried again until something comes.
    """
    try:
        with writing(database.get_url()) as connection:
            due = stale_tasks(connection)
    except EXPECTED as error:
        return dg.SkipReason(f"nothing was looked at, the next tick tries again: {reason(error)}")
    if not due:
        return dg.SkipReason("no task has new labels or galaxies, or they still come")
    return dg.SensorResult(
        run_requests=[dg.RunRequest(f"{task.name}/{task.state}", partition_key=task.name) for task in due],
        dynamic_partitions_requests=[task_names.build_add_request([task.name for task in due])],
    )


@dg.sensor(job=care, minimum_interval_seconds=30, default_status=dg.DefaultSensorStatus.RUNNING)
def missing_index(
    context: dg.SensorEvaluationContext, database: DatabaseResource
) -> dg.RunRequest | dg.SkipReason:
    """Ask for the vector index and the statistics after the first load of tiles, as `galcat ingest` ends.

    An index that is there slows a load down, so it waits until no run adds tiles. The run key holds the last
    of these: what failed is not tried again until more comes, or the night.
    """
    try:
        with writing(database.get_url()) as connection:
            release = current_release(connection)
            is_missing = release is not None and lacks_search_index(connection, release.release_id)
    except EXPECTED as error:
        return dg.SkipReason(f"nothing was looked at, the next tick tries again: {reason(error)}")
    if release is None or not is_missing:
        return dg.SkipReason("no vector index is missing")
    last = context.instance.get_runs(dg.RunsFilter(job_name=ingest.name), limit=1)
    if not last:
        return dg.SkipReason("what is there was ingested by the command line, which makes the index itself")
    if context.instance.get_runs(dg.RunsFilter(job_name=ingest.name, statuses=UNFINISHED), limit=1):
        return dg.SkipReason("tiles are still being ingested")
    return dg.RunRequest(
        f"{release.name}/{last[0].run_id}",
        asset_selection=[vector_index.key, statistics.key],
        asset_check_keys=[],  # the whole catalogue is checked at night
    )


def run_request(run: CellRun, key: str) -> dg.RunRequest:
    """A run of the ingest job over pending tiles of a cell."""
    config = {"survey": run.definition, "folder": str(run.folder), "tiles": run.tiles}
    return dg.RunRequest(
        run_key=key,
        partition_key=partition_of(run.survey, run.cell),
        run_config={"ops": {"galaxies": {"config": config}}},
        tags={"galcat/survey": run.survey},
    )


def _introduce_pool(instance: dg.DagsterInstance) -> None:
    """Give the pool its limit before the first run: Dagster does so too late for a queue's first batch."""
    storage = instance.event_log_storage
    if GPU_POOL not in {pool.name for pool in storage.get_pool_limits()}:
        storage.initialize_concurrency_limit_to_default(GPU_POOL)


def _request_runs(result: ScanResult) -> dg.SensorResult:
    cursor = state_to_json(result.state)
    if not result.runs:
        return dg.SensorResult(skip_reason=_why_nothing(result), cursor=cursor)
    return dg.SensorResult(
        run_requests=[run_request(run, run.key) for run in result.runs],
        dynamic_partitions_requests=[
            sky_cells.build_add_request(sorted({partition_of(run.survey, run.cell) for run in result.runs}))
        ],
        asset_events=[_observation(result)],
        cursor=cursor,
    )


def _observation(result: ScanResult) -> dg.AssetObservation:
    """What the drop folder holds that is new, for its place in the lineage."""
    return dg.AssetObservation(
        "drop_folder",
        metadata={
            "tiles_ready": sum(len(run.tiles) for run in result.runs),
            "tiles_moving": len(result.moving),
            "tiles_waiting_for_files": len(result.waiting),
        },
    )


def _why_nothing(result: ScanResult) -> str:
    moving = []
    if result.moving:
        more = f" and {len(result.moving) - 1} more" if len(result.moving) > 1 else ""
        moving = [f"new or still changing, left for the next tick: {result.moving[0]}{more}"]
    waiting = [f"{len(result.waiting)} tiles wait for files: {result.waiting[0]}"] if result.waiting else []
    return " | ".join([*moving, *waiting, *result.remarks]) or "no tile is new"
