"""A query's tokens: what ADQL does not know is refused before anything is parsed."""

import re

from sqlglot import Token, TokenType

from catalog.adql.errors import AdqlError
from catalog.adql.grammar.adjacency import check_adjacency
from catalog.adql.grammar.keywords import KEYWORDS, LEAVES
from catalog.adql.limits import MAX_JOINS, MAX_NESTING, MAX_SELECTS, MAX_SET_OPERANDS, MAX_TOKENS

_KNOWN = LEAVES | {
    *KEYWORDS.values(),
    *(TokenType.L_PAREN, TokenType.R_PAREN, TokenType.COMMA, TokenType.DOT, TokenType.DPIPE),
    *(TokenType.PLUS, TokenType.DASH, TokenType.STAR, TokenType.SLASH),
    *(TokenType.EQ, TokenType.NEQ, TokenType.GT, TokenType.GTE, TokenType.LT, TokenType.LTE),
}
_REGULAR = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_FORMS = {
    TokenType.NUMBER: re.compile(r"(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"),
    TokenType.HEX_STRING: re.compile(r"[0-9A-Fa-f]+"),
}
_HINTS = {
    "%": "for the remainder write MOD(a, b)",
    ":": "for a type write CAST(a AS type)",
    "`": "names with other signs stand in double quotes",
    "[": "names with other signs stand in double quotes",
    "$": "texts stand in single quotes",
    ";": "one query at a time",
}
_COUNTED = (
    ({TokenType.JOIN}, MAX_JOINS, "joins"),
    ({TokenType.SELECT}, MAX_SELECTS, "SELECTs"),
    ({TokenType.UNION, TokenType.EXCEPT, TokenType.INTERSECT}, MAX_SET_OPERANDS, "set operations"),
)
_FRAMES = {TokenType.NOT: 10, TokenType.DASH: 3, TokenType.PLUS: 3}
_FRAMES_OF_A_BRACKET = 22


def check_tokens(tokens: list[Token]) -> list[Token]:
    """Refuse what ADQL does not know; gives the tokens without a last semicolon and idle brackets.

    Raises:
        AdqlError: A sign or a word has no meaning in ADQL, or there are too many of something.
    """
    if tokens and tokens[-1].token_type == TokenType.SEMICOLON:
        tokens = tokens[:-1]
    if not tokens:
        raise AdqlError("the query is empty")
    if len(tokens) > MAX_TOKENS:
        raise AdqlError(f"the query has {len(tokens)} words and signs; {MAX_TOKENS} are the most")
    tokens = _join_decimals(tokens)
    for token in tokens:
        _check_known(token)
    check_adjacency(tokens)
    for types, maximum, what in _COUNTED:
        count = sum(token.token_type in types for token in tokens)
        if count > maximum:
            raise AdqlError(f"the query has {count} {what}; {maximum} are the most")
    tokens = drop_idle_brackets(tokens)
    check_nesting(tokens)
    return tokens


def _join_decimals(tokens: list[Token]) -> list[Token]:
    """Sqlglot reads `.5` as a point and a 5."""
    whole: list[Token] = []
    for token in tokens:
        point = whole[-1] if whole else None
        if point is None or token.token_type != TokenType.NUMBER or not _begins_number(whole, token):
            whole.append(token)
        else:
            text = "." + token.text
            whole[-1] = Token(TokenType.NUMBER, text, token.line, token.col, point.start, token.end)
    return whole


def _begins_number(before: list[Token], number: Token) -> bool:
    """Whether the point before a number is not the one between the parts of a name."""
    point, name = before[-1], before[-2] if len(before) > 1 else None
    if point.token_type != TokenType.DOT or point.end + 1 != number.start:
        return False
    return name is None or name.token_type not in LEAVES or name.end + 1 < point.start


def _check_known(token: Token) -> None:
    text = token.text
    if token.token_type not in _KNOWN:
        hint = _HINTS.get(text[:1], "")
        raise AdqlError(f"{text!r} has no meaning here" + (f": {hint}" if hint else ""), token.start)
    if token.token_type == TokenType.VAR and not _REGULAR.fullmatch(text):
        raise AdqlError(f"{text!r} is no name in ADQL unless it stands in double quotes", token.start)
    form = _FORMS.get(token.token_type)
    if form is not None and not form.fullmatch(text):
        raise AdqlError(f"{text!r} is no number", token.start)


def drop_idle_brackets(tokens: list[Token]) -> list[Token]:
    """Drop brackets beyond two around the same: ((( a ))) means (( a ))."""
    pairs = _pair_brackets(tokens)
    idle: set[int] = set()
    for start, end in pairs.items():
        if pairs.get(start + 1) == end - 1 and pairs.get(start + 2) == end - 2:
            idle |= {start + 1, end - 1}
    return [token for i, token in enumerate(tokens) if i not in idle]


def _pair_brackets(tokens: list[Token]) -> dict[int, int]:
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
    """Refuse a query that is nested so deeply that the parser would run out of frames."""
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
        if depth + pending > MAX_NESTING * _FRAMES_OF_A_BRACKET:
            raise AdqlError(f"the query is nested more than {MAX_NESTING} deep", token.start)
