"""Processes that are kept running: started again, ended in order, and never left behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil  # type: ignore[import-untyped] # it ships no types

from tests.waiting import wait_until

ROOT = Path(__file__).parents[4]
KEEP = """
import os, sys
from pathlib import Path
from galcat.cli.supervisor import Child, Supervisor
from galcat.errors import WorkflowError
place = Path(sys.argv[1])
child = '''
import os, signal, socket, subprocess, sys, time
from pathlib import Path
name, place = sys.argv[1], Path(sys.argv[2])
if len(sys.argv) > 3 and sys.argv[3] == "fails":
    sys.exit(3)
server = socket.socket(socket.AF_UNIX)
server.bind(str(place / (name + ".sock")))
server.listen()
below = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1e6)"])
def end(*_):
    with (place / "ended").open("a") as file: file.write(name + chr(10))
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
with (place / "started").open("a") as file: file.write(f"{name} {os.getpid()} {below.pid}" + chr(10))
while True: time.sleep(0.05)
'''
def make(name, *more):
    return Child(name, (sys.executable, "-c", child, name, str(place), *more), place / f"{name}.sock")
children = [make("first"), make("second", *sys.argv[2:])]
try:
    Supervisor(children, os.environ, place, lambda line: print(line, flush=True)).run()
except WorkflowError as error:
    sys.exit(str(error))
"""


def keep(place: Path, *words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", KEEP, str(place), *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def started(place: Path) -> list[tuple[str, int, int]]:
    file = place / "started"
    lines = file.read_text().splitlines() if file.exists() else []
    return [(name, int(pid), int(below)) for name, pid, below in map(str.split, lines)]


def are_gone(place: Path) -> bool:
    pids = [pid for _, *both in started(place) for pid in both]
    return not any(psutil.pid_exists(pid) and not _is_zombie(pid) for pid in pids)


def _is_zombie(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def test_one_that_is_killed_is_started_again_with_nothing_of_it_left_and_all_end_in_order(
    tmp_path: Path,
) -> None:
    supervisor = keep(tmp_path)
    wait_until(lambda: len(started(tmp_path)) == 2, "the start of both", lambda: str(supervisor.poll()))
    assert [name for name, *_ in started(tmp_path)] == ["first", "second"]
    name, pid, below = started(tmp_path)[0]
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: len(started(tmp_path)) == 3, "its new start")
    assert started(tmp_path)[2][0] == name
    wait_until(lambda: not psutil.pid_exists(below) or _is_zombie(below), "the end of what it had started")
    supervisor.send_signal(signal.SIGTERM)
    said, _ = supervisor.communicate()
    assert (supervisor.returncode, said) == (0, "the first ended with -9: it is started again in 1 s\n")
    assert (tmp_path / "ended").read_text().split() == ["second", "first"]
    wait_until(lambda: are_gone(tmp_path), "the end of all")


def test_when_the_supervisor_is_killed_its_processes_end_too(tmp_path: Path) -> None:
    supervisor = keep(tmp_path)
    wait_until(lambda: len(started(tmp_path)) == 2, "the start of both")
    supervisor.kill()
    supervisor.wait()
    pids = [pid for _, pid, _ in started(tmp_path)]
    wait_until(lambda: all(not psutil.pid_exists(pid) or _is_zombie(pid) for pid in pids), "the end of both")
    for _, _, below in started(tmp_path):
        os.kill(below, signal.SIGKILL)
    supervisor.communicate()  # they held its output open


def test_one_that_never_runs_is_given_up(tmp_path: Path) -> None:
    patched = KEEP.replace(
        "from galcat.errors", "import galcat.cli.supervisor as s; s._LONGEST_PAUSE_S = 0\nfrom galcat.errors"
    )
    done = subprocess.run(
        [sys.executable, "-c", patched, str(tmp_path), "fails"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == (
        "the second ended 6 times soon after its start, at last with 3: its own words stand above\n"
    )
    assert done.stdout.count("the second ended with 3") == 5
    assert are_gone(tmp_path)
