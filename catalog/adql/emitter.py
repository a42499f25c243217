"""The emitter: puts pieces of SQL together, flat and bounded, as psycopg walks nested ones by recursion."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import LiteralString

from psycopg import sql

from catalog.adql.errors import AdqlError
from catalog.adql.limits import MAX_COPIED_PIECES, MAX_PIECES

SqlPart = LiteralString | sql.Composable
"""A text of ours, or SQL."""

_copied_pieces: ContextVar[list[int] | None] = ContextVar("copied", default=None)


@contextmanager
def count_pieces() -> Iterator[None]:
    """Count all pieces that are emitted within: a translation may take only so much work."""
    token = _copied_pieces.set([0])
    try:
        yield
    finally:
        _copied_pieces.reset(token)


def emit(*parts: SqlPart) -> sql.Composed:
    """Put one piece of SQL together from constant texts and other pieces.

    Raises:
        AdqlError: It would be too large, or there was too much before.
    """
    pieces: list[sql.Composable] = []
    for part in parts:
        if isinstance(part, str):
            pieces.append(_as_sql(part))
        elif isinstance(part, sql.Composed):
            pieces.extend(part)
        else:
            pieces.append(part)
        if len(pieces) > MAX_PIECES:
            raise AdqlError("the query is too large once written out")
    _count(len(pieces))
    return sql.Composed(pieces)


def emit_list(parts: Iterable[sql.Composable], between: LiteralString = ", ") -> sql.Composed:
    """Put pieces together with a constant text between them."""
    pieces: list[SqlPart] = []
    for part in parts:
        if pieces:
            pieces.append(between)
        pieces.append(part)
    return emit(*pieces)


def piece_count(text: sql.Composed) -> int:
    """Count the pieces of some SQL."""
    return sum(1 for _ in text)


def _count(pieces: int) -> None:
    copied = _copied_pieces.get()
    if copied is not None:
        copied[0] += pieces
        if copied[0] > MAX_COPIED_PIECES:
            raise AdqlError("the query is too large once written out")


@cache
def _as_sql(text: LiteralString) -> sql.SQL:
    return sql.SQL(text)
