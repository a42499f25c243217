"""How many answers are held back for one address at once."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


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
