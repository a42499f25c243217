"""New labels ask for a run, and the run writes the column and says how good it is."""

import dagster as dg
import pytest

from catalog.tasks.stale import stale_tasks
from dagster_jobs.defs.resources import DatabaseResource
from dagster_jobs.defs.sensors import new_labels
from dagster_jobs.defs.tasks import task_column
from tests.galcat.cli.labelled_galaxies import LabelledGalaxies
from tests.galcat.workflows.tasks.ring_labels import N, fill_ring_task, say


@pytest.fixture
def galaxies(database: str) -> LabelledGalaxies:
    return fill_ring_task(database)


def test_the_sensor_asks_for_a_run_a_task_once_it_is_quiet(
    database: str, galaxies: LabelledGalaxies, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look() -> object:
        context = dg.build_sensor_context(
            instance=instance, resources={"database": DatabaseResource(url=database)}
        )
        return new_labels(context)

    say(database, galaxies, range(40))
    assert isinstance(look(), dg.SkipReason)
    monkeypatch.setattr("dagster_jobs.defs.sensors.stale_tasks", lambda c: stale_tasks(c, quiet_s=0))
    result = look()
    assert isinstance(result, dg.SensorResult)
    (request,) = result.run_requests or []
    assert request.partition_key == "ring"
    (added,) = result.dynamic_partitions_requests or []
    assert isinstance(added, dg.AddDynamicPartitionsRequest)
    assert list(added.partition_keys) == ["ring"]


def test_a_run_writes_the_column_and_says_how_good_it_is(
    database: str, galaxies: LabelledGalaxies, instance: dg.DagsterInstance
) -> None:
    say(database, galaxies, range(60))
    instance.add_dynamic_partitions("tasks", ["ring"])

    def run() -> tuple[dict[str, bool], dict[str, object]]:
        done = dg.materialize(
            [task_column],
            partition_key="ring",
            instance=instance,
            resources={"database": DatabaseResource(url=database)},
            selection=[task_column],
        )
        (made,) = done.asset_materializations_for_node("task_column")
        checks = {found.check_name: found.passed for found in done.get_asset_check_evaluations()}
        return checks, {name: value.value for name, value in made.metadata.items()}

    checks, told = run()
    assert checks == dict.fromkeys(
        ("enough_labels", "class_balance", "calibration", "score_drift", "no_step_back"), True
    )
    assert told["galaxies_scored"] == N
    say(database, galaxies, range(60, 130), wrong=True)
    checks, told = run()
    assert not checks["no_step_back"]
    assert told["shown"] is False
