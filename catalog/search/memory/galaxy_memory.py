"""The galaxies of the current release in the memory of this process, kept up to date."""

import logging
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Literal

import psutil  # type: ignore[import-untyped] # it ships no types
import psycopg

from catalog.database.connection import connect
from catalog.database.embedded.settings import memory_mb
from catalog.database.read_only import read_transaction
from catalog.errors import CatalogError
from catalog.search.memory.changes import read_moment
from catalog.search.memory.held import MAX_CHANGED, Held, TooManyChangesError, guess_bytes, hold, read_all
from catalog.search.memory.rows import BYTES_A_GALAXY

MIN_GALAXIES = 20_000
"""Below so many a search is fast without."""
_WHILE_READ = 2.5
"""So many times what is held is needed while it is read."""
_SHARE = 0.25
"""Of the memory that is free, where no bound is set."""
_PATIENCE_S = 60.0
_PATIENCE = 5.0
"""Read anew only after so many times as long as the last reading took."""
_KEPT = 4
_log = logging.getLogger(__name__)
Phase = Literal["off", "empty", "reading", "held", "too_large", "failed"]


@dataclass(frozen=True)
class MemoryState:
    """How it stands with the galaxies in memory.

    Attributes:
        phase: off by a setting; empty: fewer galaxies than are worth it; reading for the first time; held;
            too_large for the memory; or failed, and tried again later.
        galaxies: Number of galaxies that are held.
        changed: How many of them were read since the last sweep.
        bytes: Memory that they take.
        seconds: How long the last sweep took.
        reason: Why they are not held, in a line.
        last_change: Number of the newest change in galcat.galaxy_change that is in what is held.
        as_of: When what is held was seen last to be all that the database holds, seconds since 1970.
    """

    phase: Phase
    galaxies: int = 0
    changed: int = 0
    bytes: int = 0
    seconds: float = 0.0
    reason: str = ""
    last_change: int = 0
    as_of: float = 0.0


class GalaxyMemory:
    """Galaxies held in memory for searches; threads may share it.

    Args:
        url: URL of the catalogue's database, read as galcat_reader.
        max_bytes: Memory that may be taken; None for a quarter of what is free, 0 for none at all.
    """

    def __init__(self, url: str, max_bytes: int | None = None) -> None:
        self._url = url
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._kept: deque[Held] = deque(maxlen=_KEPT)  # the newest last
        self._state = MemoryState("off" if max_bytes == 0 else "reading")
        self._reader: threading.Thread | None = None
        self._connection: psycopg.Connection | None = None
        self._not_before = 0.0
        self._as_of = 0.0
        self._is_closed = False

    @property
    def state(self) -> MemoryState:
        """How it stands."""
        with self._lock:
            newest = self._kept[-1] if self._kept else None
            if newest is None:
                return self._state
            return replace(
                self._state,
                galaxies=len(newest),
                changed=newest.n_changed,
                last_change=newest.last_change,
                as_of=self._as_of,
            )

    def start(self) -> None:
        """Read the galaxies, in a thread of its own, unless that is done or has just failed."""
        with self._lock:
            is_reading = self._reader is not None and self._reader.is_alive()
            if is_reading or self._is_closed or self._max_bytes == 0 or time.monotonic() < self._not_before:
                return
            self._reader = threading.Thread(target=self._read, name="galaxy-memory", daemon=True)
            self._reader.start()

    def wait(self, seconds: float | None = None) -> MemoryState:
        """Wait until a reading that has begun is over; gives how it stands then."""
        reader = self._reader
        if reader is not None:
            reader.join(seconds)
        return self.state

    def close(self) -> None:
        """Let go of everything."""
        with self._lock:
            self._is_closed = True
            reader, connection = self._reader, self._connection
            self._kept.clear()
            self._state = MemoryState("off")
        if connection is not None:
            with suppress(psycopg.Error):
                connection.cancel_safe(timeout=1.0)
        if reader is not None:
            reader.join()

    def find_held(self, connection: psycopg.Connection) -> Held | None:
        """What is held, as the transaction of a connection sees the catalogue; None where that is not known.

        Args:
            connection: A connection inside a transaction, of a role that may read galcat.galaxy.
        """
        with self._lock:
            kept = list(self._kept)
        if not kept:
            self.start()
            return None
        seen_at = time.time()
        moment = read_moment(connection, min(held.moment.settled_before for held in kept))
        held = next((one for one in reversed(kept) if one.is_seen_by(moment)), None)
        if held is None:
            if moment.is_one and kept[-1].is_overtaken_by(moment):
                self.start()
            return None
        try:
            newer = held.bring_up_to(connection, moment)
        except TooManyChangesError:
            self.start()
            return None
        self._offer(newer, held, seen_at)
        if newer.n_changed > MAX_CHANGED // 2:
            self.start()
        return newer

    def count_waiting(self, connection: psycopg.Connection) -> int | None:
        """How many changes the next search has to bring in; None where all is not held or to be read anew.

        Args:
            connection: A connection inside a transaction, of a role that may read galcat.galaxy.
        """
        with self._lock:
            newest = self._kept[-1] if self._kept else None
        if newest is None:
            return None
        moment = read_moment(connection, newest.moment.settled_before)
        if newest.moment.server != moment.server or newest.moment.release_id != moment.release_id:
            return None
        return len(newest.find_unknown(moment))

    def _offer(self, newer: Held, older: Held, seen_at: float) -> None:
        """Keep what was made of the newest; of two made at once, one."""
        with self._lock:
            if not self._kept or self._kept[-1] is not older:
                return
            self._as_of = max(self._as_of, seen_at)
            if newer is not older:
                self._kept.append(newer)

    def _read(self) -> None:
        begun, seen_at = time.monotonic(), time.time()
        try:
            with connect(self._url, autocommit=True) as connection:
                with self._lock:
                    if self._is_closed:
                        return
                    self._connection = connection
                with read_transaction(connection):
                    state = self._judge_size(connection)
                    read = read_all(connection) if state.phase == "held" else None
            held = None if read is None else hold(*read)  # no transaction waits for that
        except (psycopg.Error, CatalogError, MemoryError) as error:
            state, held = MemoryState("failed", reason=str(error).partition("\n")[0]), None
        took = time.monotonic() - begun
        with self._lock:
            self._connection = None
            self._not_before = time.monotonic() + max(_PATIENCE_S, _PATIENCE * took)
            if self._is_closed:
                return
            self._state = replace(state, seconds=took)
            self._kept.clear()
            if held is not None:
                self._kept.append(held)
                self._as_of = seen_at
        if state.reason:
            _log.warning("searches go without galaxies in memory: %s", state.reason)

    def _judge_size(self, connection: psycopg.Connection) -> MemoryState:
        needed = guess_bytes(connection, BYTES_A_GALAXY)
        allowed = self._max_bytes
        if allowed is None:
            # A container's bound is not what is free on its machine.
            allowed = int(_SHARE * min(psutil.virtual_memory().available, memory_mb() << 20))
        if needed < MIN_GALAXIES * BYTES_A_GALAXY:
            return MemoryState("empty")
        if needed * _WHILE_READ > allowed:
            reason = (
                f"{needed * _WHILE_READ / 1e9:.2g} GB are needed while they are read, "
                f"{allowed / 1e9:.2g} GB may be taken (GALCAT_SEARCH_MEMORY_GB)"
            )
            return MemoryState("too_large", reason=reason)
        return MemoryState("held", bytes=needed)
