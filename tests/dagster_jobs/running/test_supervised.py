"""`galcat jobs` as it is typed: its daemon works, nothing of the folder is imported, and it ends whole."""

import json
import os
import signal
import socket
import urllib.request
from pathlib import Path

import psutil  # type: ignore[import-untyped] # it ships no types
import pytest

from tests.galcat.processes import RunningProcess, start_process, wait_while_running

QUERY = """{ instance { daemonHealth { allDaemonStatuses { daemonType healthy } } }
    repositoriesOrError { ... on RepositoryConnection { nodes { sensors { name } } } } }"""


def ask(port: int) -> dict[str, object]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql",
        json.dumps({"query": QUERY}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - our own
        data: dict[str, object] = json.load(answer)["data"]
    return data


@pytest.mark.long
@pytest.mark.xdist_group("dagster")
def test_jobs_serve_their_sensors_import_no_stray_file_and_survive_a_killed_code_server(
    database: str, tmp_path: Path
) -> None:
    for name in ("dagster_jobs", "numpy", "yaml", "secrets"):
        (tmp_path / f"{name}.py").write_text("open('was_imported', 'w').close()\nraise SystemExit('stray')\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {"GALCAT_HOME": str(tmp_path / "home"), "GALCAT_DATABASE_URL": database}
    (tmp_path / "home").mkdir()

    def is_well() -> bool:
        try:
            data = ask(port)
        except OSError:
            return False
        text = json.dumps(data)
        return "new_tiles" in text and '"daemonType": "SENSOR", "healthy": true' in text

    def of_session(running: RunningProcess) -> list[psutil.Process]:
        return psutil.Process(running.process.pid).children(recursive=True)

    with start_process(
        ["galcat", "jobs", "--port", str(port)], environment, tmp_path / "log", cwd=tmp_path
    ) as jobs:
        wait_while_running("sensors in the UI and a healthy daemon", is_well, [jobs])
        code = next(
            one for one in of_session(jobs) if "grpc" in one.cmdline() and "--socket" in one.cmdline()
        )
        os.kill(code.pid, signal.SIGKILL)
        wait_while_running(
            "the new start", lambda: "the code server ended with -9" in jobs.log.read_text(), [jobs]
        )
        wait_while_running("sensors in the UI again", is_well, [jobs])
        all_of_them = of_session(jobs)
        jobs.process.send_signal(signal.SIGTERM)
        assert jobs.process.wait(120) == 0
    _, alive = psutil.wait_procs(all_of_them, timeout=10)
    assert alive == []
    assert not list(tmp_path.rglob("was_imported"))
