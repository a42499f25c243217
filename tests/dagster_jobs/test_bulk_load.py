"""A load of many tiles through Dagster: the vector index is away until the last of them is in."""

from pathlib import Path

import dagster as dg
import pytest

from catalog.database.connection import connect
from catalog.releases import bulk_load
from catalog.releases.releases import lacks_search_index
from dagster_jobs.defs.resources import DatabaseResource
from galcat.workflows.upkeep import index_current_release
from tests.dagster_jobs.pending_run import ingest_pending, look_for_index
from tests.galcat.bricks import write_brick

SURVEY = "legacy_dr10"


def test_many_waiting_tiles_take_the_index_away_and_the_sensor_asks_for_it_at_their_end(
    drop: Path,
    database: str,
    database_resource: DatabaseResource,
    resources: dict[str, object],
    instance_on_disk: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def lacks_index() -> bool:
        with connect(database, autocommit=True) as connection:
            return lacks_search_index(connection, 1)

    monkeypatch.setattr(bulk_load, "MIN_LOAD", 100)  # galaxies
    write_brick(drop / SURVEY, "0100p000")
    ingest_pending(drop, database, resources, instance_on_disk)
    index_current_release(database)
    write_brick(drop / SURVEY, "0500p100")
    ingest_pending(drop, database, resources, instance_on_disk)
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
    ingest_pending(drop, database, resources, instance_on_disk)
    assert lacks_index()
    assert look_for_index(database_resource, instance_on_disk) == "tiles are still being ingested"
    instance_on_disk.report_run_canceled(waiting)
    assert isinstance(look_for_index(database_resource, instance_on_disk), dg.RunRequest)
