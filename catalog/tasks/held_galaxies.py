"""The galaxies held in memory, as those who choose among all galaxies by their vectors ask for them."""

import psycopg

from catalog.database.read_only import read_transaction
from catalog.releases.releases import Release
from catalog.search.memory.galaxy_memory import GalaxyMemory
from catalog.search.memory.held import Held


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
