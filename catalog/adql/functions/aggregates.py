"""Aggregate functions: COUNT, AVG, SUM, MIN, MAX and ivo_string_agg."""

from dataclasses import replace
from typing import LiteralString

from catalog.adql.emitter import emit
from catalog.adql.functions.call import Call, Function
from catalog.adql.value import Kind, Value, make_text_value, make_value


def _make_count(call: Call) -> Value:
    inside = emit("*") if call.is_star else emit(_distinct(call), call.arguments[0].text)
    return make_value(emit("pg_catalog.count(", inside, ")"), Kind.INTEGER, datatype="long")


def _make_average(call: Call) -> Value:
    number = call.number(0)
    text = emit("pg_catalog.avg(", _distinct(call), number.text, ")::double precision")
    return make_value(text, Kind.FLOAT, unit=number.meta.unit)


def _make_sum(call: Call) -> Value:
    number = call.number(0)
    if number.kind is Kind.INTEGER:
        summed = emit("pg_catalog.sum(", _distinct(call), number.text, ")::bigint")
        return make_value(summed, Kind.INTEGER, number.meta.unit, "long")
    summed = emit("pg_catalog.sum(", _distinct(call), call.double(0), ")")
    return make_value(summed, Kind.FLOAT, number.meta.unit)


def _make_min(call: Call) -> Value:
    return _make_extreme(call, "pg_catalog.min(")


def _make_max(call: Call) -> Value:
    return _make_extreme(call, "pg_catalog.max(")


def _make_extreme(call: Call, postgres: LiteralString) -> Value:
    """Min or max, with the argument's type and unit; of truths, 0 before 1."""
    one = call.arguments[0]
    if not one.kind.is_number and one.kind not in {Kind.TEXT, Kind.TIMESTAMP, Kind.BOOLEAN}:
        raise call.argument_error(0, "a number, a text or a time")
    if one.kind is Kind.BOOLEAN:
        return make_value(emit(postgres, one.text, "::integer)::boolean"), Kind.BOOLEAN)
    meta = replace(one.meta, name="", ucd="", utype="", description="")
    return Value(emit(postgres, _distinct(call), one.text, ")"), one.kind, meta)


def _make_string_agg(call: Call) -> Value:
    text = emit("pg_catalog.string_agg(", call.text(0), ", ", call.text(1), ")")
    return make_text_value(text, call.arguments)


def _distinct(call: Call) -> LiteralString:
    return "DISTINCT " if call.is_distinct else ""


AGGREGATES = (
    Function("COUNT", 1, 1, _make_count, is_aggregate=True),
    Function("AVG", 1, 1, _make_average, is_aggregate=True),
    Function("SUM", 1, 1, _make_sum, is_aggregate=True),
    Function("MIN", 1, 1, _make_min, is_aggregate=True),
    Function("MAX", 1, 1, _make_max, is_aggregate=True),
    Function("ivo_string_agg", 2, 2, _make_string_agg, is_aggregate=True),
)
