"""How many queries run at once: the others wait in line, not too long, and too long a line is refused."""

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from catalog.tap.errors import BusyError


class Gate:
    """Places for queries, shared among the addresses that ask.

    Args:
        places: Queries at once.
        most_waiting: How long the line may be.
        places_each: Queries of one address at once; none where only the sum counts.
        most_waiting_each: Queries of one address in the line.
        seconds: How long one may wait.
    """

    def __init__(
        self,
        places: int,
        most_waiting: int,
        places_each: int | None = None,
        most_waiting_each: int | None = None,
        seconds: float | None = None,
    ) -> None:
        self._free = places
        self._most_waiting = most_waiting
        self._places_each = places if places_each is None else places_each
        self._most_waiting_each = most_waiting if most_waiting_each is None else most_waiting_each
        self._seconds = seconds
        self._running: Counter[str] = Counter()
        self._line: list[tuple[str, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def place(self, address: str = "") -> AsyncIterator[None]:
        """A place, as soon as there is one for this address; nobody else waits for an address that has many.

        Raises:
            BusyError: The line is too long, or did not move for too long.
        """
        await self._enter(address)
        try:
            yield
        finally:
            self._leave(address)

    async def _enter(self, address: str) -> None:
        if self._may_enter(address):
            self._take(address)
            return
        waiting = sum(other == address for other, _ in self._line)
        if len(self._line) >= self._most_waiting:
            raise BusyError(f"{len(self._line)} queries are waiting already: try again later")
        if waiting >= self._most_waiting_each:
            raise BusyError(f"{waiting} queries of your address are waiting already: try again later")
        turn = asyncio.get_running_loop().create_future()
        self._line.append((address, turn))
        try:
            async with asyncio.timeout(self._seconds):
                await turn
        except TimeoutError:
            self._forget(address, turn)
            raise BusyError(f"no query could be begun for {self._seconds:g} s: try again later") from None
        except BaseException:
            self._forget(address, turn)
            raise

    def _may_enter(self, address: str) -> bool:
        return self._free > 0 and self._running[address] < self._places_each

    def _take(self, address: str) -> None:
        self._free -= 1
        self._running[address] += 1

    def _leave(self, address: str) -> None:
        self._free += 1
        self._running[address] -= 1
        if not self._running[address]:
            del self._running[address]
        for i, (other, turn) in enumerate(self._line):
            if self._may_enter(other):
                del self._line[i]
                self._take(other)
                turn.set_result(None)
                return

    def _forget(self, address: str, turn: asyncio.Future[None]) -> None:
        """Whoever waits no more leaves the line, or gives the place back that came at the same moment."""
        if (address, turn) in self._line:
            self._line.remove((address, turn))
        else:
            self._leave(address)


class WaitPlaces:
    """Places for clients that wait; to be used inside the event loop.

    Args:
        most: For each address.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken: Counter[str] = Counter()

    @contextmanager
    def place(self, address: str) -> Iterator[bool]:
        """A place, or False where the address has no further one."""
        if self._taken[address] >= self._most:
            yield False
            return
        self._taken[address] += 1
        try:
            yield True
        finally:
            self._taken[address] -= 1
            if not self._taken[address]:
                del self._taken[address]


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
