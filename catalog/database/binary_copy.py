"""Postgres' binary COPY format of fixed-width rows, made and read by numpy: a tile in one write."""

from collections.abc import Generator

import numpy as np
from numpy.typing import NDArray
from psycopg import Cursor, sql

SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)  # no flags, no header extension
TRAILER = b"\xff\xff"

Columns = dict[str, NDArray[np.generic]]
NUMBERS = {"i8": ">i8", "i4": ">i4", "i2": ">i2", "f4": ">f4", "f8": ">f8"}
_READ_ROWS = 20_000


def copy_columns(cursor: Cursor[tuple[object, ...]], table: sql.Composable, columns: Columns) -> None:
    """COPY columns of equal length into a table.

    Args:
        cursor: Cursor of an open connection.
        table: Table to copy into.
        columns: The columns' values by name: (n,) int16, int32, int64, float32 or float64 for a number, (n,
            d) float16 for a halfvec. No NULLs: a row is as wide as every other.
    """
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    with cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(table, names)) as copy:
        copy.write(SIGNATURE)
        copy.write(binary_rows(columns))
        copy.write(TRAILER)


def stream_copied_vectors(
    cursor: Cursor[tuple[object, ...]], query: sql.Composable, width: int
) -> Generator[tuple[NDArray[np.int64], NDArray[np.float16]]]:
    """COPY a query's answer out, in chunks of 20,000 rows.

    Args:
        cursor: Cursor of an open connection, which is busy until the last chunk.
        query: Its two columns are a bigint and a halfvec, never NULL.
        width: Numbers in each halfvec.

    Yields:
        Numbers (n,) and vectors (n, width).
    """
    row = np.dtype(
        [
            ("fields", ">i2"),
            ("id length", ">i4"),
            ("id", ">i8"),
            ("length", ">i4"),
            ("head", ">i2", (2,)),
            ("halves", ">f2", (width,)),
        ]
    )
    with cursor.copy(sql.SQL("COPY ({}) TO STDOUT (FORMAT BINARY)").format(query)) as copy:
        parts: list[bytes] = []
        for part in copy:  # a row each, the first behind the signature; and the trailer, which is shorter
            if len(part) >= row.itemsize:
                parts.append(bytes(part[-row.itemsize :]))
            if len(parts) == _READ_ROWS:
                yield _numbers_and_vectors(parts, row)
                parts = []
        yield _numbers_and_vectors(parts, row)


def _numbers_and_vectors(
    parts: list[bytes], row: np.dtype[np.void]
) -> tuple[NDArray[np.int64], NDArray[np.float16]]:
    rows = np.frombuffer(b"".join(parts), dtype=row)
    return rows["id"].astype(np.int64), rows["halves"].astype(np.float16)


def binary_rows(columns: Columns) -> bytes:
    """Lay out rows as COPY sends them: a field count, then length and big-endian value of every field."""
    layout: list[tuple[str, str] | tuple[str, str, tuple[int]]] = [("fields", ">i2")]
    for name, column in columns.items():
        layout.append((f"{name} length", ">i4"))
        if column.ndim == 1:
            layout.append((name, NUMBERS[column.dtype.str[1:]]))
        else:  # halfvec: width and an unused word, each 16 bits, then the halves
            layout += [(f"{name} head", ">i2", (2,)), (name, ">f2", (column.shape[1],))]
    rows = np.empty(len(next(iter(columns.values()))), dtype=np.dtype(layout))
    rows["fields"] = len(columns)
    for name, column in columns.items():
        if column.ndim == 1:
            rows[f"{name} length"] = column.dtype.itemsize
        else:
            rows[f"{name} length"] = 4 + 2 * column.shape[1]
            rows[f"{name} head"] = (column.shape[1], 0)
        rows[name] = column
    return rows.tobytes()
