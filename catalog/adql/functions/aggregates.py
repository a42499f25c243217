"""Functions that make one value of many rows; sums and means are no numerics, which no format knows."""

from dataclasses import replace
from typing import LiteralString

from catalog.adql.functions.call import Call, Function
from catalog.adql.glue import glue
from catalog.adql.value import Kind, Value, of_kind, text_of


def _count(call: Call) -> Value:
    inside = glue("*") if call.is_star else glue(_distinct(call), call.arguments[0].text)
    return of_kind(glue("pg_catalog.count(", inside, ")"), Kind.INTEGER, datatype="long")


def _average(call: Call) -> Value:
    number = call.number(0)
    text = glue("pg_catalog.avg(", _distinct(call), number.text, ")::double precision")
    return of_kind(text, Kind.FLOAT, unit=number.meta.unit)


def _sum(call: Call) -> Value:
    number = call.number(0)
    if number.kind is Kind.INTEGER:
        summed = glue("pg_catalog.sum(", _distinct(call), number.text, ")::bigint")
        return of_kind(summed, Kind.INTEGER, number.meta.unit, "long")
    summed = glue("pg_catalog.sum(", _distinct(call), call.double(0), ")")
    return of_kind(summed, Kind.FLOAT, number.meta.unit)


def _least(call: Call) -> Value:
    return _extreme(call, "pg_catalog.min(")


def _greatest(call: Call) -> Value:
    return _extreme(call, "pg_catalog.max(")


def _extreme(call: Call, postgres: LiteralString) -> Value:
    """Min or max, with the argument's type and unit; of truths, 0 before 1."""
    one = call.arguments[0]
    if not one.kind.is_number and one.kind not in {Kind.TEXT, Kind.TIMESTAMP, Kind.BOOLEAN}:
        raise call.wrong(0, "a number, a text or a time")
    if one.kind is Kind.BOOLEAN:
        return of_kind(glue(postgres, one.text, "::integer)::boolean"), Kind.BOOLEAN)
    meta = replace(one.meta, name="", ucd="", utype="", description="")
    return Value(glue(postgres, _distinct(call), one.text, ")"), one.kind, meta)


def _joined(call: Call) -> Value:
    text = glue("pg_catalog.string_agg(", call.text(0), ", ", call.text(1), ")")
    return text_of(text, call.arguments)


def _distinct(call: Call) -> LiteralString:
    return "DISTINCT " if call.is_distinct else ""


AGGREGATES = (
    Function("COUNT", 1, 1, _count, is_aggregate=True),
    Function("AVG", 1, 1, _average, is_aggregate=True),
    Function("SUM", 1, 1, _sum, is_aggregate=True),
    Function("MIN", 1, 1, _least, is_aggregate=True),
    Function("MAX", 1, 1, _greatest, is_aggregate=True),
    Function("ivo_string_agg", 2, 2, _joined, is_aggregate=True),
)
