"""A run that fails, and a night whose checks do not pass, are told to the operator."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import psycopg
import pytest

from catalog.database.connection import connect
from dagster_jobs.defs.alarms import AlarmResource, failed_run
from dagster_jobs.defs.assets import galaxies, statistics, vector_index, whole_catalogue
from dagster_jobs.defs.resources import partition_of
from galcat.workflows.watch.looks import read_look
from galcat.workflows.watch.night import check_night
from tests.galcat.bricks import find_cell, r_image, spoil, write_brick
from tests.galcat.workflows.watch.alarm_receivers import Received, receiving_posts

SURVEY = "legacy_dr10"
BAD = "0101p000"


@pytest.fixture
def received(tmp_path: Path) -> Iterator[Received]:
    """A webhook that the home's file names."""
    with receiving_posts() as posted:
        text = f'[alarm]\nwebhook = "http://127.0.0.1:{posted.port}"\npage = "http://jobs.example.org/"\n'
        (tmp_path / "galcat.toml").write_text(text)
        yield posted


def write_bricks(folder: Path) -> None:
    for name in ("0100p000", BAD):
        write_brick(folder, name)


def sense(
    failed: dg.ExecuteInProcessResult, instance: dg.DagsterInstance, alarms: AlarmResource
) -> dg.SkipReason | None:
    context = dg.build_run_status_sensor_context(
        sensor_name="failed_run",
        dagster_instance=instance,
        dagster_run=failed.dagster_run,
        dagster_event=failed.get_run_failure_event(),
        resources={"alarms": alarms},
    )
    found = failed_run(context)
    assert found is None or isinstance(found, dg.SkipReason)
    return found


def test_a_run_that_fails_is_told_with_its_partition_its_reason_and_where_to_look(
    resources: dict[str, object], instance: dg.DagsterInstance, tmp_path: Path, received: Received
) -> None:
    write_bricks(tmp_path / "drop" / SURVEY)
    partition = partition_of(SURVEY, find_cell(tmp_path / "drop" / SURVEY))
    spoil(tmp_path / "drop" / SURVEY, BAD)
    instance.add_dynamic_partitions("sky_cells", [partition])
    failed = dg.materialize(
        [galaxies], partition_key=partition, instance=instance, resources=resources, raise_on_error=False
    )
    unset = sense(failed, instance, AlarmResource(home=str(tmp_path / "nowhere")))
    assert unset is not None
    assert str(unset.skip_message).startswith("no alarm is set")
    assert received.posts == []
    assert sense(failed, instance, AlarmResource(home=str(tmp_path))) is None
    (post,) = received.posts
    assert post["subject"].endswith(f" of {partition} failed")
    lines = post["text"].splitlines()[1:]
    assert lines[0].startswith(f"1 of 2 tiles failed: {BAD}: ")
    assert lines[1] == f"http://jobs.example.org/runs/{failed.run_id}"


def test_a_night_tells_which_checks_did_not_pass_and_keeps_what_it_saw(
    resources: dict[str, object],
    instance: dg.DagsterInstance,
    tmp_path: Path,
    received: Received,
    database: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GALCAT_HOME", str(tmp_path))
    folder = tmp_path / "drop" / SURVEY
    write_bricks(folder)
    partition = partition_of(SURVEY, find_cell(folder))
    instance.add_dynamic_partitions("sky_cells", [partition])
    assert dg.materialize([galaxies], partition_key=partition, instance=instance, resources=resources).success
    night = [vector_index, statistics, whole_catalogue]
    assert dg.materialize(night, instance=instance, resources=resources).success
    assert received.posts == []
    look = read_look(tmp_path, "night")
    assert look is not None
    assert look.found["broken"] == []

    with connect(database, autocommit=True) as owner:
        owner.execute(
            "DELETE FROM galcat.thumbnail WHERE object_id = (SELECT min(object_id) FROM galcat.source)"
        )
    assert dg.materialize(night, instance=instance, resources=resources).success
    (post,) = received.posts
    assert post["subject"].startswith("galcat: 1 of ")
    assert post["text"].splitlines()[1].startswith("complete: 1, the first: object_id ")
    look = read_look(tmp_path, "night")
    assert look is not None
    assert look.found["broken"] == ["complete"]


def test_tiles_that_lie_in_the_drop_folder_for_more_than_a_night_are_found(database: str, drop: Path) -> None:
    folder = drop / SURVEY
    write_bricks(folder)
    image = r_image(folder, BAD)
    image.unlink()
    fresh = {check.name: check for check in check_night(database, drop)}["fresh"]
    assert fresh.passed
    stale = {check.name: check for check in check_night(database, drop, stale_hours=-1)}["fresh"]
    assert (stale.violations, stale.example) == (2, f"{SURVEY}/0100p000 was never tried")
    with psycopg.connect(database, autocommit=True) as owner:
        assert owner.execute("SELECT count(*) FROM galcat.tile").fetchone() == (0,)
