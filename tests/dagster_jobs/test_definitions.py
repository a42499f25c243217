"""What Dagster is given: it loads without torch, and says what the design says."""

import subprocess
import sys

import dagster as dg
import psycopg
import pytest

from catalog.checks.integrity import CHECKS
from catalog.errors import ServerError
from dagster_jobs.definitions import catalogue_definitions, defs
from dagster_jobs.defs.resources import one_line
from encoder.errors import TileError
from galcat.errors import WorkflowError
from galcat.workflows.tasks.task_checks import CHECKS as TASK_CHECKS
from galcat.workflows.watch.night_checks import NIGHT_CHECKS


def test_the_definitions_are_whole() -> None:
    dg.Definitions.validate_loadable(defs)


def test_the_galaxies_wait_for_the_gpu_and_are_listed_by_sky_cell() -> None:
    galaxies = defs.resolve_assets_def("galaxies")
    assert galaxies.op.pool == "gpu"
    assert isinstance(galaxies.partitions_def, dg.DynamicPartitionsDefinition)
    assert galaxies.partitions_def.name == "sky_cells"


def test_every_check_of_the_catalogue_is_one_of_a_run_and_of_the_night_and_tasks_have_their_own() -> None:
    keys = defs.resolve_asset_graph().asset_check_keys
    assert {(key.asset_key.to_user_string(), key.name) for key in keys} == {
        *(
            (asset, name)
            for asset in ("galaxies", "release_vectors", "statistics")
            for name in [*CHECKS, "tiles_readable"]
        ),
        *(("statistics", name) for name in NIGHT_CHECKS),
        *(("task_column", name) for name in TASK_CHECKS),
    }


def test_sensor_and_schedules_run_without_being_switched_on() -> None:
    sensor = catalogue_definitions(scan_interval_s=7).resolve_sensor_def("new_tiles")
    assert sensor.default_status == dg.DefaultSensorStatus.RUNNING
    assert sensor.minimum_interval_seconds == 7
    for name in ("new_labels", "missing_index", "failed_run"):
        assert defs.resolve_sensor_def(name).default_status == dg.DefaultSensorStatus.RUNNING
    schedules = [defs.resolve_schedule_def(name) for name in ("nightly_retry", "nightly_care")]
    assert [schedule.default_status for schedule in schedules] == [dg.DefaultScheduleStatus.RUNNING] * 2
    assert [schedule.cron_schedule for schedule in schedules] == ["0 1 * * *", "0 4 * * *"]


def test_loading_the_definitions_opens_no_database_and_imports_no_network() -> None:
    program = (
        "import sys, dagster_jobs.definitions; "
        "print(sorted({'timm', 'torchvision', 'galsim', 'matplotlib'} & sys.modules.keys()))"
    )
    environment = {"GALCAT_DATABASE_URL": "postgresql://nobody@localhost:1/none", "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("error", "text", "may_retry"),
    [
        (ServerError("no server"), "no server", True),
        (psycopg.OperationalError("the connection is lost\nDETAIL: none"), "the connection is lost", True),
        (TileError("brick 7: no r image"), "brick 7: no r image", False),
        (WorkflowError("other weights"), "other weights", False),
        (
            FileNotFoundError(2, "No such file or directory", "a.fits"),
            "a.fits: No such file or directory",
            False,
        ),
    ],
)
def test_a_failure_is_one_line_and_tried_again_only_when_that_may_help(
    error: Exception, text: str, *, may_retry: bool
) -> None:
    with pytest.raises(dg.Failure) as failure, one_line():
        raise error
    assert (failure.value.description, failure.value.allow_retries) == (text, may_retry)


def test_a_connection_lost_in_mid_tile_may_be_retried() -> None:
    lost = WorkflowError("tile 7 could not be written")
    lost.__cause__ = psycopg.OperationalError("server closed the connection")
    with pytest.raises(dg.Failure) as failure, one_line():
        raise lost
    assert failure.value.allow_retries


def test_a_fault_of_the_program_is_no_tidy_failure() -> None:
    with pytest.raises(ZeroDivisionError), one_line():
        _ = 1 / 0
