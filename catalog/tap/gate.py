"""How many queries run at once: the others wait in line, and too long a line is refused."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from catalog.tap.faults import BusyError


class Gate:
    """Places for queries.

    Args:
        places: Queries at once.
        most_waiting: How long the line may be.
    """

    def __init__(self, places: int, most_waiting: int) -> None:
        self._places = asyncio.Semaphore(places)
        self._most_waiting = most_waiting
        self._waiting = 0

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """A place, as soon as there is one.

        Raises:
            BusyError: The line is too long.
        """
        if self._waiting >= self._most_waiting:
            raise BusyError(f"{self._waiting} queries are waiting already: try again later")
        self._waiting += 1
        try:
            await self._places.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._places.release()
