"""What the uploaded tables of requests that go on take, by client: no job counts for them yet."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class HeldTables:
    """What the tables of requests that go on take: of no job, or of one that is not stored yet.

    Attributes:
        n_bytes: Bytes by the client's address.
    """

    n_bytes: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def hold(self, address: str) -> Iterator["HeldByRequest"]:
        """Count the tables of one request of an address until its end."""
        request = HeldByRequest(self, address)
        try:
            yield request
        finally:
            self.add(address, -request.n_bytes)

    def add(self, address: str, n_bytes: int) -> None:
        """Count more bytes of an address, or fewer."""
        with self._lock:
            self.n_bytes[address] += n_bytes
            if not self.n_bytes[address]:
                del self.n_bytes[address]


@dataclass
class HeldByRequest:
    """What the tables of one request take so far, in bytes."""

    tables: HeldTables
    address: str
    n_bytes: int = 0

    def add(self, n_bytes: int) -> None:
        """Count one more table."""
        self.n_bytes += n_bytes
        self.tables.add(self.address, n_bytes)
