"""A cache of the published tables, which is read from the database again when they have changed."""

import threading
import time

import psycopg

from catalog.adql.published import Published
from catalog.tap.database.load_published import load_published, read_published_stamp

_FRESH_S = 1.0


class PublishedCache:
    """The published tables, at most a second old."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._published: Published | None = None
        self._stamp = ""
        self._looked_at = 0.0

    def current(self, connection: psycopg.Connection) -> Published:
        """The tables and columns that queries may name, read by a reader's connection if needed."""
        with self._lock:
            if self._published is None or time.monotonic() - self._looked_at > _FRESH_S:
                stamp = read_published_stamp(connection)
                if self._published is None or stamp != self._stamp:
                    self._published = load_published(connection)
                self._stamp, self._looked_at = stamp, time.monotonic()
            return self._published
