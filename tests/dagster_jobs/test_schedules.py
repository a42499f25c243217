"""The night retries what is pending, then cares for the catalogue; with nothing to do it says why."""

from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from catalog.database.connection import connect
from dagster_jobs.defs.jobs import ingest
from dagster_jobs.defs.resources import DatabaseResource, DropFolderResource, EncoderResource, partition_of
from dagster_jobs.defs.schedules import nightly_care, nightly_retry
from galcat.workflows.ingest.cell import ingest_cell
from tests.galcat.bricks import find_cell, spoil, write_brick

SURVEY = "legacy_dr10"
NIGHT = datetime(2031, 5, 17, 1, 0, tzinfo=UTC)
NO_DATABASE = "postgresql://nobody@localhost:1/none"


def retry(
    database: DatabaseResource,
    drop: DropFolderResource,
    instance_on_disk: dg.DagsterInstance,
    night: datetime = NIGHT,
) -> list[dg.RunRequest] | str:
    """What the schedule asks for, or why not."""
    context = dg.build_schedule_context(
        instance=instance_on_disk,
        scheduled_execution_time=night,
        resources={"database": database, "drop_folder": drop},
    )
    return run_requests(nightly_retry(context))


def care(database: DatabaseResource, instance_on_disk: dg.DagsterInstance) -> list[dg.RunRequest] | str:
    context = dg.build_schedule_context(
        instance=instance_on_disk, scheduled_execution_time=NIGHT, resources={"database": database}
    )
    result = nightly_care(context)
    return run_requests([result] if isinstance(result, dg.RunRequest) else result)


def run_requests(result: object) -> list[dg.RunRequest] | str:
    if isinstance(result, dg.SkipReason):
        return result.skip_message or ""
    assert isinstance(result, list)
    return result


def fill(drop: Path, url: str, weights: EncoderResource) -> str:
    """Ingest a drop folder of one good and one bad brick; returns their cell."""
    for name in ("0100p000", "0101p000"):
        write_brick(drop / SURVEY, name)
    spoil(drop / SURVEY, "0101p000")
    cell = find_cell(drop / SURVEY)
    ingest_cell(url, weights.load(url), SURVEY, drop / SURVEY, cell, [], lambda _: None)
    return cell


def test_the_night_retries_the_failed_tile_alone_once_a_night(
    drop: Path,
    database: str,
    database_resource: DatabaseResource,
    drop_resource: DropFolderResource,
    encoder_resource: EncoderResource,
    instance_on_disk: dg.DagsterInstance,
) -> None:
    cell = fill(drop, database, encoder_resource)
    first, again, later = (
        retry(database_resource, drop_resource, instance_on_disk, night)
        for night in (NIGHT, NIGHT, NIGHT.replace(day=18))
    )
    assert isinstance(first, list)
    (request,) = first
    assert request.partition_key == partition_of(SURVEY, cell)
    assert request.run_config["ops"]["galaxies"]["config"]["tiles"] == ["0101p000"]
    assert str(request.run_key).startswith("2031-05-17/legacy_dr10/healpix5-")
    keys = [run.run_key for runs in (first, again, later) for run in runs if isinstance(run, dg.RunRequest)]
    assert keys[0] == keys[1] != keys[2]
    assert instance_on_disk.get_dynamic_partitions("sky_cells") == [partition_of(SURVEY, cell)]


@pytest.mark.parametrize("is_old", [False, True])
def test_a_cell_whose_run_is_still_to_finish_waits_for_the_next_night(
    *,
    is_old: bool,
    drop: Path,
    database: str,
    database_resource: DatabaseResource,
    drop_resource: DropFolderResource,
    encoder_resource: EncoderResource,
    instance_on_disk: dg.DagsterInstance,
) -> None:
    cell = fill(drop, database, encoder_resource)
    partition = cell if is_old else partition_of(SURVEY, cell)  # before 0.3 the cell alone
    tags = {"galcat/survey": SURVEY, "dagster/partition": partition}
    run = instance_on_disk.add_run(
        dg.DagsterRun(job_name=ingest.name, tags=tags, status=dg.DagsterRunStatus.STARTED)
    )
    assert retry(database_resource, drop_resource, instance_on_disk) == "no tile is pending"
    instance_on_disk.report_run_failed(run)
    assert len(retry(database_resource, drop_resource, instance_on_disk)) == 1


@pytest.mark.parametrize("evaluate", ["retry", "care"])
def test_a_database_that_is_down_is_told_in_one_line(
    evaluate: str, drop_resource: DropFolderResource, instance_on_disk: dg.DagsterInstance
) -> None:
    nowhere = DatabaseResource(url=NO_DATABASE)
    said = (
        retry(nowhere, drop_resource, instance_on_disk)
        if evaluate == "retry"
        else care(nowhere, instance_on_disk)
    )
    assert isinstance(said, str)
    assert "the next night tries again: " in said
    assert "\n" not in said


def test_an_empty_drop_folder_gives_nothing_to_retry(
    database_resource: DatabaseResource,
    drop_resource: DropFolderResource,
    instance_on_disk: dg.DagsterInstance,
) -> None:
    assert retry(database_resource, drop_resource, instance_on_disk) == "no tile is pending"


def test_the_catalogue_is_cared_for_once_it_holds_something(
    drop: Path,
    database: str,
    database_resource: DatabaseResource,
    encoder_resource: EncoderResource,
    instance_on_disk: dg.DagsterInstance,
) -> None:
    assert care(database_resource, instance_on_disk) == "the catalogue is empty"
    fill(drop, database, encoder_resource)
    assert len(care(database_resource, instance_on_disk)) == 1


def test_a_tile_that_was_mended_by_hand_is_pending_no_more(
    drop: Path,
    database: str,
    database_resource: DatabaseResource,
    drop_resource: DropFolderResource,
    encoder_resource: EncoderResource,
    instance_on_disk: dg.DagsterInstance,
) -> None:
    cell = fill(drop, database, encoder_resource)
    write_brick(drop / SURVEY, "0101p000")
    ingest_cell(database, encoder_resource.load(database), SURVEY, drop / SURVEY, cell, [], lambda _: None)
    with connect(database) as connection:
        row = connection.execute("SELECT count(*) FROM galcat.galaxy").fetchone()
    assert row == (6,)
    assert retry(database_resource, drop_resource, instance_on_disk) == "no tile is pending"
