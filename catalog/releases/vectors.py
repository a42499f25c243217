"""The vectors that a release holds, read for models: of some galaxies, or of all in a stream."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from typing import Literal, LiteralString

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import sql

from catalog.database.binary_copy import stream_copied_vectors
from catalog.errors import CatalogError

Which = Literal["search", "full"]
Vectors = tuple[NDArray[np.int64], NDArray[np.float32]]
"""object_ids (n,) and vectors (n, width)."""
_SEARCH_WIDTH = 40
_SOURCE: dict[Which, tuple[LiteralString, LiteralString]] = {
    "search": ("embedding", "search"),
    "full": ("embedding_full", "vector"),
}


@dataclass(frozen=True)
class CurrentRelease:
    """What a model must know of the release that galcat.galaxy shows.

    Attributes:
        release_id: Its number.
        name: Its name.
        dimension: Width of the full vectors.
        mean: (dimension,) of the projection.
        components: (40, dimension) of the projection.
        deviations: (40,) of the sample along each axis of the searched vector.
        scale: Factor after the components.
    """

    release_id: int
    name: str
    dimension: int
    mean: NDArray[np.float32]
    components: NDArray[np.float32]
    deviations: NDArray[np.float32]
    scale: float


def current_projection(connection: psycopg.Connection) -> CurrentRelease:
    """The current release with its projection.

    Raises:
        CatalogError: There is no release yet.
    """
    row = connection.execute(
        "SELECT release_id, name, dimension, projection_mean, projection_components, projection_deviations, "
        "projection_scale FROM galcat.release WHERE is_current"
    ).fetchone()
    if row is None:
        raise CatalogError("the catalogue is empty: there is no release yet")
    mean, components, deviations = (np.array(values, dtype=np.float32) for values in row[3:6])
    return CurrentRelease(
        int(row[0]),
        str(row[1]),
        int(row[2]),
        mean,
        components.reshape(-1, int(row[2])),
        deviations,
        float(row[6]),
    )


def read_vectors(
    connection: psycopg.Connection, release: CurrentRelease, object_ids: Sequence[int], which: Which = "full"
) -> Vectors:
    """Vectors of some galaxies; one that has none in this release is left out.

    Returns:
        object_ids (n,), rising, and vectors (n, width).
    """
    condition = sql.SQL("e.object_id = ANY ({})").format([int(identity) for identity in object_ids])
    with _stream(connection, release, which, condition) as stream:
        chunks = list(stream)
    ids = np.concatenate([chunk[0] for chunk in chunks])
    vectors = np.concatenate([chunk[1] for chunk in chunks])
    order = np.argsort(ids)
    return ids[order], vectors[order]


def stream_vectors(
    connection: psycopg.Connection, release: CurrentRelease, which: Which = "full"
) -> AbstractContextManager[Iterator[Vectors]]:
    """Vectors of every galaxy of a release, in chunks of some thousands; the connection is busy meanwhile.

    Yields:
        An iterator of object_ids (n,) and vectors (n, width).
    """
    return _stream(connection, release, which, sql.SQL("true"))


@contextmanager
def _stream(
    connection: psycopg.Connection, release: CurrentRelease, which: Which, condition: sql.Composable
) -> Iterator[Iterator[Vectors]]:
    table, column = _SOURCE[which]
    query = sql.SQL(
        "SELECT e.object_id, e.{} FROM galcat.{} AS e JOIN galcat.source AS s USING (object_id) "
        "WHERE e.release_id = {} AND NOT s.is_retired AND {}"
    ).format(sql.Identifier(column), sql.Identifier(table), release.release_id, condition)
    width = _SEARCH_WIDTH if which == "search" else release.dimension
    # Closed before the connection is: a COPY that is left in the middle would hold it for ever.
    with connection.cursor() as cursor, closing(stream_copied_vectors(cursor, query, width)) as chunks:
        yield ((ids, halves.astype(np.float32)) for ids, halves in chunks)
