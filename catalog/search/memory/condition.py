"""A condition as far as it can be answered from columns held in memory; the rest is unknown."""

from dataclasses import dataclass
from typing import Literal

Sign = Literal["<", ">", "=", "<>"]


@dataclass(frozen=True)
class Unknown:
    """Any galaxy may fulfil it."""


@dataclass(frozen=True)
class Comparison:
    """A held column beside a number; whether `<` and `>` let equal values in is not kept.

    Attributes:
        column: Name of the column.
        sign: How they are compared.
        low: The number, or the least that it may be.
        high: The number, or the largest that it may be.
    """

    column: str
    sign: Sign
    low: float
    high: float


@dataclass(frozen=True)
class Apart:
    """The distance to a place beside an angle, all in ICRS degrees."""

    ra_deg: float
    dec_deg: float
    radius_deg: float
    is_within: bool


@dataclass(frozen=True)
class IsNull:
    """A held column has no value."""

    column: str


@dataclass(frozen=True)
class Not:
    """It is not true, and not NULL."""

    part: "Condition"


@dataclass(frozen=True)
class All:
    """All parts are true."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True)
class AnyOf:
    """One part at least is true."""

    parts: tuple["Condition", ...]


Condition = Unknown | Comparison | Apart | IsNull | Not | All | AnyOf


def is_known(condition: Condition) -> bool:
    """Whether no part of a condition is unknown."""
    match condition:
        case Unknown():
            return False
        case Not(part):
            return is_known(part)
        case All(parts) | AnyOf(parts):
            return all(map(is_known, parts))
        case _:
            return True
