"""What two values must have in common to be compared."""

from catalog.adql.errors import AdqlError
from catalog.adql.scope import Scope
from catalog.adql.times import timestamp
from catalog.adql.value import Kind, Value, of_kind

_TRUTHS = {1: True, 0: False, "true": True, "false": False, "t": True, "f": False, "1": True, "0": False}


def fitted(one: Value, other: Value, scope: Scope, place: int | None) -> Value:
    """A constant text beside a time, a truth or a number, as what stands beside it."""
    if other.kind is Kind.BOOLEAN and one.constant is not None:
        truth = _TRUTHS.get(one.constant.lower() if isinstance(one.constant, str) else one.constant)
        if truth is None:
            raise AdqlError(f"{one.constant!r} is no truth value: write 1, 0, 'true' or 'false'", place)
        return of_kind(scope.context.parameters.bind(truth, "boolean"), Kind.BOOLEAN)
    if other.kind is Kind.TIMESTAMP and isinstance(one.constant, str):
        return timestamp(one.constant, scope, place)
    return one


def check_kinds(left: Value, right: Value, place: int | None) -> None:
    """Refuse to compare what is of different kinds."""
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
        raise AdqlError(f"one cannot compare {names}", place)
