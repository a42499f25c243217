"""The galaxies held in memory, as those who choose among all galaxies by their vectors ask for them."""

from typing import LiteralString

import numpy as np
import psycopg
from numpy.typing import NDArray

from catalog.database.read_only import read_transaction
from catalog.releases.releases import Release
from catalog.search.memory.galaxy_memory import GalaxyMemory
from catalog.search.memory.held import Held

_THERE: LiteralString = (
    "SELECT count(*) FROM galcat.embedding AS e JOIN galcat.source AS s USING (object_id) "
    "WHERE e.release_id = %s AND e.object_id = ANY (%s) AND NOT s.is_retired"
)


def find_held_galaxies(
    connection: psycopg.Connection, release: Release, memory: GalaxyMemory | None
) -> Held | None:
    """The galaxies of a release as they are at this moment; None where memory does not hold them.

    What is chosen among them has to be looked up in the database: a deleted galaxy may still be held.

    Args:
        connection: Open connection to the catalogue, in no transaction.
        release: The release whose galaxies are wanted.
        memory: The galaxies in memory; None where none are held.
    """
    if memory is None:
        return None
    with read_transaction(connection):
        held = memory.find_held(connection)
    return held if held is not None and held.moment.release_id == release.release_id else None


def are_all_there(connection: psycopg.Connection, release: Release, object_ids: NDArray[np.int64]) -> bool:
    """Whether none of some galaxies that are held has been deleted or retired since.

    Args:
        connection: Open connection to the catalogue.
        release: The release whose galaxies they are.
        object_ids: (n,) their object_ids, each once.
    """
    row = connection.execute(_THERE, [release.release_id, object_ids.tolist()]).fetchone()
    return row is not None and int(row[0]) == len(object_ids)
