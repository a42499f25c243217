"""Brackets in brackets: how deep a query goes, as the parser takes a fixed number of frames for each."""

from sqlglot import Token, TokenType

from catalog.adql.errors import AdqlError
from catalog.adql.limits import NESTING

_FRAMES = {TokenType.NOT: 10, TokenType.DASH: 3, TokenType.PLUS: 3}
_FRAMES_OF_A_BRACKET = 22


def without_idle_brackets(tokens: list[Token]) -> list[Token]:
    """Of brackets around brackets around brackets, two are enough: ((( a ))) means (( a ))."""
    pairs = _pairs(tokens)
    idle: set[int] = set()
    for start, end in pairs.items():
        if pairs.get(start + 1) == end - 1 and pairs.get(start + 2) == end - 2:
            idle |= {start + 1, end - 1}
    return [token for i, token in enumerate(tokens) if i not in idle]


def _pairs(tokens: list[Token]) -> dict[int, int]:
    """Where each bracket opens and closes."""
    pairs: dict[int, int] = {}
    opened: list[int] = []
    for i, token in enumerate(tokens):
        if token.token_type == TokenType.L_PAREN:
            opened.append(i)
        elif token.token_type == TokenType.R_PAREN:
            if not opened:
                raise AdqlError("this bracket closes none", token.start)
            pairs[opened.pop()] = i
    if opened:
        raise AdqlError("this bracket is never closed", tokens[opened[-1]].start)
    return pairs


def check_nesting(tokens: list[Token]) -> None:
    """Brackets, CASEs, NOTs and signs each take frames of the parser: none may run out of them."""
    depth, pending, opened = 0, 0, [0]
    for token in tokens:
        if token.token_type in _FRAMES:
            pending += _FRAMES[token.token_type]
        elif token.token_type in {TokenType.L_PAREN, TokenType.CASE}:
            opened.append(pending + _FRAMES_OF_A_BRACKET)
            depth += opened[-1]
            pending = 0
        elif token.token_type in {TokenType.R_PAREN, TokenType.END}:
            depth -= opened.pop() if len(opened) > 1 else 0
            pending = 0
        else:
            pending = 0
        if depth + pending > NESTING * _FRAMES_OF_A_BRACKET:
            raise AdqlError(f"the query is nested more than {NESTING} deep", token.start)
