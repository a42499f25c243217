"""A run of Dagster's job `ingest` over what is pending, and what the sensor of a missing index says then."""

from collections.abc import Mapping
from pathlib import Path

import dagster as dg

from dagster_jobs.definitions import defs
from dagster_jobs.defs.jobs import ingest
from dagster_jobs.defs.resources import DatabaseResource, partition_of
from dagster_jobs.defs.sensors import missing_index
from galcat.workflows.ingest.drop_scan import plan_everything_pending


def ingest_pending(
    drop: Path, database: str, resources: Mapping[str, object], instance: dg.DagsterInstance
) -> None:
    """Run the job for the one cell of the drop folder that has pending tiles, as the sensor asks for it."""
    (planned,) = plan_everything_pending(drop, database).runs
    partition = partition_of(planned.survey, planned.cell)
    instance.add_dynamic_partitions("sky_cells", [partition])
    config = {"survey": planned.definition, "folder": str(planned.folder), "tiles": planned.tiles}
    whole = dg.Definitions(assets=list(defs.assets or []), jobs=[ingest], resources=resources)
    done = whole.resolve_job_def("ingest").execute_in_process(
        run_config={"ops": {"galaxies": {"config": config}}}, partition_key=partition, instance=instance
    )
    assert done.success


def look_for_index(database: DatabaseResource, instance: dg.DagsterInstance) -> dg.RunRequest | str | None:
    """What the sensor asks for, or why for nothing."""
    found = missing_index(dg.build_sensor_context(instance=instance, resources={"database": database}))
    return found.skip_message if isinstance(found, dg.SkipReason) else found
