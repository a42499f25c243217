"""Runs one query on one connection, from its text to its last row."""

import logging
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass

import psycopg

from catalog.adql.published import PublishedTable
from catalog.adql.translate import translate
from catalog.adql.translation import Translation
from catalog.errors import CatalogError, QueryError
from catalog.formats.writer import Row
from catalog.tap.database.connections import Connections, read_snapshot
from catalog.tap.database.postgres_errors import translate_error
from catalog.tap.database.published_cache import PublishedCache
from catalog.tap.queries.gather_rows import Chunks, Columns, count_and_stream_rows, read_columns, stream_rows
from catalog.tap.queries.postgres_types import convert_rows, describe_columns
from catalog.tap.queries.similar import resolve_searches

_log = logging.getLogger(__name__)

_CANCEL_AGAIN_S = 0.1
_CANCEL_S = 10.0
"""How long Postgres is asked to cancel a query; then its session is terminated."""
_TERMINATE_S = 10.0
"""How long it is asked to do that; then the session is left to itself."""
_TERMINATE_AGAIN_S = 1.0
_ROW_BYTES = 10_000_000
"""Of one row of an answer."""


class QueryStoppedError(QueryError):
    """The query was stopped from outside: its time was over, it was aborted, or nobody waits any more."""


@dataclass(frozen=True)
class QueryRequest:
    """A query that a client asks, with its bounds.

    Attributes:
        text: Text of the query as it was sent.
        language: The query language: ADQL, ADQL-2.0 or ADQL-2.1.
        default_rows: How many rows are shown at most where the query names no TOP.
        max_rows: How many rows are shown at most in any case; 0 asks for the columns alone.
    """

    text: str
    language: str
    default_rows: int
    max_rows: int


class RunningQuery:
    """A query while Postgres works on it.

    `begin`, `chunks` and `close` belong to one thread at a time; `stop` may come from any other.

    Attributes:
        columns: The columns of the answer, once the query has begun; empty before.
        is_cut: Whether there are more rows than are shown; known at the end.
        count: The number of rows that were given so far.
        seconds: How long the query may take.
    """

    def __init__(
        self, connections: Connections, cache: PublishedCache, request: QueryRequest, seconds: float
    ) -> None:
        self.columns: Columns = ()
        self.is_cut = False
        self.count = 0
        self.seconds = seconds
        self._connections = connections
        self._cache = cache
        self._request = request
        self._held = ExitStack()
        self._lock = threading.Lock()
        self._is_at_work = False
        self._connection: psycopg.Connection | None = None
        self._stopped_for = ""
        self._chunks: Generator[list[Row]] | None = None

    def begin(self, uploads: tuple[PublishedTable, ...] = (), *, is_counted: bool = False) -> None:
        """Translate and run the query, up to its first rows.

        Args:
            uploads: The tables that came with the query.
            is_counted: Whether Postgres first gathers and counts all rows, so that `is_cut` is known and
                nothing can fail before any of them is sent.

        Raises:
            CatalogError: The query is wrong, took too long, or was stopped; or it is our fault.
        """
        self._connections.require_backends()
        with self._working():
            connection = self._held.enter_context(self._connections.reader())
            self._connection = connection
            self._held.enter_context(read_snapshot(connection, self.seconds))
            translation, max_rows = self._translate(connection, uploads)
            if max_rows == 0:
                self.columns, self.is_cut = read_columns(connection, translation), True
                return
            parameters = resolve_searches(connection, translation, self._connections.memory)

            def tell(total: int) -> None:
                self.is_cut = total > max_rows

            if is_counted:
                chunks = count_and_stream_rows(connection, translation, parameters, _ROW_BYTES, tell)
            else:
                chunks = stream_rows(connection, translation, parameters, _ROW_BYTES)
            self._chunks = self._show(connection, translation, chunks, max_rows)
            next(self._chunks)

    def chunks(self) -> Iterator[list[Row]]:
        """Give the rows, some at a time.

        Raises:
            CatalogError: The same as `begin` raises.
        """
        while self._chunks is not None:
            with self._working():
                rows = next(self._chunks, None)
            if rows is None:
                return
            self.count += len(rows)
            yield rows

    def stop(self, reason: str) -> None:
        """Cancel it in Postgres; whoever works on it gets QueryStoppedError with this reason.

        That ends within 20 seconds, whatever Postgres does: where it does not cancel, the session is
        terminated, and where that does not end it either, it is left to itself.
        """
        self._stopped_for = self._stopped_for or reason
        began = time.monotonic()
        while True:
            waited = time.monotonic() - began
            with self._lock:
                if not self._is_at_work:
                    return
                connection = self._connection
                if connection is not None and waited < _CANCEL_S:
                    with suppress(psycopg.Error):
                        connection.cancel_safe(timeout=_CANCEL_S)
            if connection is not None and _CANCEL_S <= waited < _CANCEL_S + _TERMINATE_S:
                with suppress(psycopg.Error, CatalogError):
                    self._connections.terminate(connection)
                    time.sleep(_TERMINATE_AGAIN_S)
            elif connection is not None and waited >= _CANCEL_S + _TERMINATE_S:
                self._connections.abandon(connection)
                return
            time.sleep(_CANCEL_AGAIN_S)  # it may have come between two statements

    def close(self) -> None:
        """Give the connection back; what still runs is cancelled."""
        try:
            if self._chunks is not None:
                self._chunks.close()
            self._held.close()
        except psycopg.Error as error:
            _log.warning("a reader's connection is lost: %s", error)

    def _translate(
        self, connection: psycopg.Connection, uploads: tuple[PublishedTable, ...]
    ) -> tuple[Translation, int]:
        """The translation, and how many rows are shown at most."""
        request = self._request
        published = self._cache.current(connection).with_uploads(uploads)
        translation = translate(
            request.text, published, request.max_rows, request.language, default_rows=request.default_rows
        )
        shown = translation.max_rows
        return translation, request.max_rows if shown is None else shown

    def _show(
        self,
        connection: psycopg.Connection,
        translation: Translation,
        chunks: Chunks,
        max_rows: int,
    ) -> Generator[list[Row]]:
        """The first `max_rows` rows, after an empty chunk that says that the columns are known."""
        left = max_rows
        with closing(chunks):
            for answer, rows in chunks:
                if not self.columns:
                    self.columns = describe_columns(translation.columns, answer)
                    yield []
                self.is_cut = self.is_cut or len(rows) > left
                yield convert_rows(rows[:left], answer)
                left -= len(rows)
                if left < 0:
                    return
        if not self.columns:
            self.columns = read_columns(connection, translation)
            yield []

    @contextmanager
    def _working(self) -> Iterator[None]:
        with self._lock:
            self._is_at_work = True
        try:
            self._refuse_stopped()
            yield
        except psycopg.Error as error:
            self._refuse_stopped()
            raise translate_error(error, self.seconds) from error
        finally:
            with self._lock:
                self._is_at_work = False

    def _refuse_stopped(self) -> None:
        if self._stopped_for:
            raise QueryStoppedError(self._stopped_for)
