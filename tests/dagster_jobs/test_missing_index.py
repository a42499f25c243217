"""A catalogue that Dagster alone has filled gets its vector index when the load is over, not in the night."""

from pathlib import Path

import dagster as dg
import pytest

from catalog.database.connection import connect
from catalog.releases.releases import lacks_search_index
from dagster_jobs.definitions import defs
from dagster_jobs.defs.resources import DatabaseResource
from tests.catalog.galaxies import fill
from tests.dagster_jobs.pending_run import ingest_pending, look_for_index
from tests.galcat.bricks import write_brick

SURVEY = "legacy_dr10"


def test_the_index_and_the_statistics_are_asked_for_once_no_run_adds_tiles(
    drop: Path,
    database: str,
    database_resource: DatabaseResource,
    resources: dict[str, object],
    instance_on_disk: dg.DagsterInstance,
) -> None:
    assert look_for_index(database_resource, instance_on_disk) == "no vector index is missing"
    write_brick(drop / SURVEY, "0100p000")
    ingest_pending(drop, database, resources, instance_on_disk)
    running = instance_on_disk.add_run(dg.DagsterRun(job_name="ingest", status=dg.DagsterRunStatus.STARTED))
    assert look_for_index(database_resource, instance_on_disk) == "tiles are still being ingested"
    instance_on_disk.report_run_canceled(running)
    request = look_for_index(database_resource, instance_on_disk)
    assert isinstance(request, dg.RunRequest)
    assert request.run_key == f"small-0/{running.run_id}"
    assert request.asset_selection is not None
    assert request.asset_check_keys == []  # the whole catalogue is checked at night

    indexed = (
        dg.Definitions(
            assets=list(defs.assets or []),
            asset_checks=list(defs.asset_checks or []),
            jobs=list(defs.jobs or []),
            resources=resources,
        )
        .resolve_job_def("care")
        .execute_in_process(instance=instance_on_disk, asset_selection=list(request.asset_selection))
    )
    assert indexed.success
    assert {
        event.asset_key.to_user_string()
        for event in indexed.get_asset_materialization_events()
        if event.asset_key
    } == {
        "vector_index",
        "statistics",
    }
    with connect(database) as connection:
        assert not lacks_search_index(connection, 1)
    assert look_for_index(database_resource, instance_on_disk) == "no vector index is missing"


@pytest.mark.usefixtures("filled_by_hand")
def test_what_the_command_line_fills_is_left_to_it_and_a_database_that_is_down_is_one_line(
    database_resource: DatabaseResource, instance_on_disk: dg.DagsterInstance
) -> None:
    assert look_for_index(database_resource, instance_on_disk) == (
        "what is there was ingested by the command line, which makes the index itself"
    )
    nowhere = DatabaseResource(url="postgresql://nobody@localhost:1/none")
    away = look_for_index(nowhere, instance_on_disk)
    assert isinstance(away, str)
    assert away.startswith("nothing was looked at, the next tick tries again: cannot connect to localhost, ")


@pytest.fixture
def filled_by_hand(database: str) -> None:
    """Galaxies without an index, as in the middle of an ingestion from the command line."""
    with connect(database, autocommit=True) as connection:
        fill(connection, 5)
