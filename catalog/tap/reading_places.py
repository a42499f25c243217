"""How many uploaded tables are read at once: it takes much of a processor, and of memory."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from catalog.tap.faults import BusyError


class ReadingPlaces:
    """Places for threads that read a table.

    Args:
        places: Tables at once.
        most_waiting: Threads that wait; more are refused, for each waits instead of another's request.
        seconds: How long one waits.
    """

    def __init__(self, places: int = 2, most_waiting: int = 16, seconds: float = 20) -> None:
        self._places = threading.BoundedSemaphore(places)
        self._line = threading.BoundedSemaphore(places + most_waiting)
        self._seconds = seconds

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place, as soon as there is one.

        Raises:
            BusyError: Too many wait already, or none was free for too long.
        """
        if not self._line.acquire(blocking=False):
            raise BusyError("many uploaded tables are waiting to be read: try again later")
        try:
            if not self._places.acquire(timeout=self._seconds):
                raise BusyError(f"no table could be read for {self._seconds:g} s: try again later")
            try:
                yield
            finally:
                self._places.release()
        finally:
            self._line.release()
