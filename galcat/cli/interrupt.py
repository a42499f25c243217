"""Ctrl-C and SIGTERM: the command ends with 130 or 143 and no traceback, whatever it is just doing."""

import os
import signal
import sys
from contextlib import suppress
from types import FrameType
from typing import NoReturn

_IMPORT_SYSTEM = "<frozen importlib"
_SHOW_CURSOR = "\x1b[?25h"


class Interruption:
    """Watches for Ctrl-C and SIGTERM from now until the process ends.

    The first one raises KeyboardInterrupt, so that transactions are rolled back and files are closed. While a
    module is being imported it ends the process at once: there is nothing to undo yet, and libraries turn an
    interrupt in mid-import into errors of their own, or lose it. A second one does not wait any more.
    A signal that the caller ignores stays ignored, as `nohup` and a shell's `&` want it.
    """

    def __init__(self) -> None:
        self._process = os.getpid()
        self._received: int | None = None
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._receive)
        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, self._receive)
        sys.unraisablehook = self._end_on_lost_interrupt

    @property
    def exit_code(self) -> int | None:
        """128 and the signal's number, as a shell gives it; None where none came."""
        return None if self._received is None else 128 + self._received

    def _receive(self, number: int, frame: FrameType | None) -> None:
        is_child = os.getpid() != self._process  # a forked worker has inherited the handler
        if is_child or self._received is not None or _is_importing(frame):
            _end(number)
        self._received = number
        raise KeyboardInterrupt

    def _end_on_lost_interrupt(self, lost: "sys.UnraisableHookArgs") -> None:
        """An interrupt that arrived where Python can only print it: in a destructor, or at the very end."""
        if self._received is not None and issubclass(lost.exc_type, KeyboardInterrupt):
            _end(self._received)
        sys.__unraisablehook__(lost)


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith(_IMPORT_SYSTEM):
            return True
        frame = frame.f_back
    return False


def _end(number: int) -> NoReturn:
    with suppress(Exception):
        sys.stdout.flush()
        if sys.stderr.isatty():  # a progress bar has hidden it
            sys.stderr.write(_SHOW_CURSOR)
            sys.stderr.flush()
    os._exit(128 + number)
