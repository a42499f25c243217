"""A load of many tiles through Dagster: the vector index is away until the last of them is in."""

from pathlib import Path

import dagster as dg
import pytest

from catalog.database.connection import connect
from catalog.releases import bulk_load
from catalog.releases.releases import lacks_search_index
from dagster_jobs.definitions import defs
from dagster_jobs.defs.jobs import ingest
from dagster_jobs.defs.resources import DatabaseResource, DropFolderResource, EncoderResource, partition_of
from dagster_jobs.defs.sensors import missing_index
from galcat.workflows.ingest.drop_scan import plan_everything_pending
from galcat.workflows.upkeep import index_current_release
from tests.galcat.bricks import write_brick

SURVEY = "legacy_dr10"


def test_many_waiting_tiles_take_the_index_away_and_the_sensor_asks_for_it_at_their_end(
    drop: Path,
    database: str,
    database_resource: DatabaseResource,
    drop_resource: DropFolderResource,
    encoder_resource: EncoderResource,
    instance_on_disk: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resources = {
        "database": database_resource,
        "encoder": encoder_resource,
        "drop_folder": drop_resource,
    }
    whole = dg.Definitions(assets=list(defs.assets or []), jobs=[ingest], resources=resources)
    job = whole.resolve_job_def("ingest")

    def run_what_is_pending() -> None:
        (planned,) = plan_everything_pending(drop, database).runs
        partition = partition_of(planned.survey, planned.cell)
        instance_on_disk.add_dynamic_partitions("sky_cells", [partition])
        config = {"survey": planned.definition, "folder": str(planned.folder), "tiles": planned.tiles}
        done = job.execute_in_process(
            run_config={"ops": {"galaxies": {"config": config}}},
            partition_key=partition,
            instance=instance_on_disk,
        )
        assert done.success

    def look() -> dg.RunRequest | str | None:
        resources = {"database": database_resource}
        found = missing_index(dg.build_sensor_context(instance=instance_on_disk, resources=resources))
        return found.skip_message if isinstance(found, dg.SkipReason) else found

    def lacks_index() -> bool:
        with connect(database, autocommit=True) as connection:
            return lacks_search_index(connection, 1)

    monkeypatch.setattr(bulk_load, "MIN_LOAD", 100)  # galaxies
    write_brick(drop / SURVEY, "0100p000")
    run_what_is_pending()
    index_current_release(database)
    write_brick(drop / SURVEY, "0500p100")
    run_what_is_pending()
    assert not lacks_index()  # one tile of three galaxies
    config = {"survey": SURVEY, "folder": "elsewhere", "tiles": [f"{i}" for i in range(40)]}
    waiting = instance_on_disk.add_run(
        dg.DagsterRun(
            job_name="ingest",
            status=dg.DagsterRunStatus.NOT_STARTED,
            run_config={"ops": {"galaxies": {"config": config}}},
        )
    )
    write_brick(drop / SURVEY, "0900p100")
    run_what_is_pending()
    assert lacks_index()
    assert look() == "tiles are still being ingested"
    instance_on_disk.report_run_canceled(waiting)
    assert isinstance(look(), dg.RunRequest)
