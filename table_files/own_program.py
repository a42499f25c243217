"""A program of ours that serves this process by its pipes, and whose sudden end hurts nobody else."""

import atexit
import contextlib
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Lock, Timer

PATIENCE_S = 900.0
"""How long an answer may take: a hundred times what the largest files of surveys need."""
LIMIT = f"{PATIENCE_S / 60:.0f} minutes"
"""The same in words."""


class OwnProgram:
    """The program, which is started when it is first needed and serves until this process ends.

    It is made of functions that give its command and its environment when it is started; without the second
    it has this process's own environment.

    Attributes:
        lock: Held by whoever asks it, until the answer is there.
        is_late: Whether the last question found no answer in time.
    """

    def __init__(
        self,
        command: Callable[[], Sequence[str]],
        environment: Callable[[], Mapping[str, str]] | None = None,
    ) -> None:
        self.lock = Lock()
        self.is_late = False
        self._command = command
        self._environment = environment
        self._program: subprocess.Popen[bytes] | None = None
        self._owner = 0
        atexit.register(self.close)
        os.register_at_fork(after_in_child=self._renew_lock)

    def running(self) -> "subprocess.Popen[bytes]":
        """The program, started anew where it has ended; the caller holds the lock."""
        if self._program is None or self._owner != os.getpid() or self._program.poll() is not None:
            self.end()
            self._program = subprocess.Popen(  # noqa: S603 - our own program
                self._command(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=self._environment() if self._environment else None,
            )
            self._owner = os.getpid()
        return self._program

    @contextmanager
    def asked(self) -> "Iterator[subprocess.Popen[bytes]]":
        """The running program for one question and its answer; the caller holds the lock.

        Where the answer does not come in time the program is ended, so that whoever reads its pipe sees the
        end of it.
        """
        program = self.running()
        self.is_late = False

        def give_up() -> None:
            self.is_late = True
            program.kill()

        timer = Timer(PATIENCE_S, give_up)
        timer.daemon = True
        timer.start()
        try:
            yield program
        finally:
            timer.cancel()
            timer.join()
            if self.is_late:
                self.end()

    def end(self) -> None:
        """End the program, so that no late answer is taken for the next one; the caller holds the lock."""
        program, self._program = self._program, None
        if program is None:
            return
        for stream in (program.stdin, program.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        if self._owner == os.getpid():  # a child of fork has its copy of the pipes, and no program
            program.kill()
            program.wait()

    def close(self) -> None:
        """End the program; it starts again when it is needed."""
        with self.lock:
            self.end()

    def _renew_lock(self) -> None:
        # In a child of fork nobody would ever release what another thread holds at that moment.
        self.lock = Lock()
