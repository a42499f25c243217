"""A Dagster home made before the packages moved works unchanged: all that it stores by name is there."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

import dagster_jobs
from dagster_jobs.definitions import defs
from dagster_jobs.defs.resources import DatabaseResource, DropFolderResource
from dagster_jobs.defs.sensors import new_tiles_sensor
from dagster_jobs.launcher import WatchfulRunLauncher
from encoder.surveys.survey_file import load_survey
from encoder.tiles.tiles import find_tiles
from galcat.workflows.ingest.drop_scan import state_from_json, state_to_json
from galcat.workflows.ingest.sky_cells import cell_of
from tests.galcat.bricks import write_brick

# Written by the code of before the move: it is data, and is never to follow the code of today.
INSTANCE = """\
nux:
  enabled: false
telemetry:
  enabled: false
concurrency:
  pools:
    default_limit: 1
    granularity: run
  runs:
    max_concurrent_runs: 4
run_launcher:
  module: dagster_jobs.launcher
  class: WatchfulRunLauncher
run_monitoring:
  enabled: true
  poll_interval_seconds: 60
run_retries:
  enabled: true
  max_retries: 2
  retry_on_asset_or_op_failure: false
"""
CURSOR = '{"legacy_dr10":{"0100p000":["3f9c",true],"0200p000":["77aa",false]},"gz_decals_rings":{}}'
ASSETS = {
    "drop_folder": None,
    "galaxies": "sky_cells",
    "neighbour_graph": None,
    "release_index": None,
    "release_map": None,
    "release_vectors": "sky_cells",
    "statistics": None,
    "task_column": "tasks",
    "vector_index": None,
    "weights": None,
}
ROW_CHECKS = {"calibrated", "complete", "finite_vectors", "fractions", "orphans", "positions", "row_count"}
LATER_CHECKS = {"tiles_readable", "whole_release"}
"""Those that came after version 0.1.0, of rows too."""
ROW_CHECKS |= LATER_CHECKS
CHECKS = {
    "galaxies": ROW_CHECKS,
    "release_vectors": ROW_CHECKS,
    "statistics": ROW_CHECKS | {"fresh", "index_recall", "indexes", "sky_counts"},
    "task_column": {"calibration", "class_balance", "enough_labels", "no_step_back", "score_drift"},
}
JOBS = {
    "backfill": {"release_vectors"},
    "care": {"statistics", "vector_index", "whole_catalogue"},
    "index_release": {"release_index"},
    "ingest": {"galaxies"},
    "learn": {"task_column"},
}
SENSORS = {"new_labels": "learn", "new_tiles": "ingest"}
LATER_SENSORS = {"failed_run": None, "missing_index": "care"}
"""Those that came after version 0.1.0."""
SCHEDULES = {"nightly_care": ("0 4 * * *", "care"), "nightly_retry": ("0 1 * * *", "ingest")}
RUN_CONFIGS = {
    "ingest": {"galaxies": {"survey": "legacy_dr10", "folder": "/drop/legacy_dr10", "tiles": ["0100p000"]}},
    "backfill": {
        "release_vectors": {
            "release": "better",
            "survey": "legacy_dr10",
            "folder": "/drop/legacy_dr10",
            "weights": "/data/better.safetensors",
            "tiles": ["0100p000"],
        }
    },
    "index_release": {"release_index": {"release": "better"}},
    "learn": {"task_column": {"even_if_worse": True}},
    "care": {},
}
RESOURCES = {
    "database": {"config": {"url": "postgresql://localhost/galcat"}},
    "encoder": {"config": {"weights": "/data/weights.safetensors"}},
    "drop_folder": {"config": {"path": "/drop"}},
}
RUN_TAGS = {"galcat/survey": "legacy_dr10"}
LOCATION = "dagster_jobs.definitions"


def test_the_instance_is_configured_as_it_was_and_its_launcher_is_found(tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").write_text(INSTANCE)
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert isinstance(instance.run_launcher, WatchfulRunLauncher)
        old = instance.get_settings("concurrency"), instance.get_settings("run_retries")
    today = tmp_path / "today"
    today.mkdir()
    shutil.copy(Path(dagster_jobs.__file__).with_name("dagster.yaml"), today)
    with dg.DagsterInstance.from_config(str(today)) as instance:
        assert (instance.get_settings("concurrency"), instance.get_settings("run_retries")) == old


def test_the_definitions_are_found_under_the_module_that_workspaces_name() -> None:
    assert __import__(LOCATION, fromlist=["defs"]).defs is defs


def test_assets_checks_and_partitions_have_the_names_under_which_their_history_is_stored() -> None:
    graph = defs.resolve_asset_graph()
    found = {}
    for key in graph.get_all_asset_keys():
        partitions = graph.get(key).partitions_def
        found[key.to_user_string()] = getattr(partitions, "name", None)
    assert found == ASSETS
    checks = {(key.asset_key.to_user_string(), key.name) for key in graph.asset_check_keys}
    assert checks == {(asset, name) for asset, names in CHECKS.items() for name in names}


def test_jobs_sensors_and_schedules_have_the_names_under_which_their_runs_and_ticks_are_stored() -> None:
    jobs = {
        name: {node.name for node in defs.resolve_job_def(name).nodes_in_topological_order} for name in JOBS
    }
    assert jobs == JOBS
    repository = defs.get_repository_def()
    named = {job.name for job in repository.get_all_jobs() if not job.name.startswith("__")}
    assert named == set(JOBS)
    targets = {one.name: one.job_name if one.targets else None for one in repository.sensor_defs}
    assert targets == SENSORS | LATER_SENSORS
    assert {one.name: (one.cron_schedule, one.job_name) for one in repository.schedule_defs} == SCHEDULES


@pytest.mark.parametrize("job", JOBS)
def test_a_run_that_was_queued_or_failed_before_can_be_run_with_its_configuration(job: str) -> None:
    ops = {name: {"config": config} for name, config in RUN_CONFIGS[job].items()}
    resources = {
        name: value for name, value in RESOURCES.items() if name in defs.resolve_job_def(job).resource_defs
    }
    assert "database" in resources
    assert dg.validate_run_config(defs.resolve_job_def(job), {"ops": ops, "resources": resources})


def test_a_cursor_that_was_stored_before_is_read_and_written_as_it_was() -> None:
    state = state_from_json(CURSOR)
    assert [tuple(seen) for seen in state["legacy_dr10"].values()] == [("3f9c", True), ("77aa", False)]
    assert state_to_json(state) == CURSOR


def test_the_sensor_goes_on_from_a_cursor_that_was_stored_before(
    drop: Path, database: str, instance: dg.DagsterInstance
) -> None:
    for name in ("0100p000", "0101p000", "0200p000"):
        write_brick(drop / "legacy_dr10", name)
    tiles = {tile.name: tile for tile in find_tiles(load_survey("legacy_dr10"), drop / "legacy_dr10")}
    cursor = {  # one tile was asked for, one was seen once, of one the files have changed since
        "legacy_dr10": {
            "0100p000": [tiles["0100p000"].fingerprint, True],
            "0101p000": ["other files", False],
            "0200p000": [tiles["0200p000"].fingerprint, False],
        }
    }
    context = dg.build_sensor_context(
        instance=instance,
        cursor=json.dumps(cursor),
        resources={
            "database": DatabaseResource(url=database),
            "drop_folder": DropFolderResource(path=str(drop)),
        },
    )
    result = new_tiles_sensor(30)(context)
    assert isinstance(result, dg.SensorResult)
    (request,) = result.run_requests or []
    assert request.partition_key == f"legacy_dr10/{cell_of(tiles['0200p000'])}"
    assert request.tags == RUN_TAGS
    config = {"survey": "legacy_dr10", "folder": str(drop / "legacy_dr10"), "tiles": ["0200p000"]}
    assert request.run_config == {"ops": {"galaxies": {"config": config}}}
    after = json.loads(str(result.cursor))["legacy_dr10"]
    assert after == {
        "0100p000": [tiles["0100p000"].fingerprint, True],
        "0101p000": [tiles["0101p000"].fingerprint, False],
        "0200p000": [tiles["0200p000"].fingerprint, True],
    }


def test_the_command_line_still_answers_to_its_old_module_and_names_the_new_one() -> None:
    environment = {"PATH": "", "PYTHONPATH": str(Path(dagster_jobs.__file__).parents[1])}
    old, new = (
        subprocess.run(
            [sys.executable, "-m", module, "ingest", "--help"],
            check=False,
            env=environment,
            capture_output=True,
            text=True,
        )
        for module in ("dagster_jobs.cli", "galcat")
    )
    assert (old.returncode, new.returncode, new.stderr) == (0, 0, "")
    assert old.stdout.replace("dagster_jobs.cli", "galcat").split() == new.stdout.split()
    assert old.stderr == "warning: python -m dagster_jobs.cli will go: call python -m galcat\n"
