"""CAST: the types that ADQL 2.1 names (section 4.6.1)."""

from psycopg import sql
from sqlglot import exp

from catalog.adql.errors import AdqlError
from catalog.adql.glue import glue
from catalog.adql.scope import Scope
from catalog.adql.times import timestamp
from catalog.adql.tree import offset_of
from catalog.adql.value import Kind, Value, of_kind

_INTEGERS = {
    "SMALLINT": (glue("::smallint"), "short"),
    "INTEGER": (glue("::integer"), "int"),
    "INT": (glue("::integer"), "int"),
    "BIGINT": (glue("::bigint"), "long"),
}
_FLOATS = {
    "REAL": (glue("::real"), "float"),
    "DOUBLE PRECISION": (glue("::double precision"), "double"),
}
_TEXTS = {"CHAR": glue("::character"), "VARCHAR": glue("::character varying")}
_LONGEST = 10_000


def cast(node: exp.Cast, given: Value, scope: Scope) -> Value:
    """A value as another type; what has a fraction is cut towards 0 to become an integer.

    Raises:
        AdqlError: The type is none of ADQL's, or the value cannot become one.
    """
    parts = node.args["to"].expressions
    name = " ".join(part.name.upper() for part in parts if isinstance(part, exp.Identifier))
    lengths = [int(part.name) for part in parts if isinstance(part, exp.Literal) and part.name.isdigit()]
    place = offset_of(node.args["to"]) if parts else offset_of(node)
    if len(lengths) > 1 or (lengths and (name not in _TEXTS or not 0 < lengths[0] <= _LONGEST)):
        raise AdqlError(f"{name} takes no such length", place)
    if given.kind.is_region or given.kind is Kind.ARRAY:
        raise AdqlError("CAST takes numbers, texts and times", offset_of(node))
    if name in _INTEGERS:
        text, datatype = _INTEGERS[name]
        whole = glue("pg_catalog.trunc(", given.text, "::double precision)")
        return of_kind(
            glue(whole if given.kind is Kind.FLOAT else given.text, text), Kind.INTEGER, datatype=datatype
        )
    if name in _FLOATS:
        text, datatype = _FLOATS[name]
        return of_kind(glue(given.text, text), Kind.FLOAT, datatype=datatype)
    if name in _TEXTS:
        length = glue("(", sql.Literal(lengths[0]), ")") if lengths else glue("")
        return of_kind(glue(given.text, _TEXTS[name], length), Kind.TEXT)
    if name == "TIMESTAMP":
        if isinstance(given.constant, str):
            return timestamp(given.constant, scope, place)
        return of_kind(glue(given.text, "::timestamp"), Kind.TIMESTAMP)
    raise AdqlError(
        f"{name or 'nothing'} is no type of ADQL: SMALLINT, INTEGER, BIGINT, REAL, DOUBLE PRECISION, "
        "CHAR(n), VARCHAR(n) or TIMESTAMP",
        place,
    )
