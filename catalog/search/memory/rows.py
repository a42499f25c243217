"""Galaxies as they are held: their columns and vectors in arrays, read from the catalogue in one sweep."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import Cursor, sql

from catalog.constants import SEARCH_DIMENSION
from catalog.search.memory.held_columns import DOUBLE, SINGLE, WHOLE

_READ_ROWS = 20_000
_KINDS = dict.fromkeys(WHOLE, ">i8") | dict.fromkeys(DOUBLE, ">f8") | dict.fromkeys(SINGLE, ">f4")
BYTES_A_GALAXY = 4 * SEARCH_DIMENSION + 8 * len(WHOLE) + 8 * len(DOUBLE) + 4 * len(SINGLE) + 3 * 4 + 17
"""What a galaxy takes while it is held, with its place in a cell and among the object_ids."""


@dataclass(frozen=True)
class HeldRows:
    """n galaxies.

    Attributes:
        columns: The held columns by name, each (n,).
        unit: (3, n) float32, their positions on the unit sphere.
        vectors: (n, 40) float32, their search vectors.
    """

    columns: dict[str, NDArray[Any]]
    unit: NDArray[np.float32]
    vectors: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.vectors)

    @property
    def object_ids(self) -> NDArray[np.int64]:
        """(n,) object_ids."""
        ids: NDArray[np.int64] = self.columns["object_id"]
        return ids


def read_rows(cursor: Cursor[tuple[object, ...]], query: sql.Composed) -> HeldRows:
    """Read the galaxies of a query of `held_columns_query`.

    Args:
        cursor: Cursor of an open connection.
        query: A query that `held_columns_query` made.
    """
    parts = list(_chunks(cursor, query))
    columns = {name: np.concatenate([part.pop(name) for part in parts]) for name in _KINDS}
    vectors = np.concatenate([part.pop("halves") for part in parts])
    ra, dec = np.radians(columns["ra"]), np.radians(columns["dec"])
    unit = np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])
    return HeldRows(columns, unit.astype(np.float32), vectors)


def join_rows(first: HeldRows, second: HeldRows) -> HeldRows:
    """The galaxies of both, the first ones first."""
    columns = {name: np.concatenate([first.columns[name], second.columns[name]]) for name in first.columns}
    return HeldRows(
        columns,
        np.concatenate([first.unit, second.unit], axis=1),
        np.concatenate([first.vectors, second.vectors]),
    )


def choose_rows(rows: HeldRows, places: NDArray[np.int64] | NDArray[np.bool_]) -> HeldRows:
    """Some of the galaxies, by place or mask, in that order."""
    columns = {name: values[places] for name, values in rows.columns.items()}
    return HeldRows(columns, rows.unit[:, places], rows.vectors[places])


def put_in_order(rows: HeldRows, order: NDArray[np.int64]) -> HeldRows:
    """The same galaxies in another order; each of the old arrays is let go of once it is copied.

    Args:
        rows: Galaxies, which are gone afterwards.
        order: (n,) the place that each of the new rows had.
    """
    columns = {name: rows.columns.pop(name)[order] for name in list(rows.columns)}
    return HeldRows(columns, rows.unit[:, order], rows.vectors[order])


def _chunks(cursor: Cursor[tuple[object, ...]], query: sql.Composed) -> Iterator[dict[str, NDArray[Any]]]:
    """Columns and vectors as COPY sends them, 20,000 galaxies at a time."""
    layout: list[tuple[str, str] | tuple[str, str, tuple[int]]] = [("fields", ">i2")]
    for name, kind in _KINDS.items():
        layout += [(f"{name} length", ">i4"), (name, kind)]
    layout += [("length", ">i4"), ("head", ">i2", (2,)), ("halves", ">f2", (SEARCH_DIMENSION,))]
    row = np.dtype(layout)
    with cursor.copy(sql.SQL("COPY ({}) TO STDOUT (FORMAT BINARY)").format(query)) as copy:
        parts: list[bytes] = []
        for part in copy:  # a row each, the first behind the signature; and the trailer, which is shorter
            if len(part) >= row.itemsize:
                parts.append(bytes(part[-row.itemsize :]))
            if len(parts) == _READ_ROWS:
                yield _arrays(np.frombuffer(b"".join(parts), row))
                parts = []
        yield _arrays(np.frombuffer(b"".join(parts), row))


def _arrays(rows: NDArray[np.void]) -> dict[str, NDArray[Any]]:
    columns: dict[str, NDArray[Any]] = {
        name: rows[name].astype(np.dtype(kind).newbyteorder("=")) for name, kind in _KINDS.items()
    }
    return columns | {"halves": rows["halves"].astype(np.float32)}
