"""Mathematical and trigonometrical functions (ADQL 2.1, section 2.3), of radians and in double precision."""

from collections.abc import Callable
from typing import LiteralString

from catalog.adql.emitter import emit
from catalog.adql.functions.call import Call, Function
from catalog.adql.value import RANDOM, Kind, Value, make_value


def _postgres_function(postgres: LiteralString) -> Callable[[Call], Value]:
    """A function of double precision that Postgres has too."""

    def make(call: Call) -> Value:
        numbers = [call.double(i) for i in range(len(call.arguments))]
        first = numbers[0] if numbers else emit("")
        rest = [emit(", ", number) for number in numbers[1:]]
        return make_value(emit(postgres, "(", first, *rest, ")"), Kind.FLOAT)

    return make


def _make_absolute(call: Call) -> Value:
    """It keeps the type, and the unit."""
    number = call.number(0)
    return Value(emit("pg_catalog.abs(", number.text, ")"), number.kind, number.meta)


def _make_remainder(call: Call) -> Value:
    """The sign is that of the dividend; Postgres' mod knows no double precision."""
    x, y = call.number(0), call.number(1)
    if x.kind is Kind.INTEGER and y.kind is Kind.INTEGER:
        datatype = "long" if "long" in {x.meta.datatype, y.meta.datatype} else "int"
        return make_value(emit("pg_catalog.mod(", x.text, ", ", y.text, ")"), Kind.INTEGER, datatype=datatype)
    return make_value(emit("galcat.mod(", call.double(0), ", ", call.double(1), ")"), Kind.FLOAT)


def _rounding_function(postgres: LiteralString) -> Callable[[Call], Value]:
    """Round or trunc: to places only Postgres' numeric can do it."""

    def make(call: Call) -> Value:
        if len(call.arguments) == 1:
            return make_value(emit(postgres, "(", call.double(0), ")"), Kind.FLOAT)
        text = emit(postgres, "((", call.double(0), ")::numeric, ", call.integer(1), ")::double precision")
        return make_value(text, Kind.FLOAT)

    return make


def _make_random(call: Call) -> Value:
    """The seed, which the standard gives no meaning, is checked and not used."""
    if call.arguments:
        call.number(0)
    return make_value(emit(RANDOM), Kind.FLOAT)


MATHEMATICS = (
    Function("ABS", 1, 1, _make_absolute),
    Function("ACOS", 1, 1, _postgres_function("pg_catalog.acos")),
    Function("ASIN", 1, 1, _postgres_function("pg_catalog.asin")),
    Function("ATAN", 1, 1, _postgres_function("pg_catalog.atan")),
    Function("ATAN2", 2, 2, _postgres_function("pg_catalog.atan2")),
    Function("CEILING", 1, 1, _postgres_function("pg_catalog.ceil")),
    Function("COS", 1, 1, _postgres_function("pg_catalog.cos")),
    Function("COT", 1, 1, _postgres_function("pg_catalog.cot")),
    Function("DEGREES", 1, 1, _postgres_function("pg_catalog.degrees")),
    Function("EXP", 1, 1, _postgres_function("pg_catalog.exp")),
    Function("FLOOR", 1, 1, _postgres_function("pg_catalog.floor")),
    Function("LOG", 1, 1, _postgres_function("pg_catalog.ln")),
    Function("LOG10", 1, 1, _postgres_function("pg_catalog.log")),
    Function("MOD", 2, 2, _make_remainder),
    Function("PI", 0, 0, _postgres_function("pg_catalog.pi")),
    Function("POWER", 2, 2, _postgres_function("pg_catalog.power")),
    Function("RADIANS", 1, 1, _postgres_function("pg_catalog.radians")),
    Function("RAND", 0, 1, _make_random),
    Function("ROUND", 1, 2, _rounding_function("pg_catalog.round")),
    Function("SIGN", 1, 1, _postgres_function("pg_catalog.sign")),
    Function("SIN", 1, 1, _postgres_function("pg_catalog.sin")),
    Function("SQRT", 1, 1, _postgres_function("pg_catalog.sqrt")),
    Function("TAN", 1, 1, _postgres_function("pg_catalog.tan")),
    Function("TRUNCATE", 1, 2, _rounding_function("pg_catalog.trunc")),
)
