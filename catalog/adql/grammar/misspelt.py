"""Which word of ADQL was perhaps meant by one that means nothing where it stands."""

from collections.abc import Sequence
from difflib import get_close_matches

from sqlglot import Token, TokenType

_WORDS = frozenset(
    {"SELECT", "DISTINCT", "FROM", "WHERE", "GROUP", "ORDER", "HAVING", "UNION", "OFFSET", "JOIN", "LEFT"}
    | {"RIGHT", "INNER", "NATURAL", "USING", "AND", "BETWEEN", "LIKE"}
)
"""Those that are long enough to be known though they are misspelt."""
_LIKE_ENOUGH = 0.66


def misspelt(word: str) -> str | None:
    """The word of ADQL that one is like; None where it is like none."""
    near = get_close_matches(word.upper(), sorted(_WORDS), n=1, cutoff=_LIKE_ENOUGH)
    return near[0] if near and near[0] != word.upper() else None


def misspelt_before(tokens: Sequence[Token], offset: int) -> tuple[Token, str] | None:
    """The misspelt word because of which the token at an offset is unexpected.

    It may be the one before: `galaxy WEHRE mag_r` reads as an alias, and a name after it.
    """
    place = next((i for i, token in enumerate(tokens) if token.start == offset), None)
    if place is None:
        return None
    for token in reversed(tokens[max(0, place - 1) : place + 1]):
        meant = misspelt(token.text) if token.token_type == TokenType.VAR else None
        if meant is not None:
            return token, meant
    return None
