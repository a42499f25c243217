"""The parser: from the text of a query to a checked tree of sqlglot's."""

import re

from sqlglot import Token, exp
from sqlglot.errors import ParseError, TokenError

from catalog.adql.errors import AdqlError
from catalog.adql.grammar.dialect import Adql
from catalog.adql.grammar.keywords import find_misspelling
from catalog.adql.grammar.tokens import check_tokens
from catalog.adql.grammar.tree import check_tree, offset_of
from catalog.adql.limits import MAX_QUERY_BYTES

_DIALECT = Adql()
_UNFIT = re.compile("[\x00\ud800-\udfff]")


def parse(text: str) -> exp.Query:
    """Parse one query.

    Raises:
        AdqlError: It is no ADQL, is more than one query, or is too large.
    """
    size = len(text.encode(errors="surrogatepass"))
    if size > MAX_QUERY_BYTES:
        raise AdqlError(f"the query has {size} bytes; {MAX_QUERY_BYTES} are the most")
    if unfit := _UNFIT.search(text):
        raise AdqlError("the query holds a character that no text can hold", unfit.start())
    try:
        tokens = check_tokens(_DIALECT.tokenize(text))
    except TokenError as error:
        quote = max(text.rfind("'"), text.rfind('"'))
        raise AdqlError("a quote is never closed", quote if quote >= 0 else None) from error
    try:
        trees = _DIALECT.parser().parse(tokens, text)
    except ParseError as error:
        raise _convert_error(error, text, tokens) from error
    tree = trees[0] if len(trees) == 1 else None
    if not isinstance(tree, exp.Query):
        raise AdqlError("one SELECT is expected", offset_of(tree))
    check_tree(tree, tokens)
    return tree


def _convert_error(error: ParseError, text: str, tokens: list[Token]) -> AdqlError:
    """Sqlglot's complaint as one of ours: it counts lines from 1 and columns to a token's end."""
    found = error.errors[0]
    word = str(found["highlight"] or "")
    line, column = int(found["line"] or 1), int(found["col"] or 1)
    starts = [0, *(end.end() for end in re.finditer(r"\r\n|\n|\r", text))]
    offset = starts[min(line, len(starts)) - 1] + max(0, column - len(word))
    wrong = find_misspelling(tokens, offset)
    if wrong is not None:
        token, meant = wrong
        return AdqlError(f"{token.text!r} is not expected here; did you mean {meant}?", token.start)
    reason = str(found["description"] or "this is no ADQL")
    if reason.startswith("Invalid expression") or "<Token" in reason:
        reason = f"{word!r} is not expected here"
    elif reason.startswith("Expecting "):
        reason = f"{reason.removeprefix('Expecting ')!r} is expected here"
    elif reason.startswith("Required keyword"):
        reason = f"something is missing near {word!r}"
    return AdqlError(reason, min(offset, len(text)))
