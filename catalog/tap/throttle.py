"""Throttles: how much work of one kind runs at once, in all and for each client's address.

One class counts for all that the service bounds: synchronous queries and cutouts wait in the event loop,
uploaded tables wait in threads, and answers that WAIT would hold back go out at once where no slot is free.
Addresses of IPv6 count by their network of 64 bits, which is what one subscriber is given.
"""

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from catalog.tap.errors import BusyError
from catalog.tap.middleware.client import find_network


@dataclass(frozen=True)
class Refusals:
    """What clients are told for whom there is no slot; `: try again later` follows each.

    Attributes:
        line_full: Said where the waiting line is as long as it may be; `{n}` stands for its length.
        address_full: Said where the line holds as many of this address as it may; `{n}` stands for their
            number.
        timed_out: Said where no slot became free in time; `{seconds}` stands for how long was waited.
    """

    line_full: str = "{n} queries are waiting already"
    address_full: str = "{n} queries of your address are waiting already"
    timed_out: str = "no query could be begun for {seconds:g} s"


@dataclass(eq=False)
class _Turn:
    """One that waits in line: its address, and what wakes it when it has been given a slot."""

    address: str
    wake: Callable[[], object]


class Throttle:
    """Slots for work of one kind, shared among addresses; safe to use from threads and from the event loop.

    Who finds no free slot waits in line; the first in line whose address may have another slot is served
    first, so that nobody waits for an address that has as many as it may.

    Args:
        slots: How much work runs at once; None where only what each address has is bounded.
        max_waiting: How many may wait in line.
        slots_each: How many slots one address may have; None where only the sum counts.
        max_waiting_each: How many of one address may wait; None where only the sum counts.
        seconds: How long one may wait; None where there is no such limit.
        refusals: What those are told who get no slot.
    """

    def __init__(
        self,
        slots: int | None,
        max_waiting: int = 0,
        slots_each: int | None = None,
        max_waiting_each: int | None = None,
        seconds: float | None = None,
        refusals: Refusals | None = None,
    ) -> None:
        self._slots = slots
        self._max_waiting = max_waiting
        self._slots_each = slots_each
        self._max_waiting_each = max_waiting_each
        self._seconds = seconds
        self._refusals = refusals or Refusals()
        self._lock = threading.Lock()
        self._running: Counter[str] = Counter()
        self._line: list[_Turn] = []

    @property
    def n_waiting(self) -> int:
        """How many wait in line."""
        return len(self._line)

    @asynccontextmanager
    async def slot(self, address: str = "") -> AsyncIterator[None]:
        """Hold a slot, as soon as there is one for this address; to be used in the event loop.

        Raises:
            BusyError: The line is too long, or did not move for too long.
        """
        address = find_network(address)
        loop, is_given = asyncio.get_running_loop(), asyncio.Event()
        turn = self._enter(address, lambda: loop.call_soon_threadsafe(is_given.set))
        if turn is not None:
            with self._waiting(turn):
                async with asyncio.timeout(self._seconds):
                    await is_given.wait()
        try:
            yield
        finally:
            self._leave(address)

    @contextmanager
    def slot_in_thread(self, address: str = "") -> Iterator[None]:
        """Hold a slot, as soon as there is one for this address; blocks the calling thread until then.

        Raises:
            BusyError: The same as `slot` raises.
        """
        address = find_network(address)
        is_given = threading.Event()
        turn = self._enter(address, is_given.set)
        if turn is not None:
            with self._waiting(turn):
                if not is_given.wait(self._seconds):
                    raise TimeoutError
        try:
            yield
        finally:
            self._leave(address)

    @contextmanager
    def slot_if_free(self, address: str = "") -> Iterator[bool]:
        """Hold a slot and give True where one is free now; else give False, and nothing is held."""
        address = find_network(address)
        with self._lock:
            is_free = self._take(address)
        try:
            yield is_free
        finally:
            if is_free:
                self._leave(address)

    def _enter(self, address: str, wake: Callable[[], object]) -> _Turn | None:
        """Take a free slot and give None, or join the line and give the turn there."""
        with self._lock:
            if self._take(address):
                return None
            if len(self._line) >= self._max_waiting:
                raise _busy(self._refusals.line_full.format(n=len(self._line)))
            waiting = sum(turn.address == address for turn in self._line)
            if self._max_waiting_each is not None and waiting >= self._max_waiting_each:
                raise _busy(self._refusals.address_full.format(n=waiting))
            self._line.append(turn := _Turn(address, wake))
            return turn

    @contextmanager
    def _waiting(self, turn: _Turn) -> Iterator[None]:
        """Leave the line where waiting ends without a slot, or give back the one that came at that moment."""
        try:
            yield
        except BaseException as error:
            with self._lock:
                is_in_line = turn in self._line
                if is_in_line:
                    self._line.remove(turn)
            if not is_in_line:
                self._leave(turn.address)
            if isinstance(error, TimeoutError):
                raise _busy(self._refusals.timed_out.format(seconds=self._seconds)) from None
            raise

    def _take(self, address: str) -> bool:
        """Count a slot as taken, if the address may have one; the caller holds the lock."""
        if self._slots is not None and self._running.total() >= self._slots:
            return False
        if self._slots_each is not None and self._running[address] >= self._slots_each:
            return False
        self._running[address] += 1
        return True

    def _leave(self, address: str) -> None:
        """Free a slot, and give it to the first in line that may have it."""
        with self._lock:
            self._running[address] -= 1
            if not self._running[address]:
                del self._running[address]
            for turn in self._line:
                if self._take(turn.address):
                    self._line.remove(turn)
                    turn.wake()
                    return


def _busy(reason: str) -> BusyError:
    return BusyError(f"{reason}: try again later")
