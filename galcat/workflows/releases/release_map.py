"""The map of a release: every galaxy in two dimensions, those that look alike near each other."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import psycopg
from numpy.typing import NDArray

from catalog.releases.vectors import current_projected_release, stream_vectors
from galcat.errors import WorkflowError
from galcat.workflows.writing import writing

SAMPLE = 4_000
"""Galaxies that t-SNE arranges; the others are placed among them."""
_NEIGHBOURS = 5
_SEED = 0
_PERPLEXITY = 30.0
_MIN_GALAXIES = 4


@dataclass(frozen=True)
class ReleaseMap:
    """A map that was made.

    Attributes:
        release: Name of the release.
        galaxies: Number of galaxies on it.
        sampled: Number of galaxies that were arranged; the others were placed among them.
    """

    release: str
    galaxies: int
    sampled: int


def make_release_map(url: str, progress: Callable[[int], None] | None = None) -> ReleaseMap:
    """Arrange the galaxies of the current release in two dimensions, and store where each stands.

    A sample is arranged by t-SNE (van der Maaten & Hinton 2008) from the 40 search numbers, beginning from
    its first two principal axes; every other galaxy stands at the mean of the five most alike of the sample.
    The same catalogue gives the same map. An older map of the release is replaced.

    Args:
        url: URL of the catalogue's database.
        progress: Told how many more galaxies have been read.

    Raises:
        WorkflowError: There are too few galaxies for a map.
    """
    with writing(url) as connection:
        release = current_projected_release(connection)
        ids, vectors = [], []
        with stream_vectors(connection, release, "search") as chunks:
            for chunk_ids, chunk in chunks:
                ids.append(chunk_ids)
                vectors.append(chunk.astype(np.float32))
                if progress is not None:
                    progress(len(chunk_ids))
        n = sum(map(len, ids))
        if n < _MIN_GALAXIES:
            raise WorkflowError(
                f"release {release.name} has {n} galaxies: a map needs {_MIN_GALAXIES} or more"
            )
        all_ids = np.concatenate(ids)
        order = np.argsort(all_ids)
        places, sampled = arrange(np.concatenate(vectors)[order])
        connection.execute(
            "INSERT INTO galcat.release_map (release_id, object_ids, places) VALUES (%s, %s, %s) "
            "ON CONFLICT (release_id) DO UPDATE SET object_ids = excluded.object_ids, "
            "places = excluded.places, made_at = pg_catalog.clock_timestamp()",
            [release.release_id, all_ids[order].astype("<i8").tobytes(), places.astype("<f4").tobytes()],
        )
    return ReleaseMap(release.name, n, sampled)


def has_current_map(connection: psycopg.Connection) -> bool:
    """Whether the current release has a map with as many galaxies as galcat.galaxy shows."""
    row = connection.execute(
        "SELECT octet_length(m.object_ids) / 8 = (SELECT count(*) FROM galcat.galaxy) "
        "FROM galcat.release_map AS m WHERE m.release_id = (SELECT galcat.current_release())"
    ).fetchone()
    return row is not None and bool(row[0])


def arrange(vectors: NDArray[np.float32]) -> tuple[NDArray[np.float32], int]:
    """Places in two dimensions, each axis in -1 to 1, and how many of the rows were arranged.

    Args:
        vectors: (n, 40) search vectors.

    Returns:
        (n, 2) places, and the number of rows that t-SNE arranged.
    """
    from sklearn.manifold import TSNE  # noqa: PLC0415 - takes a second
    from sklearn.neighbors import KNeighborsRegressor  # noqa: PLC0415 - likewise

    n = len(vectors)
    rng = np.random.default_rng(_SEED)
    chosen = np.sort(rng.choice(n, min(n, SAMPLE), replace=False))
    perplexity = min(_PERPLEXITY, (len(chosen) - 1) / 3)
    arranged = TSNE(2, perplexity=perplexity, init="pca", random_state=_SEED).fit_transform(vectors[chosen])
    if len(chosen) == n:
        places = arranged
    else:
        among = KNeighborsRegressor(_NEIGHBOURS, weights="distance").fit(vectors[chosen], arranged)
        places = among.predict(vectors)
        places[chosen] = arranged
    middle = (places.max(axis=0) + places.min(axis=0)) / 2
    half = max(float((places.max(axis=0) - places.min(axis=0)).max()) / 2, 1e-9)
    return ((places - middle) / half).astype(np.float32), len(chosen)
