"""The SQL text that pg_dump writes and psql reads: rows are counted, what is not ours is left out."""

import re
from collections.abc import Callable, Iterable, Iterator

_COPY = re.compile(rb"COPY .* FROM stdin;\n")
_END = b"\\.\n"
_LEFT_OUT = re.compile(
    rb"CREATE EXTENSION IF NOT EXISTS vector |COMMENT ON EXTENSION vector |SET transaction_timeout = "
)
"""The extension may belong to an administrator; the setting is unknown to Postgres 16 and older."""


def count_rows(
    lines: Iterable[bytes], add_rows: Callable[[int], None], every: int = 1_000
) -> Iterator[bytes]:
    """Pass the lines of a script on, and say how many rows of tables have come by.

    Args:
        lines: The script, line by line.
        add_rows: Called with how many rows have come since it was called last.
        every: How many rows are told at once.
    """
    in_rows, waiting = False, 0
    for line in lines:
        yield line
        if not in_rows:
            in_rows = _COPY.fullmatch(line) is not None
        elif line == _END:
            in_rows = False
            add_rows(waiting)
            waiting = 0
        else:
            waiting += 1
            if waiting == every:
                add_rows(waiting)
                waiting = 0


def leave_out_extension(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Leave out what makes the extension vector, and what older servers do not know; no row is looked at."""
    in_rows = False
    for line in lines:
        if in_rows:
            in_rows = line != _END
        elif _LEFT_OUT.match(line):
            continue
        else:
            in_rows = _COPY.fullmatch(line) is not None
        yield line
