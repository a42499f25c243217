"""Which kinds of values can be compared, and a constant text as what it is compared with."""

from catalog.adql.errors import AdqlError
from catalog.adql.scope import Scope
from catalog.adql.timestamps import make_timestamp
from catalog.adql.value import Kind, Value, make_value

_TRUTHS = {1: True, 0: False, "true": True, "false": False, "t": True, "f": False, "1": True, "0": False}


def fit_constant(one: Value, other: Value, scope: Scope, offset: int | None) -> Value:
    """Convert a constant text to the time, truth value or number that it is compared with."""
    if other.kind is Kind.BOOLEAN and one.constant is not None:
        truth = _TRUTHS.get(one.constant.lower() if isinstance(one.constant, str) else one.constant)
        if truth is None:
            raise AdqlError(f"{one.constant!r} is no truth value: write 1, 0, 'true' or 'false'", offset)
        return make_value(scope.context.parameters.bind(truth, "boolean"), Kind.BOOLEAN)
    if other.kind is Kind.TIMESTAMP and isinstance(one.constant, str):
        return make_timestamp(one.constant, scope, offset)
    return one


def check_kinds(left: Value, right: Value, offset: int | None) -> None:
    """Refuse to compare values of different kinds."""
    groups = (
        {Kind.INTEGER, Kind.FLOAT},
        {Kind.TEXT},
        {Kind.TIMESTAMP},
        {Kind.BOOLEAN},
    )
    if Kind.NULL in {left.kind, right.kind}:
        return
    if not any(left.kind in group and right.kind in group for group in groups):
        names = " with ".join(one.kind.name.lower() for one in (left, right))
        raise AdqlError(f"one cannot compare {names}", offset)
