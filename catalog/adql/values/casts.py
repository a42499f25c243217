"""CAST: the types that ADQL 2.1 names, and from what they can be made (section 4.6.1)."""

from psycopg import sql
from sqlglot import exp

from catalog.adql.emitter import emit
from catalog.adql.errors import AdqlError
from catalog.adql.grammar.tree import offset_of
from catalog.adql.scope import Scope
from catalog.adql.timestamps import make_timestamp
from catalog.adql.value import Kind, Value, make_text_value, make_value
from catalog.adql.values.literals import read_literal

_NUMBERS = {
    "SMALLINT": (emit("::smallint"), Kind.INTEGER, "short"),
    "INTEGER": (emit("::integer"), Kind.INTEGER, "int"),
    "INT": (emit("::integer"), Kind.INTEGER, "int"),
    "BIGINT": (emit("::bigint"), Kind.INTEGER, "long"),
    "REAL": (emit("::real"), Kind.FLOAT, "float"),
    "DOUBLE PRECISION": (emit("::double precision"), Kind.FLOAT, "double"),
}
_TEXTS = {"CHAR": emit("::character"), "VARCHAR": emit("::character varying")}
_SCALARS = {Kind.INTEGER, Kind.FLOAT, Kind.TEXT, Kind.BOOLEAN, Kind.NULL}
_MAX_TEXT_LENGTH = 10_000


def translate_cast(node: exp.Cast, given: Value, scope: Scope) -> Value:
    """Translate CAST; a fraction is cut towards 0 to become an integer.

    Raises:
        AdqlError: The type is none of ADQL's, or the value cannot become one.
    """
    name, length = _read_type(node)
    if name in _NUMBERS:
        _check_castable(given, _SCALARS, name, node)
        text, kind, datatype = _NUMBERS[name]
        return make_value(emit(_emit_castable(given, kind), text), kind, datatype=datatype)
    if name in _TEXTS:
        _check_castable(given, _SCALARS | {Kind.TIMESTAMP}, name, node)
        size = emit("") if length is None else emit("(", sql.Literal(length), ")")
        return make_text_value(emit(given.text, _TEXTS[name], size), [given])
    _check_castable(given, {Kind.TEXT, Kind.TIMESTAMP, Kind.NULL}, name, node)
    if isinstance(given.constant, str):
        return make_timestamp(given.constant, scope, offset_of(node))
    return make_value(emit(given.text, "::timestamp"), Kind.TIMESTAMP)


def _read_type(node: exp.Cast) -> tuple[str, int | None]:
    """The name of the type, and the length of a text."""
    parts = node.args["to"].expressions
    name = " ".join(part.name.upper() for part in parts if isinstance(part, exp.Identifier))
    lengths = [part.name for part in parts if not isinstance(part, exp.Identifier)]
    offset = offset_of(node.args["to"]) if parts else offset_of(node)
    if name not in _NUMBERS and name not in _TEXTS and name != "TIMESTAMP":
        raise AdqlError(
            f"{name or 'nothing'} is no type of ADQL: SMALLINT, INTEGER, BIGINT, REAL, DOUBLE PRECISION, "
            "CHAR(n), VARCHAR(n) or TIMESTAMP",
            offset,
        )
    if not lengths:
        return name, None
    length = read_literal(parts[-1])
    if (
        len(lengths) > 1
        or name not in _TEXTS
        or not isinstance(length, int)
        or not 0 < length <= _MAX_TEXT_LENGTH
    ):
        raise AdqlError(f"{name} takes no such length", offset)
    return name, length


def _emit_castable(given: Value, kind: Kind) -> sql.Composed:
    """What Postgres makes a number of as it should: it would round, and knows no truth values."""
    if given.kind is Kind.FLOAT and kind is Kind.INTEGER:
        return emit("pg_catalog.trunc(", given.text, "::double precision)")
    return emit(given.text, "::integer") if given.kind is Kind.BOOLEAN else given.text


def _check_castable(given: Value, kinds: set[Kind], name: str, node: exp.Cast) -> None:
    if given.kind not in kinds:
        raise AdqlError(f"{given.kind.name.lower()} cannot be cast to {name}", offset_of(node))
