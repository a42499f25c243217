"""Processes that belong together: started in order, started again where one ends, ended together."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from galcat.errors import WorkflowError

SOON_S = 30.0
"""A process that ends so soon after its start has not run."""
MAX_TRIES = 6
_LOOK_S = 0.2
_LONGEST_PAUSE_S = 60.0
_END_S = 60.0
_PARENT_DIES = 1  # PR_SET_PDEATHSIG


@dataclass(frozen=True)
class Child:
    """A process to be kept running.

    Attributes:
        name: What messages call it.
        command: Its program and arguments.
        socket: Unix socket on which it listens once it is ready, for those after it; None where none waits.
    """

    name: str
    command: tuple[str, ...]
    socket: Path | None = None


class Supervisor:
    """Keeps processes running until it is told to stop.

    Args:
        children: The processes, in the order in which they start; they end in the other.
        environment: Environment variables of the processes.
        folder: Folder in which they stand.
        say: Is told, in a line, when one ended and is started again.
    """

    def __init__(
        self,
        children: Sequence[Child],
        environment: Mapping[str, str],
        folder: Path,
        say: Callable[[str], None],
    ) -> None:
        self._children = tuple(children)
        self._environment = dict(environment)
        self._folder = folder
        self._say = say
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._began: dict[str, float] = {}
        self._failures: dict[str, int] = {}
        self._is_stopping = False

    def run(self) -> None:
        """Run until Ctrl-C or SIGTERM; every process and what it has started is gone at the end.

        Raises:
            WorkflowError: One ended again and again soon after its start.
        """
        with self._stopped_by_signals():
            try:
                for child in self._children:
                    self._start(child)
                    self._wait_until_ready(child)
                while not self._is_stopping:
                    for child in self._children:
                        self._look_after(child)
                    time.sleep(_LOOK_S)
            finally:
                self._end_all()

    def _start(self, child: Child) -> None:
        if self._is_stopping:
            return
        if child.socket is not None:
            child.socket.unlink(missing_ok=True)
        self._began[child.name] = time.monotonic()
        self._running[child.name] = subprocess.Popen(  # noqa: S603 - our own command lines, no shell
            child.command,
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for us, who end them in order
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - no threads here
        )

    def _wait_until_ready(self, child: Child) -> None:
        while child.socket is not None and not self._is_stopping and not _accepts(child.socket):
            self._look_after(child)
            time.sleep(_LOOK_S)

    def _look_after(self, child: Child) -> None:
        code = self._running[child.name].poll() if child.name in self._running else None
        if code is None or self._is_stopping:
            return
        was_soon = time.monotonic() - self._began[child.name] < SOON_S
        failures = self._failures.get(child.name, 0) + 1 if was_soon else 1
        self._failures[child.name] = failures
        if failures == MAX_TRIES:
            raise WorkflowError(
                f"the {child.name} ended {MAX_TRIES} times soon after its start, at last with {code}: its "
                "own words stand above"
            )
        pause = min(_LONGEST_PAUSE_S, 2.0 ** (failures - 1))
        self._say(f"the {child.name} ended with {code}: it is started again in {pause:.0f} s")
        _end_group(self._running[child.name], signal.SIGKILL)  # what it had started
        until = time.monotonic() + pause
        while time.monotonic() < until and not self._is_stopping:
            time.sleep(_LOOK_S)
        self._start(child)

    def _end_all(self) -> None:
        for child in reversed(self._children):
            process = self._running.get(child.name)
            if process is None:
                continue
            _end_group(process, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(_END_S)
            _end_group(process, signal.SIGKILL)
            process.wait()
            if child.socket is not None:
                child.socket.unlink(missing_ok=True)

    @contextmanager
    def _stopped_by_signals(self) -> Iterator[None]:
        def stop(_number: int, _frame: FrameType | None) -> None:
            self._is_stopping = True

        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _end_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)  # it leads its session


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PARENT_DIES, signal.SIGTERM)


def _accepts(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True
