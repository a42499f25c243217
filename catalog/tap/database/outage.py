"""One line when the database goes away, and one when it is back: no traceback from whoever asks it."""

import logging
import threading
import time

_log = logging.getLogger(__name__)


class Outage:
    """Whether the database is away, as several threads find out."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since_s: float | None = None

    def begin(self, error: Exception) -> None:
        """Note that the database could not be asked; said once, until it is back.

        Args:
            error: The reason why the database cannot be reached.
        """
        with self._lock:
            is_new = self._since_s is None
            if is_new:
                self._since_s = time.monotonic()
        if is_new:
            lines = str(error).strip().splitlines() or [type(error).__name__]
            _log.error("the database is away, it is tried again every few seconds: %s", lines[0])

    def end(self) -> None:
        """Note that the database has answered."""
        if self._since_s is None:  # without the lock: nearly always so
            return
        with self._lock:
            since_s, self._since_s = self._since_s, None
        if since_s is not None:
            _log.warning("the database is back after %.0f s", time.monotonic() - since_s)
