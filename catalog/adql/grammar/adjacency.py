"""Which tokens may follow which: sqlglot lets much pass that is no query."""

from itertools import pairwise

from sqlglot import Token, TokenType

from catalog.adql.errors import AdqlError
from catalog.adql.grammar.keywords import LEAVES, RESERVED, suggest_keyword

_ENDS_A_VALUE = LEAVES | {
    *(TokenType.R_PAREN, TokenType.END, TokenType.NULL, TokenType.TRUE, TokenType.FALSE, TokenType.STAR)
}
_BEGINS_AN_ITEM = LEAVES | {
    *(TokenType.L_PAREN, TokenType.CASE, TokenType.NULL, TokenType.TRUE, TokenType.FALSE),
    *(TokenType.STAR, TokenType.DASH, TokenType.PLUS, TokenType.NOT),
}
_AFTER = {
    TokenType.ALIAS: {TokenType.VAR, TokenType.IDENTIFIER, TokenType.L_PAREN},
    TokenType.DOT: {TokenType.VAR, TokenType.IDENTIFIER, TokenType.STAR},
}
_NO_WINDOWS = "ADQL has no window functions"
_NOT_IN_ADQL = {
    "LIMIT": "ADQL has no LIMIT: write SELECT TOP n",
    "INTO": "ADQL has no INTO: a query only reads",
    "OVER": _NO_WINDOWS,
    "FETCH": "ADQL has no FETCH: write SELECT TOP n",
}
_TYPE_WORDS = frozenset(
    {"INTEGER", "INT", "SMALLINT", "BIGINT", "REAL", "DOUBLE", "PRECISION", "CHAR", "VARCHAR", "TIMESTAMP"}
)
"""Reserved words that may follow AS in a CAST; elsewhere they are unknown columns."""


def check_adjacency(tokens: list[Token]) -> None:
    """Refuse what sqlglot lets pass: lists that end in a comma, FROM before SELECT, 'a' 'b', 1x, E'a'.

    Raises:
        AdqlError: Two tokens cannot stand side by side, or one cannot begin or end a query.
    """
    _check_comments(tokens)
    first, last = tokens[0], tokens[-1]
    if first.token_type not in {TokenType.SELECT, TokenType.WITH, TokenType.L_PAREN}:
        raise AdqlError(f"a query begins with SELECT or WITH, not with {first.text!r}", first.start)
    if last.token_type not in _ENDS_A_VALUE | {TokenType.ASC, TokenType.DESC}:
        raise AdqlError(f"the query breaks off after {last.text!r}", last.start)
    whens = [token for token in tokens if token.token_type == TokenType.WHEN]
    if len(whens) != sum(token.token_type == TokenType.THEN for token in tokens):
        raise AdqlError("every WHEN needs a THEN", whens[0].start if whens else None)
    _check_windows(tokens)
    for left, right in pairwise([*tokens, Token(TokenType.SENTINEL, "", start=last.end + 2)]):
        _check_pair(left, right)
        if left.token_type == TokenType.VAR and right.token_type != TokenType.L_PAREN:
            _check_name(left, right)


def _check_comments(tokens: list[Token]) -> None:
    for left, right in pairwise(tokens):
        signs = (left.token_type, right.token_type)
        if signs == (TokenType.SLASH, TokenType.STAR) and left.end + 1 == right.start:
            raise AdqlError("comments begin with -- and end with their line", left.start)


def _check_windows(tokens: list[Token]) -> None:
    for i, token in enumerate(tokens[1:-1], 1):
        beside = (tokens[i - 1].token_type, tokens[i + 1].token_type)
        if token.text.upper() == "OVER" and beside == (TokenType.R_PAREN, TokenType.L_PAREN):
            raise AdqlError(_NO_WINDOWS, token.start)


def _check_pair(left: Token, right: Token) -> None:
    both = {left.token_type, right.token_type}
    is_glued = left.end + 1 == right.start and both <= LEAVES
    if is_glued or both == {TokenType.STRING}:
        raise AdqlError(f"{right.text!r} cannot follow {left.text!r} here", right.start)
    if left.token_type == TokenType.COMMA and right.token_type not in _BEGINS_AN_ITEM:
        raise AdqlError(f"something is missing between ',' and {right.text!r}", right.start)
    if right.token_type == TokenType.FROM and left.token_type not in _ENDS_A_VALUE:
        raise AdqlError(f"FROM cannot follow {left.text!r}", right.start)
    may_follow = _AFTER.get(left.token_type)
    if may_follow is not None and right.token_type not in may_follow:
        raise AdqlError(f"{right.text!r} is no name: as one write it in double quotes", right.start)
    if left.token_type == TokenType.IDENTIFIER and right.token_type == TokenType.L_PAREN:
        raise AdqlError(f'"{left.text}" is a name in double quotes and no function', left.start)


def _check_name(token: Token, after: Token) -> None:
    word = token.text.upper()
    if word in {"ORDER", "GROUP"} and after.token_type in LEAVES:
        raise AdqlError(f"BY is expected after {token.text}", token.start)
    if after.text.upper() == "BY" and (meant := suggest_keyword(word)) is not None:
        raise AdqlError(f"{token.text!r} is not expected here; did you mean {meant}?", token.start)
    if word in _NOT_IN_ADQL and (word not in {"LIMIT", "OVER"} or after.token_type == TokenType.NUMBER):
        raise AdqlError(_NOT_IN_ADQL[word], token.start)
    if word in RESERVED and word not in _TYPE_WORDS:
        raise AdqlError(f"{token.text} is a reserved word: as a name write it in double quotes", token.start)
