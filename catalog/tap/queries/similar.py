"""Finds the galaxies most like one by catalog.search, before the query that asks for them is run."""

import json

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import sql

from catalog.adql.translation import SimilaritySearch, Translation
from catalog.errors import QueryError
from catalog.search.memory.galaxy_memory import GalaxyMemory
from catalog.search.request import Cone, Search, SqlCondition
from catalog.search.search import search_within


def resolve_searches(
    connection: psycopg.Connection, translation: Translation, memory: GalaxyMemory | None = None
) -> dict[str, object]:
    """Give every parameter of a translation, with the object_ids that its searches find.

    Args:
        connection: A connection in a transaction, of a role that may read galcat.galaxy.
        translation: The translated query, whose searches are answered in their order.
        memory: The galaxies in memory, where there are such.

    Raises:
        QueryError: The vector to compare with is NULL.
    """
    parameters = dict(translation.parameters)
    for similarity in translation.searches:
        parameters[similarity.name] = _find_galaxies(connection, similarity, translation.parameters, memory)
    return parameters


def skip_searches(translation: Translation) -> dict[str, object]:
    """Give every parameter of a translation, as if its searches found nothing."""
    return translation.parameters | {similarity.name: [] for similarity in translation.searches}


def _find_galaxies(
    connection: psycopg.Connection,
    search: SimilaritySearch,
    parameters: dict[str, object],
    memory: GalaxyMemory | None,
) -> list[int]:
    where = SqlCondition(search.condition, parameters, search.alias) if search.condition is not None else ""
    found = search_within(
        connection,
        Search(
            like=_read_vector(connection, search, parameters),
            n=search.n,
            cone=Cone(*search.cone) if search.cone is not None else None,
            where=where,
            columns=(),
        ),
        memory,
    )
    return [int(str(row[0])) for row in found.rows]


def _read_vector(
    connection: psycopg.Connection, search: SimilaritySearch, parameters: dict[str, object]
) -> NDArray[np.float32]:
    """The (40,) vector to compare with."""
    row = connection.execute(sql.SQL("SELECT ({})::text").format(search.vector), parameters).fetchone()
    if row is None or row[0] is None:
        raise QueryError("morph_distance: the vector to compare with is NULL")
    return np.array(json.loads(row[0]), np.float32)
