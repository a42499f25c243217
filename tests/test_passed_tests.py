"""A long run that is interrupted or fails goes on with what has not passed yet."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = """
from pathlib import Path
from tests.passed_tests import PassedTests

def pytest_configure(config):
    passed = Path(__file__).with_name("passed.txt")
    config.pluginmanager.register(PassedTests(passed, writes=not hasattr(config, "workerinput")))
"""
TESTS = """
from pathlib import Path
import pytest

RUNS = Path(__file__).with_name("runs.txt")

@pytest.mark.xdist_group("one")
@pytest.mark.parametrize("name", ["well", "ill", "skipped", "ill in the end"])
def test_it(name, request):
    with RUNS.open("a") as file:
        file.write(f"{name}\\n")
    if name == "skipped":
        pytest.skip("not here")
    assert name != "ill" or Path(__file__).with_name("mended").exists()
    if name == "ill in the end":
        request.addfinalizer(lambda: 1 / Path(__file__).with_name("mended").exists())
"""

GROUP = """
import os
from pathlib import Path
import pytest

@pytest.mark.xdist_group("one")
@pytest.mark.parametrize("i", range(20))
def test_it(i):
    with Path(__file__).with_name("workers.txt").open("a") as file:
        file.write(os.environ["PYTEST_XDIST_WORKER"] + " ")
"""


def test_a_group_of_tests_runs_in_one_worker(tmp_path: Path) -> None:
    (tmp_path / "test_group.py").write_text(GROUP)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "xdist"]
    subprocess.run(
        [*command, "-n", "2", "--dist", "loadgroup", "--rootdir", str(tmp_path), str(tmp_path)],
        env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        check=True,
    )
    workers = (tmp_path / "workers.txt").read_text().split()
    assert len(workers) == 20
    assert len(set(workers)) == 1


@pytest.mark.parametrize("workers", [[], ["-n", "2", "--dist", "loadgroup"]])
def test_what_passed_is_not_run_again_and_what_failed_is(tmp_path: Path, workers: list[str]) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_four.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")

    def run() -> tuple[int, list[str]]:
        (tmp_path / "runs.txt").unlink(missing_ok=True)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "xdist", *workers]
        done = subprocess.run(
            [*command, str(tmp_path)],
            cwd=Path(__file__).parents[1],
            env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},  # a second less, each time
            capture_output=True,
            check=False,
        )
        return done.returncode, sorted((tmp_path / "runs.txt").read_text().splitlines())

    assert run() == (1, ["ill", "ill in the end", "skipped", "well"])
    assert run() == (1, ["ill", "ill in the end", "skipped"])
    (tmp_path / "mended").touch()
    assert run() == (0, ["ill", "ill in the end", "skipped"])
    assert run() == (0, ["skipped"])
