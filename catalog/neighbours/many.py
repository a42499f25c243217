"""The nearest galaxies of many galaxies, in one call."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import psycopg
from numpy.typing import NDArray

from catalog.database.read_only import read_transaction
from catalog.errors import QueryError, UnknownObjectError
from catalog.neighbours.graph import NEAREST, find_graph, load_vectors, read_lists
from catalog.releases.releases import current_release
from catalog.result import Result

MAX_NEAREST = 500
_KNOWN = (
    "SELECT object_id FROM galcat.embedding "
    "WHERE release_id = (SELECT galcat.current_release()) AND object_id = ANY (%s)"
)


@dataclass(frozen=True)
class Neighbours:
    """The nearest galaxies of m galaxies.

    Attributes:
        object_ids: (m,) the galaxies that were asked for, in their order, each once.
        neighbours: (m, n) object_ids of the nearest of each, the nearest first, without itself.
        distances: (m, n) their distances; two random galaxies are about 1 apart.
        is_from_graph: Whether they were read from the stored graph, and not sought.
    """

    object_ids: NDArray[np.int64]
    neighbours: NDArray[np.int64]
    distances: NDArray[np.float32]
    is_from_graph: bool

    def to_result(self) -> Result:
        """A row for each pair: object_id, place from 1, neighbour_id, distance."""
        m, n = self.neighbours.shape
        columns = [
            np.repeat(self.object_ids, n).tolist(),
            np.tile(np.arange(1, n + 1), m).tolist(),
            self.neighbours.ravel().tolist(),
            self.distances.ravel().astype(float).tolist(),
        ]
        return Result(("object_id", "place", "neighbour_id", "distance"), list(zip(*columns, strict=True)))


def find_neighbours(
    connection: psycopg.Connection, object_ids: Sequence[int] | NDArray[np.int64], n: int = NEAREST
) -> Neighbours:
    """Find the n galaxies most like each of many: from the graph where it is of today, else in blocks.

    In blocks all search vectors are read once (160 bytes a galaxy in memory) and compared in lists of those
    that lie together, so that one galaxy in two hundred of the nearest may be missed.

    Args:
        connection: Open connection to the catalogue, in autocommit mode; only read from.
        object_ids: object_ids of galaxies; one that is named twice is answered once.
        n: How many neighbours of each, 1 to 500.

    Raises:
        UnknownObjectError: One of them is no galaxy of the catalogue.
        QueryError: n is out of bounds.
    """
    if not 1 <= n <= MAX_NEAREST:
        raise QueryError(f"n is {n}: ask for 1 to {MAX_NEAREST} neighbours of each galaxy")
    wanted = np.array(list(dict.fromkeys(int(one) for one in object_ids)), np.int64)
    with read_transaction(connection):
        known = ids_with_vector(connection, wanted.tolist())
        unknown = [one for one in wanted.tolist() if one not in known]
        if unknown:
            more = f", nor {len(unknown) - 1} others that were asked for" if len(unknown) > 1 else ""
            raise UnknownObjectError(f"no galaxy has object_id {unknown[0]}{more}")
        graph = find_graph(connection) if n <= NEAREST else None
        if graph is not None:
            near, distances = read_lists(connection, graph, wanted)
            if len(near) == len(wanted):  # a graph that lacks one would give each the neighbours of another
                return Neighbours(wanted, near[:, :n], distances[:, :n], is_from_graph=True)
        release = current_release(connection)
        if release is None:
            none = np.empty((0, n))
            return Neighbours(wanted, none.astype(np.int64), none.astype(np.float32), is_from_graph=False)
        near, distances = load_vectors(connection, release, n).find(wanted)
    return Neighbours(wanted, near, distances, is_from_graph=False)


def ids_with_vector(connection: psycopg.Connection, object_ids: Sequence[int]) -> set[int]:
    """Those of some object_ids that have a vector in the current release: only these have neighbours."""
    return {int(row[0]) for row in connection.execute(_KNOWN, [list(object_ids)]).fetchall()}
