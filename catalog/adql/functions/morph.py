"""morph_distance: how unlike two galaxies look, by the Euclidean distance of their search vectors."""

from dataclasses import replace

from catalog.adql.errors import AdqlError
from catalog.adql.functions.call import Call, Function
from catalog.adql.functions.vectors import Vector, searched_source, vector
from catalog.adql.glue import glue
from catalog.adql.value import Kind, Likeness, Value, of_kind

WITH_RELEASE = 3
_MEANING = "How unlike two galaxies look; two random ones are about 1 apart"


def _morph_distance(call: Call) -> Value:
    """The added zero keeps the vector index out: it would miss some, and filter after it has searched."""
    release = call.constant_text(2) if len(call.arguments) == WITH_RELEASE else None
    if release is not None and Kind.ARRAY not in {one.kind for one in call.arguments[:2]}:
        raise AdqlError("the name of a release goes with a vector, not with object_ids", call.places[2])
    vectors = [vector(call, i, release) for i in range(2)]
    text = glue("((", vectors[0].text, " OPERATOR(public.<->) ", vectors[1].text, ") + 0.0)")
    meta = replace(of_kind(text, Kind.FLOAT).meta, description=_MEANING)
    return Value(text, Kind.FLOAT, meta, likeness=_likeness(call, vectors))


def _likeness(call: Call, vectors: list[Vector]) -> Likeness | None:
    """Set where one operand is a galaxy of the row and the other is the same for all rows."""
    for mine, other in ((0, 1), (1, 0)):
        source = searched_source(call.arguments[mine])
        if source is not None and vectors[other].is_fixed:
            return Likeness(source, vectors[other].text)
    return None


MORPH = (Function("morph_distance", 2, WITH_RELEASE, _morph_distance),)
