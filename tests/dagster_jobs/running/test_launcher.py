"""A run whose code server went down with the machine is known to be lost."""

import json
from pathlib import Path

import dagster as dg
import pytest
import yaml  # type: ignore[import-untyped] # its stubs are a package of their own
from dagster._core.launcher import WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG

import dagster_jobs
from tests.dagster_jobs.running.compose_file import ROOT


@pytest.mark.parametrize(
    "config", [Path(dagster_jobs.__file__).with_name("dagster.yaml"), ROOT / "docker" / "dagster.yaml"]
)
def test_both_instances_watch_their_runs_and_restart_only_those_that_were_killed(config: Path) -> None:
    settings = yaml.safe_load(config.read_text())
    assert settings["run_launcher"] == {"module": "dagster_jobs.launcher", "class": "WatchfulRunLauncher"}
    assert settings["run_monitoring"]["enabled"]
    assert settings["run_retries"]["enabled"]
    assert not settings["run_retries"]["retry_on_asset_or_op_failure"]
    assert settings["concurrency"]["pools"] == {"default_limit": 1, "granularity": "run"}


def test_a_run_of_a_code_server_that_is_gone_is_lost(tmp_path: Path) -> None:
    gone = json.dumps({"host": "localhost", "socket": str(tmp_path / "gone")})
    launcher = {"module": "dagster_jobs.launcher", "class": "WatchfulRunLauncher"}
    with dg.instance_for_test(overrides={"run_launcher": launcher}) as instance:
        run = instance.add_run(
            dg.DagsterRun(job_name="ingest", status=dg.DagsterRunStatus.STARTED, tags={GRPC_INFO_TAG: gone})
        )
        assert instance.run_launcher.supports_check_run_worker_health
        health = instance.run_launcher.check_run_worker_health(run)
    assert health.status == WorkerStatus.FAILED
    assert "its code server is gone" in str(health.msg)
