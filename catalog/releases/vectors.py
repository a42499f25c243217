"""The vectors that a release holds, read for models: of some galaxies, or of all in a stream."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import asdict, dataclass
from typing import Literal, LiteralString

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import sql
from sqlalchemy import select

from catalog.constants import SEARCH_DIMENSION
from catalog.database.binary_copy import stream_copied_vectors
from catalog.database.statements import run
from catalog.errors import CatalogError
from catalog.releases.releases import Release, current_release
from catalog.schema import release as release_table

VectorKind = Literal["search", "full"]
Vectors = tuple[NDArray[np.int64], NDArray[np.float32]]
"""object_ids (n,) and vectors (n, width)."""
_SOURCE: dict[VectorKind, tuple[LiteralString, LiteralString]] = {
    "search": ("embedding", "search"),
    "full": ("embedding_full", "vector"),
}


@dataclass(frozen=True)
class ProjectedRelease(Release):
    """A release with the projection that makes its search vectors of full ones.

    Attributes:
        mean: (dimension,) mean of the full vectors on which the projection was made.
        components: (40, dimension) axes of the projection.
        deviations: (40,) standard deviation of that sample along each axis of the search vector.
        scale: Factor by which the components are multiplied, so that random galaxies are about 1 apart.
    """

    mean: NDArray[np.float32]
    components: NDArray[np.float32]
    deviations: NDArray[np.float32]
    scale: float


def current_projected_release(connection: psycopg.Connection) -> ProjectedRelease:
    """The release that `galcat.galaxy` shows, with its projection.

    Args:
        connection: Open connection to the catalogue.

    Raises:
        CatalogError: There is no release yet.
    """
    release = current_release(connection)
    if release is None:
        raise CatalogError("the catalogue is empty: there is no release yet")
    table = release_table.c
    projection = select(
        table.projection_mean,
        table.projection_components,
        table.projection_deviations,
        table.projection_scale,
    ).where(table.release_id == release.release_id)
    row = run(connection, projection).fetchone()
    if row is None:
        raise CatalogError(f"release {release.name} was dropped meanwhile")
    mean, components, deviations = (np.array(values, dtype=np.float32) for values in row[:3])
    matrix = components.reshape(SEARCH_DIMENSION, release.dimension)
    return ProjectedRelease(
        **asdict(release), mean=mean, components=matrix, deviations=deviations, scale=float(row[3])
    )


def read_vectors(
    connection: psycopg.Connection, release: Release, object_ids: Sequence[int], kind: VectorKind = "full"
) -> Vectors:
    """Vectors of some galaxies; one that has none in this release is left out.

    Args:
        connection: Open connection to the catalogue.
        release: Release whose vectors are wanted.
        object_ids: object_ids of the galaxies.
        kind: `search` for the 40 numbers that searches compare, `full` for what the encoder gave.

    Returns:
        object_ids (n,), rising, and vectors (n, width).
    """
    condition = sql.SQL("e.object_id = ANY ({})").format([int(identity) for identity in object_ids])
    with _stream(connection, release, kind, condition) as stream:
        chunks = list(stream)
    ids = np.concatenate([chunk[0] for chunk in chunks])
    vectors = np.concatenate([chunk[1] for chunk in chunks])
    order = np.argsort(ids)
    return ids[order], vectors[order]


def stream_vectors(
    connection: psycopg.Connection, release: Release, kind: VectorKind = "full"
) -> AbstractContextManager[Iterator[Vectors]]:
    """Vectors of every galaxy of a release, in chunks of some thousands; the connection is busy meanwhile.

    Args:
        connection: Open connection to the catalogue.
        release: Release whose vectors are wanted.
        kind: `search` for the 40 numbers that searches compare, `full` for what the encoder gave.

    Yields:
        An iterator of object_ids (n,) and vectors (n, width).
    """
    return _stream(connection, release, kind, sql.SQL("true"))


@contextmanager
def _stream(
    connection: psycopg.Connection, release: Release, kind: VectorKind, condition: sql.Composable
) -> Iterator[Iterator[Vectors]]:
    table, column = _SOURCE[kind]
    query = sql.SQL(
        "SELECT e.object_id, e.{} FROM galcat.{} AS e JOIN galcat.source AS s USING (object_id) "
        "WHERE e.release_id = {} AND NOT s.is_retired AND {}"
    ).format(sql.Identifier(column), sql.Identifier(table), release.release_id, condition)
    width = SEARCH_DIMENSION if kind == "search" else release.dimension
    # Closed before the connection is: a COPY that is left in the middle would hold it for ever.
    with connection.cursor() as cursor, closing(stream_copied_vectors(cursor, query, width)) as chunks:
        yield ((ids, halves.astype(np.float32)) for ids, halves in chunks)
