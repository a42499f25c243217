"""Literals: integers stay integers of 64 bits, all other numbers are double precision."""

import math

from sqlglot import exp

from catalog.adql.errors import AdqlError
from catalog.adql.grammar.tree import offset_of

MAX_LONG = 2**63 - 1
MAX_INT = 2**31 - 1
_DIGITS, _SHOWN = 20, 30


def read_literal(node: exp.Expr) -> int | float | str | None:
    """Read the value of a literal, signs before it included; None of anything else.

    Raises:
        AdqlError: An integer needs more than 64 bits, or a number is beyond double precision.
    """
    sign = 1
    literal = node
    while isinstance(literal, exp.Neg | exp.Paren):
        sign *= -1 if isinstance(literal, exp.Neg) else 1
        literal = literal.this
    if isinstance(literal, exp.HexString):
        return _read_integer(sign, literal.name, 16, node)
    if not isinstance(literal, exp.Literal):
        return None
    if literal.is_string:
        return literal.name if literal is node or isinstance(node, exp.Paren) else None
    if literal.name.isdigit():
        return _read_integer(sign, literal.name, 10, node)
    number = sign * float(literal.name)
    if math.isinf(number):
        raise AdqlError(f"{_shorten(literal.name)} is beyond double precision", offset_of(node))
    return number


def _read_integer(sign: int, digits: str, base: int, node: exp.Expr) -> int:
    """The length comes first: Python reads no decimal integer of more than 4,300 digits."""
    significant = digits.lstrip("0") or "0"
    number = sign * int(significant, base) if len(significant) <= _DIGITS else None
    if number is None or not -MAX_LONG - 1 <= number <= MAX_LONG:
        raise AdqlError(
            f"the integer {_shorten(digits)} needs more than 64 bits: write it with a point or an exponent",
            offset_of(node),
        )
    return number


def _shorten(number: str) -> str:
    return number if len(number) <= _SHOWN else f"{number[:_SHOWN]}... ({len(number)} digits)"
