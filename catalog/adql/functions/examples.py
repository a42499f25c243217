"""The examples of morph_distance: several galaxies to be like and unlike, or the 40 numbers of a vector."""

from psycopg import sql

from catalog.adql.emitter import emit
from catalog.adql.errors import AdqlError
from catalog.adql.functions.call import Call
from catalog.constants import SEARCH_DIMENSION

MAX_EXAMPLES = 200
"""Galaxies that one call may name."""


def emit_examples(call: Call) -> sql.Composed:
    """The vector, of type halfvec(40), that the constants after the first argument describe.

    Whole numbers are object_ids, a negative one that of a galaxy to keep away from. 40 numbers of which one
    has a decimal point are a search vector.

    Raises:
        AdqlError: One is no constant number, or they are neither object_ids nor a vector.
    """
    constants = []
    for i, argument in enumerate(call.arguments[1:], 1):
        if argument.constant is None or isinstance(argument.constant, str):
            raise AdqlError(
                "several examples of morph_distance are numbers written in the query", call.offsets[i]
            )
        constants.append(argument.constant)
    bind = call.scope.context.parameters.bind
    ids = [number for number in constants if isinstance(number, int)]
    if len(ids) == len(constants):
        wanted = bind([number for number in ids if number >= 0], "bigint[]")
        unwanted = bind([-number for number in ids if number < 0], "bigint[]")
        return emit("(SELECT galcat.vector_of_many(", wanted, ", ", unwanted, "))")
    if len(constants) != SEARCH_DIMENSION:
        raise AdqlError(
            f"{len(constants)} numbers are no vector: expected {SEARCH_DIMENSION}, or object_ids",
            call.offsets[1],
        )
    vector = bind([float(number) for number in constants], "real[]")
    return emit("(SELECT galcat.search_vector(", vector, ", NULL))")
