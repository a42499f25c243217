"""Functions of texts and times: LOWER, UPPER, TIMESTAMP and ivo_hasword."""

import re

from catalog.adql.emitter import emit
from catalog.adql.functions.call import Call, Function
from catalog.adql.timestamps import make_timestamp
from catalog.adql.value import Kind, Value, make_text_value, make_value


def _make_lower(call: Call) -> Value:
    return make_text_value(emit("pg_catalog.lower(", call.text(0), ")"), call.arguments)


def _make_upper(call: Call) -> Value:
    return make_text_value(emit("pg_catalog.upper(", call.text(0), ")"), call.arguments)


def _make_timestamp(call: Call) -> Value:
    if call.arguments[0].kind is Kind.TIMESTAMP:
        return call.arguments[0]
    return make_timestamp(call.constant_text(0), call.scope, call.offsets[0])


def _make_hasword(call: Call) -> Value:
    """A whole word in any case; signs in it mean themselves."""
    word = re.sub(r"([^\w\s])", r"\\\1", call.constant_text(1).strip())
    pattern = call.scope.context.parameters.bind(rf"(^|\W){word}(\W|$)", "text")
    condition = emit("(", call.text(0), " OPERATOR(pg_catalog.~*) ", pattern, ")")
    return Value(
        emit(condition, "::integer"), Kind.INTEGER, make_value(condition, Kind.INTEGER).meta, truth=condition
    )


TEXTS = (
    Function("LOWER", 1, 1, _make_lower),
    Function("UPPER", 1, 1, _make_upper),
    Function("TIMESTAMP", 1, 1, _make_timestamp),
    Function("ivo_hasword", 2, 2, _make_hasword),
)
