"""The graph of neighbours: the nearest galaxies of every galaxy, stored; made anew where tiles changed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

import numpy as np
import psycopg
from numpy.typing import NDArray

from catalog.errors import CatalogError
from catalog.neighbours.nearest import NearestVectors
from catalog.releases.releases import Release, current_release
from catalog.releases.vectors import stream_vectors

NEAREST = 20
"""Neighbours of each galaxy."""
BLOCK = 20_000
"""Galaxies that are written in one transaction."""
_JUDGED = 500
# What the lists were made of: another tile, or another content of one, and they are of yesterday.
_CONTENT: LiteralString = (
    "SELECT md5(string_agg(concat_ws(' ', tile_id, content_hash, n_galaxies), ',' ORDER BY tile_id)) "
    "FROM galcat.ingestion WHERE release_id = %s"
)
_FIND: LiteralString = (
    "SELECT graph_id, release_id, nearest, recall, made_at FROM galcat.neighbour_graph "
    "WHERE release_id = %s AND content = %s AND nearest = %s ORDER BY graph_id DESC LIMIT 1"
)
_BEGIN: LiteralString = (
    "INSERT INTO galcat.neighbour_graph (release_id, nearest, content) VALUES (%s, %s, %s) "
    "RETURNING graph_id, release_id, nearest, recall, made_at"
)
_LISTED: LiteralString = "SELECT object_id FROM galcat.neighbour_list WHERE graph_id = %s"
_COPY: LiteralString = "COPY galcat.neighbour_list (graph_id, object_id, neighbours, distances) FROM STDIN"
_END: LiteralString = (
    "UPDATE galcat.neighbour_graph SET recall = %s, made_at = pg_catalog.clock_timestamp() "
    "WHERE graph_id = %s RETURNING graph_id, release_id, nearest, recall, made_at"
)
_REMOVE_OLDER: LiteralString = "DELETE FROM galcat.neighbour_graph WHERE release_id = %s AND graph_id <> %s"
_LOCK: LiteralString = "SELECT pg_try_advisory_lock(hashtextextended('galcat/neighbour_graph', 0))"
_UNLOCK: LiteralString = "SELECT pg_advisory_unlock(hashtextextended('galcat/neighbour_graph', 0))"


@dataclass(frozen=True)
class NeighbourGraph:
    """A graph of neighbours.

    Attributes:
        graph_id: Number of the graph.
        release_id: Number of the release whose vectors were compared.
        nearest: Neighbours of each galaxy; fewer where the catalogue has not as many.
        recall: Share of the true neighbours that a sample has; None until it is whole.
        made_at: When it became whole; None until then.
    """

    graph_id: int
    release_id: int
    nearest: int
    recall: float | None
    made_at: datetime | None


def find_graph(connection: psycopg.Connection) -> NeighbourGraph | None:
    """The whole graph of the current release as its galaxies are now; None where there is none of today.

    Args:
        connection: Open connection to the catalogue.
    """
    release = current_release(connection)
    if release is None:
        return None
    found = _find(connection, release)
    return found if found is not None and found.made_at is not None else None


def make_graph(
    connection: psycopg.Connection, progress: Callable[[int, int], None] | None = None
) -> NeighbourGraph:
    """Find the 20 nearest galaxies of every galaxy of the current release, and store them.

    Stopped at any moment, a second call goes on with the galaxies that are not done. The former graph stays
    until the new one is whole. Where no tile has changed since, nothing is done.

    Args:
        connection: Open connection of the writer, in autocommit mode.
        progress: Told how many galaxies of how many are done.

    Raises:
        CatalogError: There is no release yet, or another session makes the graph at this moment.
    """
    release = current_release(connection)
    if release is None:
        raise CatalogError("the catalogue is empty: there is no release yet")
    if connection.execute(_LOCK).fetchone() != (True,):
        raise CatalogError(
            "the graph of neighbours is being made by another session: wait until it has ended"
        )
    try:
        return _make(connection, release, progress)
    finally:
        if not connection.closed:
            connection.execute(_UNLOCK)


def read_lists(
    connection: psycopg.Connection, graph: NeighbourGraph, object_ids: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Neighbours of some galaxies, as the graph has them.

    Args:
        connection: Open connection to the catalogue.
        graph: A graph that is whole, whose lists are read.
        object_ids: (m,) object_ids of galaxies, each once.

    Returns:
        (m, nearest) object_ids of the neighbours, the nearest first, and (m, nearest) distances; fewer rows
        where the graph lacks a galaxy.
    """
    query = (
        "SELECT l.neighbours, l.distances FROM unnest(%s::bigint[]) WITH ORDINALITY AS w (object_id, place) "
        "JOIN galcat.neighbour_list AS l USING (object_id) WHERE l.graph_id = %s ORDER BY w.place"
    )
    with connection.cursor(binary=True) as cursor:
        rows = cursor.execute(query, [object_ids.tolist(), graph.graph_id]).fetchall()
    if not rows:
        return np.empty((0, graph.nearest), np.int64), np.empty((0, graph.nearest), np.float32)
    return np.array([row[0] for row in rows], np.int64), np.array([row[1] for row in rows], np.float32)


