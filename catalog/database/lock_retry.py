"""Wait for a lock briefly, and often: readers that come later wait behind whoever waits for a table."""

import time
from collections.abc import Callable
from typing import TypeVar

import psycopg

from catalog.errors import CatalogError

LOCK_TIMEOUT_MS = 100
ATTEMPTS = 300
PAUSE_S = 0.2

_Answer = TypeVar("_Answer")


def retry_on_lock(act: Callable[[], _Answer], error: type[CatalogError] = CatalogError) -> _Answer:
    """Do what may find a lock held; where it is, give way and try again.

    Args:
        act: A whole transaction that sets `lock_timeout` to LOCK_TIMEOUT_MS.
        error: Class of the error that is raised when every attempt found the lock held.

    Raises:
        CatalogError: Others held the lock for too long; nothing was changed.
    """
    began = time.monotonic()
    attempts = 0
    while True:
        try:
            return act()
        except psycopg.errors.LockNotAvailable as held:
            attempts += 1
            if attempts == ATTEMPTS:
                raise error(
                    f"others held the catalogue's tables for {time.monotonic() - began:.0f} s: nothing was "
                    "changed, stop long queries, then try again"
                ) from held
            time.sleep(PAUSE_S)
