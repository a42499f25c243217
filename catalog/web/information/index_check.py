"""The check of the indexes and of what they find, made now and then while somebody looks at the status."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg

from catalog.checks.index import check_index
from catalog.checks.integrity import CheckResult
from catalog.errors import CatalogError
from catalog.tap.service import Service

_KEPT = timedelta(hours=6)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CheckedIndex:
    """What the last check found.

    Attributes:
        results: The checks, each with what it found; empty where none has been made yet.
        at: When they were made, UTC; None where none has been made yet.
        is_running: Whether one is being made.
    """

    results: Sequence[CheckResult] = ()
    at: datetime | None = None
    is_running: bool = False


class IndexCheck:
    """Checks the indexes in a thread of its own when the last check is older than six hours.

    Args:
        service: The service whose database is checked.
        now: Tells the time, in seconds.
    """

    def __init__(self, service: Service, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._service = service
        self._now = now
        self._lock = threading.Lock()
        self._last = CheckedIndex()

    def look(self) -> CheckedIndex:
        """What the last check found; begins another where that is long ago, and does not wait for it."""
        with self._lock:
            is_due = self._last.at is None or self._now() - self._last.at > _KEPT
            if is_due and not self._last.is_running:
                self._last = CheckedIndex(self._last.results, self._last.at, is_running=True)
                threading.Thread(target=self._check, name="index-check", daemon=True).start()
            return self._last

    def _check(self) -> None:
        try:
            with self._service.connections.writer() as writer:
                found = CheckedIndex(check_index(writer), self._now())
        except (psycopg.Error, CatalogError):
            _log.exception("the indexes could not be checked")
            found = CheckedIndex(self._last.results, self._last.at)
        with self._lock:
            self._last = found
