"""morph_distance: how unlike two galaxies look, each given by its object_id, by examples or by a vector."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from psycopg import sql

from catalog.adql.emitter import emit
from catalog.adql.errors import AdqlError
from catalog.adql.functions.call import Call, Function
from catalog.adql.relations import Source
from catalog.adql.scope import Scope
from catalog.adql.value import RANDOM, Kind, Likeness, Value, is_repeatable, make_value
from catalog.constants import SEARCH_DIMENSION, SEARCH_TYPE

OBJECT_ID = "object_id"
WITH_RELEASE = 3
_MEANING = "How unlike two galaxies look; two random ones are about 1 apart"
MAX_EXAMPLES = 200
"""Galaxies that one call may name."""


@dataclass(frozen=True, eq=False)
class VectorOperand:
    """One of the two vectors whose distance is taken.

    Attributes:
        text: The SQL of the vector, of the type halfvec(40).
        is_fixed: Whether the vector is the same for all rows and its SQL can be run as a query of its own.
    """

    text: sql.Composed
    is_fixed: bool = False


def make_operand(call: Call, index: int, release: str | None) -> VectorOperand:
    """Translate one side of the distance; it is looked up or projected once a query or once a row.

    Raises:
        AdqlError: It is neither an integer nor an array.
    """
    operand, scope = call.arguments[index], call.scope
    if operand.kind not in {Kind.INTEGER, Kind.ARRAY}:
        raise call.argument_error(index, "an object_id or a vector")
    own = _emit_own_vector(operand)
    if own is not None:
        return VectorOperand(own)
    if _is_same_for_all(operand.text, call):
        once = emit("(SELECT ", _emit_vector(operand, operand.text, release, scope), ")")
        return VectorOperand(once, _stands_by_itself(operand.text, scope))
    source = operand.column.source if operand.column is not None else None
    if operand.column is None or not isinstance(source, Source):
        return VectorOperand(_emit_vector(operand, operand.text, release, scope))
    inside = emit(sql.Identifier("u", operand.column.stored_as))
    if source.is_one_row:
        made = _emit_vector(operand, inside, release, scope)
        return VectorOperand(emit("(SELECT ", made, " FROM ", source.relation, " AS u)"), is_fixed=True)
    if _is_worth_a_column(source, scope):
        made = _emit_vector(operand, inside, release, scope, is_in_rows=True)
        return VectorOperand(emit(sql.Identifier(source.alias, source.add_extra(made))))
    is_light = operand.column.weight == 0 and is_repeatable(operand.text)
    return VectorOperand(_emit_vector(operand, operand.text, release, scope, is_in_rows=is_light))


def find_galaxy_source(operand: Value) -> Source | None:
    """Find the table whose own object_id a value is, if that table has search vectors."""
    if operand.column is None or operand.column.stored_as != OBJECT_ID:
        return None
    source = operand.column.source
    has_vectors = isinstance(source, Source) and source.table is not None and source.table.search_column
    return source if isinstance(source, Source) and has_vectors else None


def _emit_own_vector(operand: Value) -> sql.Composed | None:
    """The vector that stands in the row of an object_id."""
    source = operand.column.source if operand.column is not None else None
    if not isinstance(source, Source) or source.table is None:
        return None
    if operand.column is None or operand.column.stored_as != OBJECT_ID:
        return None
    if source.table.search_column:
        return emit(sql.Identifier(source.alias, source.table.search_column))
    if source.table.search_array:
        return emit(sql.Identifier(source.alias, source.table.search_array), f"::{SEARCH_TYPE}")
    return None


def _emit_vector(
    operand: Value, text: sql.Composed, release: str | None, scope: Scope, *, is_in_rows: bool = False
) -> sql.Composed:
    """The vector of a galaxy, or of an array."""
    if operand.kind is Kind.ARRAY:
        name = emit("NULL") if release is None else scope.context.parameters.bind(release, "text")
        return emit("galcat.search_vector(", text, "::real[], ", name, ")")
    alone = emit("galcat.vector_of(", text, "::bigint)")
    galaxies = next((table for table in scope.context.published.tables if table.search_column), None)
    if galaxies is None or not is_in_rows:
        return alone
    # A sub-query costs a tenth of the function, which remains to refuse an unknown id.
    found = emit("(SELECT ", sql.Identifier("v", galaxies.search_column), " FROM ")
    found = emit(found, sql.Identifier(*galaxies.relation), " AS v WHERE ", sql.Identifier("v", OBJECT_ID))
    return emit("COALESCE(", found, " = ", text, "::bigint), ", alone, ")")


def _is_worth_a_column(source: Source, scope: Scope) -> bool:
    """Whether a row stands in many pairs; a published table has indexes, which a column would cost it."""
    if source.table is not None:
        return source.table.is_upload
    return source not in scope.sources or len(scope.sources) > 1


def _is_same_for_all(text: sql.Composed, call: Call) -> bool:
    """Whether some SQL names nothing of FROM, here or around, and is not drawn anew for each row."""
    if call.has_aggregates or RANDOM in text:
        return False
    aliases = {f'"{source.alias}"' for one in call.scope.enclosing for source in one.sources}
    return not any(name.partition(".")[0] in aliases for name in _list_names(text))


def _stands_by_itself(text: sql.Composed, scope: Scope) -> bool:
    """Whether some SQL needs neither a result of WITH nor what a search finds."""
    results = {f'"{stored}"' for _, _, stored in scope.tables}
    searches = [sql.Placeholder(search.name) for search in scope.context.searches]
    return not any(name in results for name in _list_names(text)) and not any(
        piece in searches for piece in text
    )


def _list_names(text: sql.Composed) -> Iterator[str]:
    """All names of some SQL; in quotes, with those of ours that qualify them."""
    return (piece.as_string(None) for piece in text if isinstance(piece, sql.Identifier))


def _make_morph_distance(call: Call) -> Value:
    """The added zero keeps the vector index out: it would miss some, and filter after it has searched."""
    if len(call.arguments) > WITH_RELEASE - 1 and call.arguments[2].kind.is_number:
        return _finish(call, [make_operand(call, 0, None), VectorOperand(emit_examples(call), is_fixed=True)])
    if len(call.arguments) > WITH_RELEASE:
        raise call.argument_error(2, "an object_id or one of 40 numbers")
    release = call.constant_text(2) if len(call.arguments) == WITH_RELEASE else None
    if release is not None and Kind.ARRAY not in {one.kind for one in call.arguments[:2]}:
        raise AdqlError("the name of a release goes with a vector, not with object_ids", call.offsets[2])
    return _finish(call, [make_operand(call, i, release) for i in range(2)])


def _finish(call: Call, vectors: list[VectorOperand]) -> Value:
    """The distance of two vectors."""
    text = emit("((", vectors[0].text, " OPERATOR(public.<->) ", vectors[1].text, ") + 0.0)")
    meta = replace(make_value(text, Kind.FLOAT).meta, description=_MEANING)
    return Value(text, Kind.FLOAT, meta, likeness=_find_likeness(call, vectors))


def _find_likeness(call: Call, vectors: list[VectorOperand]) -> Likeness | None:
    """Set where one operand is a galaxy of the row and the other is the same for all rows."""
    for mine, other in ((0, 1), (1, 0)):
        source = find_galaxy_source(call.arguments[mine])
        if source is not None and vectors[other].is_fixed:
            return Likeness(source, vectors[other].text)
    return None


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


MORPH_FUNCTIONS = (Function("morph_distance", 2, 1 + MAX_EXAMPLES, _make_morph_distance),)