def load_vectors(connection: psycopg.Connection, release: Release, k: int) -> NearestVectors:
    """Search vectors of every galaxy of a release, ready to be asked for the k nearest."""
    with stream_vectors(connection, release, "search") as chunks:
        parts = list(chunks)
    ids, vectors = (np.concatenate([part[i] for part in parts]) for i in range(2))
    return NearestVectors(ids, vectors, k)


def _make(
    connection: psycopg.Connection, release: Release, progress: Callable[[int, int], None] | None
) -> NeighbourGraph:
    graph = _find(connection, release)
    if graph is not None and graph.made_at is not None:
        return graph
    content = _content(connection, release)
    if graph is None:
        graph = _one(connection, _BEGIN, [release.release_id, NEAREST, content])
    nearest = load_vectors(connection, release, NEAREST)
    done = [row[0] for row in connection.execute(_LISTED, [graph.graph_id]).fetchall()]
    left = np.setdiff1d(nearest.ids, np.array(done, np.int64), assume_unique=True)
    for start in range(0, len(left), BLOCK):
        block = left[start : start + BLOCK]
        _write(connection, graph, block, *nearest.find(block))
        if progress is not None:
            progress(len(done) + start + len(block), len(nearest.ids))
    if _content(connection, release) != content:
        raise CatalogError("tiles changed while the graph of neighbours was made: make it again")
    with connection.transaction():
        whole = _one(connection, _END, [nearest.recall(_JUDGED), graph.graph_id])
        connection.execute(_REMOVE_OLDER, [release.release_id, graph.graph_id])
    return whole


def _write(
    connection: psycopg.Connection,
    graph: NeighbourGraph,
    ids: NDArray[np.int64],
    near: NDArray[np.int64],
    distances: NDArray[np.float32],
) -> None:
    """Add a block of lists: wholly there, or not at all."""
    with connection.transaction(), connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        for one, its, apart in zip(ids.tolist(), near.tolist(), distances.tolist(), strict=True):
            copy.write_row((graph.graph_id, one, its, apart))


def _find(connection: psycopg.Connection, release: Release) -> NeighbourGraph | None:
    values = [release.release_id, _content(connection, release), NEAREST]
    row = connection.execute(_FIND, values).fetchone()
    return None if row is None else NeighbourGraph(*row)


def _content(connection: psycopg.Connection, release: Release) -> str:
    row = connection.execute(_CONTENT, [release.release_id]).fetchone()
    assert row is not None  # noqa: S101 - an aggregate
    return str(row[0])


def _one(connection: psycopg.Connection, statement: LiteralString, values: list[object]) -> NeighbourGraph:
    row = connection.execute(statement, values).fetchone()
    assert row is not None  # noqa: S101 - RETURNING returns
    return NeighbourGraph(*row)
