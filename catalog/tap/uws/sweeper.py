"""A thread that tidies up: jobs whose time is over, jobs of dead processes, what crashes have left."""

import logging
import threading
from collections.abc import Callable

import psycopg

from catalog.errors import ServerError

_log = logging.getLogger(__name__)

_TICK_S = 1.0
_TICKS_A_SWEEP = 60


class Sweeper:
    """The thread that tidies up.

    Args:
        tick: Function that is called every second.
        sweep: Called when the thread begins, and every minute.
        on_outage: Called where the database could not be asked; it is tried again.
    """

    def __init__(
        self, tick: Callable[[], None], sweep: Callable[[], None], on_outage: Callable[[Exception], None]
    ) -> None:
        self._tick = tick
        self._sweep = sweep
        self._on_outage = on_outage
        self._is_closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="sweeper", daemon=True)

    def open(self) -> None:
        """Sweep once, and start the thread."""
        self._sweep()
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._is_closing.set()
        self._thread.join()

    def _work(self) -> None:
        ticks = 0
        while not self._is_closing.wait(_TICK_S):
            ticks += 1
            try:
                self._tick()
                if ticks % _TICKS_A_SWEEP == 0:
                    self._sweep()
            except (psycopg.Error, ServerError) as error:
                self._on_outage(error)
            except Exception:  # noqa: BLE001 - it is tried again
                _log.exception("tidying up failed; it is tried again")
