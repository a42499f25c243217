"""The galaxies that a linear head puts first, by one pass over the searched vectors."""

import numpy as np
import psycopg
from numpy.typing import NDArray

from catalog.releases.vectors import CurrentRelease

# <#> is the inner product with its sign turned.
_FIRST = (
    "SELECT e.object_id FROM galcat.embedding AS e "
    "WHERE e.release_id = %(release)s AND NOT e.object_id = ANY (%(known)s) "
    "ORDER BY e.search OPERATOR(public.<#>) %(weight)s::public.halfvec(40) LIMIT %(n)s"
)


def first_by_head(
    connection: psycopg.Connection,
    release: CurrentRelease,
    weight: NDArray[np.float32],
    n: int,
    without: NDArray[np.int64],
) -> list[int]:
    """The n galaxies whose searched vectors have the largest inner product with a head's weights.

    Args:
        connection: To the catalogue.
        release: The current one.
        weight: (40,).
        n: How many.
        without: object_ids to leave out, such as those that are labelled.
    """
    unit = weight / np.abs(weight).max()  # so that nothing leaves the range of half precision
    parameters = {
        "release": release.release_id,
        "known": without.tolist(),
        "weight": str(unit.tolist()),
        "n": n,
    }
    return [int(row[0]) for row in connection.execute(_FIRST, parameters)]
