"""COALESCE and NULLIF, and the kind that several values have in common, which CASE and UNION need too."""

from collections.abc import Sequence
from dataclasses import replace

from catalog.adql.emitter import emit, emit_list
from catalog.adql.errors import AdqlError
from catalog.adql.functions.call import MAX_ARGUMENTS, Call, Function
from catalog.adql.value import NULL_TEXT, NUMBER_DATATYPES, Kind, Value, make_text_value, make_value


def common_value(values: Sequence[Value], construct: str, offset: int | None) -> Value:
    """Find the kind that several values have in common, wide enough for all.

    Raises:
        AdqlError: They are of different kinds.
    """
    known = [one for one in values if one.kind is not Kind.NULL]
    if not known:
        return NULL_TEXT
    kinds = {one.kind for one in known}
    if all(kind.is_number for kind in kinds):
        widest = max(known, key=lambda one: NUMBER_DATATYPES.index(one.meta.datatype))
        return make_value(known[0].text, widest.kind, known[0].meta.unit, widest.meta.datatype)
    if len(kinds) > 1:
        names = " and ".join(sorted(kind.name.lower() for kind in kinds))
        raise AdqlError(f"{construct} needs values of one kind, not {names}", offset)
    if kinds == {Kind.TEXT}:
        datatype = make_text_value(known[0].text, known).meta.datatype
        return replace(known[0], meta=replace(known[0].meta, datatype=datatype))
    return known[0]


def _make_coalesce(call: Call) -> Value:
    shared = common_value(call.arguments, call.name, call.offset)
    text = emit("COALESCE(", emit_list(one.text for one in call.arguments), ")")
    return make_value(text, shared.kind, shared.meta.unit, shared.meta.datatype)


def _make_nullif(call: Call) -> Value:
    """The first stays what it is, but for an integer that is compared with a float."""
    first, second = call.arguments
    shared = common_value(call.arguments, call.name, call.offset)
    text = emit("NULLIF(", first.text, ", ", second.text, ")")
    if first.kind is Kind.INTEGER and shared.kind is Kind.FLOAT:
        return make_value(text, Kind.FLOAT, first.meta.unit)
    kept = shared if first.kind is Kind.NULL else first
    return make_value(text, kept.kind, kept.meta.unit, kept.meta.datatype)


CHOICES = (
    Function("COALESCE", 1, MAX_ARGUMENTS, _make_coalesce),
    Function("NULLIF", 2, 2, _make_nullif),
)
