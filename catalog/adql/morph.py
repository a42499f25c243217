"""morph_distance: how unlike two galaxies look, by the Euclidean distance of their search vectors."""

from dataclasses import replace

from psycopg import sql

from catalog.adql.call import Call, Function
from catalog.adql.errors import AdqlError
from catalog.adql.glue import glue
from catalog.adql.sources import Source
from catalog.adql.value import Kind, Likeness, Value, of_kind

WITH_RELEASE = 3
_MEANING = "How unlike two galaxies look; two random ones are about 1 apart"


def _morph_distance(call: Call) -> Value:
    """The added zero keeps the vector index out: it would miss some, and filter after it has searched."""
    release = call.constant_text(2) if len(call.arguments) == WITH_RELEASE else None
    if release is not None and Kind.ARRAY not in {one.kind for one in call.arguments[:2]}:
        raise AdqlError("the name of a release goes with a vector, not with object_ids", call.places[2])
    vectors = [_vector(call, i, release) for i in range(2)]
    text = glue("((", vectors[0], " OPERATOR(public.<->) ", vectors[1], ") + 0.0)")
    meta = replace(of_kind(text, Kind.FLOAT).meta, description=_MEANING)
    return Value(text, Kind.FLOAT, meta, likeness=_likeness(call, vectors))


def _vector(call: Call, index: int, release: str | None) -> sql.Composed:
    """An operand as a halfvec of 40 numbers."""
    operand = call.arguments[index]
    own = searched_source(operand)
    if own is not None and own.table is not None:
        return glue(sql.Identifier(own.alias, own.table.search_column))
    if operand.kind is Kind.INTEGER:
        looked_up = glue("galcat.vector_of(", operand.text, "::bigint)")
        return looked_up if operand.constant is None else glue("(SELECT ", looked_up, ")")
    if operand.kind is not Kind.ARRAY:
        raise call.wrong(index, "an object_id or a vector")
    bind = call.scope.context.parameters.bind
    name = glue("NULL") if release is None else bind(release, "text")
    source = operand.column.source if operand.column is not None else None
    if operand.column is None or not isinstance(source, Source) or not _is_upload(source):
        return glue("galcat.search_vector(", operand.text, "::real[], ", name, ")")
    inside = glue(sql.Identifier("u", operand.column.stored_as))
    projected = glue("galcat.search_vector(", inside, "::real[], ", name, ")")
    if source.is_one_row:
        return glue("(SELECT ", projected, " FROM ", source.relation, " AS u)")
    return glue(sql.Identifier(source.alias, source.computed(projected)))


def _likeness(call: Call, vectors: list[sql.Composed]) -> Likeness | None:
    """Set where one operand is a galaxy of the row and the other is the same for all rows."""
    for mine, other in ((0, 1), (1, 0)):
        source = searched_source(call.arguments[mine])
        if source is not None and _is_fixed(call.arguments[other]):
            return Likeness(source, vectors[other])
    return None


def searched_source(operand: Value) -> Source | None:
    """The table whose own object_id an operand is, if that table has search vectors."""
    if operand.column is None or operand.column.stored_as != "object_id":
        return None
    source = operand.column.source
    has_vectors = isinstance(source, Source) and source.table is not None and source.table.search_column
    return source if isinstance(source, Source) and has_vectors else None


def _is_fixed(operand: Value) -> bool:
    source = operand.column.source if operand.column is not None else None
    is_one_row = isinstance(source, Source) and _is_upload(source) and source.is_one_row
    return operand.constant is not None or (operand.kind is Kind.ARRAY and is_one_row)


def _is_upload(source: Source) -> bool:
    return source.table is not None and source.table.schema.lower() == "tap_upload"


MORPH = (Function("morph_distance", 2, WITH_RELEASE, _morph_distance),)
