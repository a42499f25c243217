"""Functions of texts and times."""

import re

from catalog.adql.functions.call import Call, Function
from catalog.adql.glue import glue
from catalog.adql.sky import timestamp
from catalog.adql.value import Kind, Value, of_kind, text_of


def _lower(call: Call) -> Value:
    return text_of(glue("pg_catalog.lower(", call.text(0), ")"), call.arguments)


def _upper(call: Call) -> Value:
    return text_of(glue("pg_catalog.upper(", call.text(0), ")"), call.arguments)


def _timestamp(call: Call) -> Value:
    if call.arguments[0].kind is Kind.TIMESTAMP:
        return call.arguments[0]
    return timestamp(call.constant_text(0), call.scope, call.places[0])


def _hasword(call: Call) -> Value:
    """A whole word in any case; signs in it mean themselves."""
    word = re.sub(r"([^\w\s])", r"\\\1", call.constant_text(1).strip())
    pattern = call.scope.context.parameters.bind(rf"(^|\W){word}(\W|$)", "text")
    condition = glue("(", call.text(0), " OPERATOR(pg_catalog.~*) ", pattern, ")")
    return Value(
        glue(condition, "::integer"), Kind.INTEGER, of_kind(condition, Kind.INTEGER).meta, truth=condition
    )


TEXTS = (
    Function("LOWER", 1, 1, _lower),
    Function("UPPER", 1, 1, _upper),
    Function("TIMESTAMP", 1, 1, _timestamp),
    Function("ivo_hasword", 2, 2, _hasword),
)
