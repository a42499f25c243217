"""The galaxies of a release as one moment had them: those read in one sweep, and those that changed since."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import psycopg
from numpy.typing import NDArray

from catalog.search.memory.cells import Cells, find_nearest, put_into_one_cell, sort_into_cells
from catalog.search.memory.changes import Moment, read_changed, read_last_change, read_moment
from catalog.search.memory.condition import Condition
from catalog.search.memory.held_columns import held_columns_query
from catalog.search.memory.possible import find_possible
from catalog.search.memory.rows import HeldRows, choose_rows, join_rows, put_in_order, read_rows

MAX_CHANGED = 20_000
"""Galaxies that may have changed since; with more, all are read anew."""
_LAST_TRANSACTION = 2**63 - 1
_BLOCK = 16_384


class TooManyChangesError(Exception):
    """All galaxies have to be read anew."""


@dataclass(frozen=True)
class Candidates:
    """Galaxies among which the nearest are.

    Attributes:
        object_ids: (k,) int64, in no order.
        further_than: Every other galaxy that fulfils the conditions is certainly further than this.
    """

    object_ids: NDArray[np.int64]
    further_than: float


@dataclass(frozen=True)
class _Block:
    """Galaxies in the order of their cells."""

    rows: HeldRows
    cells: Cells

    def find(
        self, condition: Condition, query: NDArray[np.float32], k: int, is_past: NDArray[np.bool_] | None
    ) -> Candidates:
        wanted = find_possible(condition, self.rows)
        if is_past is not None:
            wanted = wanted & ~is_past
        near = find_nearest(self.cells, self.rows.vectors, np.flatnonzero(wanted), query, k)
        return Candidates(self.rows.object_ids[near.places], near.further_than)


@dataclass(frozen=True)
class Held:
    """What is held. It never changes: where it is behind, another is made of it.

    Attributes:
        moment: When all of it was so.
        main: The galaxies that were read in one sweep.
        by_id: (n,) their places, by rising object_id.
        is_past: (n,) which of them have changed or gone since; None where none has.
        changed: Galaxies that were read later; None where none were.
        last_change: Number of the newest change in it; 0 where none was noted yet.
    """

    moment: Moment
    main: _Block
    by_id: NDArray[np.int64]
    is_past: NDArray[np.bool_] | None = None
    changed: _Block | None = None
    last_change: int = 0

    def __len__(self) -> int:
        return len(self.main.rows)

    @property
    def longest(self) -> float:
        """Length of the longest search vector."""
        blocks = [self.main] if self.changed is None else [self.main, self.changed]
        return math.sqrt(max(float(block.cells.squares.max(initial=0)) for block in blocks))

    @property
    def n_changed(self) -> int:
        """How many galaxies were read later."""
        return 0 if self.changed is None else len(self.changed.rows)

    def is_seen_by(self, moment: Moment) -> bool:
        """Whether a transaction sees every change that is in what is held.

        Args:
            moment: What the transaction sees, with the changes since `self.moment.settled_before`.
        """
        return (
            moment.is_one
            and self.moment.server == moment.server
            and self.moment.release_id == moment.release_id
            and self.moment.settled_before <= moment.settled_before
            and self.moment.changes.keys() <= moment.changes.keys()
        )

    def is_overtaken_by(self, moment: Moment) -> bool:
        """Whether what a transaction sees cannot be reached from what is held: notes of changes may be gone.

        Args:
            moment: What the transaction sees, with the changes since `self.moment.settled_before`.
        """
        is_other = self.moment.server != moment.server or self.moment.release_id != moment.release_id
        return is_other or bool(self.find_unknown(moment))

    def find_unknown(self, moment: Moment) -> set[int]:
        """Numbers of the changes that a transaction sees and that are not in what is held.

        Args:
            moment: What the transaction sees, with the changes since `self.moment.settled_before`.
        """
        return moment.changes_since(self.moment.settled_before) - self.moment.changes.keys()

    def bring_up_to(self, connection: psycopg.Connection, moment: Moment) -> "Held":
        """What is held, as a transaction sees it that sees all that is in it.

        Args:
            connection: A connection inside the transaction.
            moment: What it sees, with the changes since `self.moment.settled_before`.

        Raises:
            TooManyChangesError: All galaxies have to be read anew.
        """
        new = self.find_unknown(moment)
        if not new:
            return self
        ids = read_changed(connection, new)
        if ids is None or len(ids) > MAX_CHANGED:
            raise TooManyChangesError
        with connection.cursor() as cursor:
            rows = read_rows(cursor, held_columns_query(ids))
        if self.changed is not None:
            others = ~np.isin(self.changed.rows.object_ids, ids)
            rows = join_rows(choose_rows(self.changed.rows, others), rows)
        if len(rows) > MAX_CHANGED:
            raise TooManyChangesError
        order, cells = put_into_one_cell(rows.vectors)
        changed = _Block(choose_rows(rows, order), cells)
        return replace(
            self,
            moment=moment.shorten(),
            is_past=self._mark_past(ids),
            changed=changed,
            last_change=max(self.last_change, *new),
        )

    def find(self, condition: Condition, query: NDArray[np.float32], k: int) -> Candidates:
        """Find galaxies among which are the nearest that fulfil a condition.

        Args:
            condition: The condition that the galaxies must fulfil, of columns that are held.
            query: The vector to which the galaxies are to be near, (40,).
            k: How many galaxies are wanted; of those that changed later, as many again.
        """
        found = self.main.find(condition, query, k, self.is_past)
        if self.changed is None:
            return found
        later = self.changed.find(condition, query, k, None)
        return Candidates(
            np.concatenate([found.object_ids, later.object_ids]),
            min(found.further_than, later.further_than),
        )

    def list_vectors(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """object_ids (m,) and search vectors (m, 40) of all galaxies, some thousands at a time.

        Of galaxies that were deleted nothing is noted, so some of them may be gone.
        """
        ids, vectors = self.main.rows.object_ids, self.main.rows.vectors
        for start in range(0, len(ids), _BLOCK):
            block = slice(start, start + _BLOCK)
            if self.is_past is None or not self.is_past[block].any():
                yield ids[block], vectors[block]
            else:
                kept = ~self.is_past[block]
                yield ids[block][kept], vectors[block][kept]
        if self.changed is not None:
            yield self.changed.rows.object_ids, self.changed.rows.vectors

    def find_vectors(self, object_ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """Search vectors of galaxies that are held, (m, 40).

        Args:
            object_ids: object_ids of m galaxies that `list_vectors` gave, (m,).
        """
        blocks = [(self.main.rows, self.by_id)]
        if self.changed is not None:
            blocks.append((self.changed.rows, np.argsort(self.changed.rows.object_ids)))
        found = np.empty((len(object_ids), self.main.rows.vectors.shape[1]), np.float32)
        for rows, by_id in blocks:
            at = np.searchsorted(rows.object_ids, object_ids, sorter=by_id)
            places = by_id[at[at < len(rows)]]
            is_here = rows.object_ids[places] == object_ids[at < len(rows)]
            found[np.flatnonzero(at < len(rows))[is_here]] = rows.vectors[places[is_here]]
        return found

    def _mark_past(self, ids: list[int]) -> NDArray[np.bool_]:
        is_past = np.zeros(len(self), np.bool_) if self.is_past is None else self.is_past.copy()
        at = np.searchsorted(self.main.rows.object_ids, ids, sorter=self.by_id)
        places = self.by_id[at[at < len(self)]]
        is_past[places[np.isin(self.main.rows.object_ids[places], ids)]] = True
        return is_past


def read_all(connection: psycopg.Connection) -> tuple[Moment, HeldRows, int]:
    """Read all galaxies of the current release, when that was, and the number of the last change then.

    Args:
        connection: A connection inside a transaction that sees one moment.
    """
    # From which number on changes matter is asked first; the transaction sees the same ones then.
    settled_before = read_moment(connection, _LAST_TRANSACTION).settled_before
    moment = read_moment(connection, settled_before).shorten()
    last_change = read_last_change(connection)
    with connection.cursor() as cursor:
        return moment, read_rows(cursor, held_columns_query()), last_change


def hold(moment: Moment, rows: HeldRows, last_change: int) -> Held:
    """Put galaxies into cells, so that they can be searched.

    Args:
        moment: When they were so.
        rows: All galaxies of a release, which are gone afterwards.
        last_change: Number of the newest change in them.
    """
    if len(rows):
        order, cells = sort_into_cells(rows.vectors)
        rows = put_in_order(rows, order)
    else:
        cells = put_into_one_cell(rows.vectors)[1]
    return Held(moment, _Block(rows, cells), np.argsort(rows.object_ids), last_change=last_change)


def guess_bytes(connection: psycopg.Connection, bytes_a_galaxy: int) -> int:
    """About how much memory the galaxies of the current release take once they are held."""
    row = connection.execute(
        "SELECT count(*) FROM galcat.embedding WHERE release_id = (SELECT galcat.current_release())"
    ).fetchone()
    return bytes_a_galaxy * (int(row[0]) if row else 0)
