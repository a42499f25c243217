"""Pieces of SQL put together, flat: psycopg walks nested ones by recursion."""

from collections.abc import Iterable
from functools import cache
from typing import LiteralString

from psycopg import sql


def glue(*parts: LiteralString | sql.Composable) -> sql.Composed:
    """One piece of SQL from texts of ours and other pieces."""
    pieces: list[sql.Composable] = []
    for part in parts:
        if isinstance(part, str):
            pieces.append(_text(part))
        elif isinstance(part, sql.Composed):
            pieces.extend(part)
        else:
            pieces.append(part)
    return sql.Composed(pieces)


def listed(parts: Iterable[sql.Composable], between: LiteralString = ", ") -> sql.Composed:
    """Pieces with a text of ours between them."""
    pieces: list[LiteralString | sql.Composable] = []
    for part in parts:
        if pieces:
            pieces.append(between)
        pieces.append(part)
    return glue(*pieces)


@cache
def _text(text: LiteralString) -> sql.SQL:
    return sql.SQL(text)
