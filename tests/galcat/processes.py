"""Processes of Dagster that a test starts, watches and ends, with what they said."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.waiting import wait_until

SECONDS_TO_END = 60


@dataclass(frozen=True)
class RunningProcess:
    """A process in a session of its own, and the file that holds its output."""

    process: subprocess.Popen[bytes]
    log: Path


def program(command: list[str]) -> list[str]:
    """A command of this Python's environment, by its whole path."""
    return [str(Path(sys.executable).parent / command[0]), *command[1:]]


@contextmanager
def start_process(
    command: list[str], environment: Mapping[str, str], log: Path, cwd: Path | None = None
) -> Iterator[RunningProcess]:
    """Run a command of this Python's environment; at the end it and all its children are ended."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            program(command),
            cwd=cwd,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield RunningProcess(process, log)
    finally:
        _end(process)


def wait_while_running(event: str, is_so: Callable[[], bool], running: list[RunningProcess]) -> None:
    """Wait until something is so; fails with the processes' output when one of them ends before."""

    def read_logs() -> str:
        return "\n".join(f"--- {one.log.name}\n{one.log.read_text()[-6000:]}" for one in running)

    def is_so_and_all_run() -> bool:
        if is_so():
            return True
        assert all(one.process.poll() is None for one in running), (
            f"a process ended before {event}\n{read_logs()}"
        )
        return False

    wait_until(is_so_and_all_run, event, read_logs)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        process.wait(SECONDS_TO_END)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # what is left of its session
    process.wait()
