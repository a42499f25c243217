"""ADQL for sqlglot: its tokenizer and parser, with all that is no ADQL taken away from them."""

from collections.abc import Callable, Collection
from typing import ClassVar

from sqlglot import Token, TokenType, exp
from sqlglot import Tokenizer as SqlTokenizer
from sqlglot.dialects.dialect import Dialect
from sqlglot.parser import Parser as SqlParser

from catalog.adql.grammar.keywords import KEYWORDS

_SIGNS = {
    "(": TokenType.L_PAREN,
    ")": TokenType.R_PAREN,
    ",": TokenType.COMMA,
    ".": TokenType.DOT,
    "-": TokenType.DASH,
    "+": TokenType.PLUS,
    "*": TokenType.STAR,
    "/": TokenType.SLASH,
    "=": TokenType.EQ,
    ">": TokenType.GT,
    "<": TokenType.LT,
    ";": TokenType.SEMICOLON,
}
_COMPOUND_SIGNS = {
    "<>": TokenType.NEQ,
    "!=": TokenType.NEQ,
    "<=": TokenType.LTE,
    ">=": TokenType.GTE,
    "||": TokenType.DPIPE,
}
COMMA = "COMMA"
"""The kind of a join of two tables that stand side by side."""
_NAMES = {TokenType.VAR, TokenType.IDENTIFIER}


class Adql(Dialect):
    """ADQL 2.1, for reading only."""

    class Tokenizer(SqlTokenizer):
        """Every sign that ADQL does not know becomes UNKNOWN, every word a VAR."""

        KEYWORDS = KEYWORDS | _COMPOUND_SIGNS
        SINGLE_TOKENS = dict.fromkeys("!\"#$%&':?@[\\]^`{|}~", TokenType.UNKNOWN) | _SIGNS
        QUOTES: ClassVar = ["'"]
        IDENTIFIERS: ClassVar = ['"']
        HEX_STRINGS: ClassVar = [("0x", ""), ("0X", "")]
        COMMENTS: ClassVar = ["--"]
        COMMANDS: ClassVar = set()

    class Parser(SqlParser):
        """All functions are Anonymous; nothing but a SELECT is a statement."""

        FUNCTIONS: ClassVar = {}
        FUNCTION_PARSERS: ClassVar = {"CAST": lambda self: self._parse_cast(strict=True)}
        NO_PAREN_FUNCTIONS: ClassVar = {}
        NO_PAREN_FUNCTION_PARSERS: ClassVar = {"CASE": lambda self: self._parse_case()}
        STATEMENT_PARSERS: ClassVar = {}
        ID_VAR_TOKENS: ClassVar = _NAMES
        ALIAS_TOKENS: ClassVar = _NAMES
        TABLE_ALIAS_TOKENS: ClassVar = _NAMES
        FUNC_TOKENS: ClassVar = {TokenType.VAR, TokenType.EXISTS}
        SUBQUERY_PREDICATES: ClassVar = {TokenType.EXISTS: exp.Exists}
        BRACKETS: ClassVar = frozenset()
        COLUMN_OPERATORS: ClassVar = {TokenType.DOT: None}
        BITWISE: ClassVar = {}
        TERM: ClassVar = {TokenType.DASH: exp.Sub, TokenType.PLUS: exp.Add}
        FACTOR: ClassVar = {TokenType.SLASH: exp.Div, TokenType.STAR: exp.Mul}
        EQUALITY: ClassVar = {TokenType.EQ: exp.EQ, TokenType.NEQ: exp.NEQ}
        JOIN_METHODS: ClassVar = {TokenType.NATURAL}
        JOIN_KINDS: ClassVar = {TokenType.CROSS, TokenType.INNER, TokenType.OUTER}
        PLACEHOLDER_PARSERS: ClassVar = {}
        RANGE_PARSERS: ClassVar = {
            token: SqlParser.RANGE_PARSERS[token]
            for token in (TokenType.BETWEEN, TokenType.ILIKE, TokenType.IN, TokenType.IS, TokenType.LIKE)
        }
        QUERY_MODIFIER_PARSERS: ClassVar = {
            token: SqlParser.QUERY_MODIFIER_PARSERS[token]
            for token in (
                TokenType.WHERE,
                TokenType.GROUP_BY,
                TokenType.HAVING,
                TokenType.ORDER_BY,
                TokenType.OFFSET,
            )
        }

        def _parse_ordered(
            self, parse_method: Callable[[], exp.Expr | None] | None = None
        ) -> exp.Ordered | None:
            """One key of ORDER BY; the order of NULLs is Postgres' own."""
            this = parse_method() if parse_method else self._parse_disjunction()
            if this is None:
                return None
            is_ascending = self._match(TokenType.ASC)
            is_descending = not is_ascending and self._match(TokenType.DESC)
            return self.expression(exp.Ordered(this=this, desc=bool(is_descending), nulls_first=False))

        def _parse_lambda(self, alias: bool = False) -> exp.Expr | None:
            """An argument of a function, perhaps after ALL or DISTINCT."""
            del alias
            if self._match(TokenType.DISTINCT):
                return self.expression(exp.Distinct(expressions=[self._parse_disjunction()]))
            self._match(TokenType.ALL)
            return self._parse_disjunction()

        def _parse_window(self, this: exp.Expr | None, alias: bool = False) -> exp.Expr | None:
            """ADQL has no windows."""
            del alias
            return this

        def _parse_cast(self, strict: bool, safe: bool | None = None) -> exp.Expr:
            """CAST(this AS type): the type's words and lengths are kept as they stand."""
            del strict, safe
            name = self._tokens[self._index - 2]
            this = self._parse_disjunction()
            if not self._match(TokenType.ALIAS):
                self.raise_error("AS and a type are expected in CAST")
            words = []
            while self._match(TokenType.VAR):
                words.append(self.expression(exp.Identifier(this=self._prev.text), self._prev))
            sizes = self._parse_wrapped_csv(self._parse_number, optional=True)
            return self.expression(exp.Cast(this=this, to=exp.Tuple(expressions=[*words, *sizes])), name)

        def _parse_join(
            self,
            skip_join_token: bool = False,
            parse_bracket: bool = False,
            alias_tokens: Collection[TokenType] | None = None,
        ) -> exp.Join | None:
            """A comma is told from a JOIN that lacks its condition."""
            is_comma = self._curr.token_type == TokenType.COMMA
            join = super()._parse_join(skip_join_token, parse_bracket, alias_tokens)
            if join is not None and is_comma:
                join.set("kind", COMMA)
            return join

        def _parse_between(self, this: exp.Expr | None) -> exp.Between:
            """BETWEEN low AND high."""
            low = self._parse_bitwise()
            if not self._match(TokenType.AND):
                self.raise_error("AND is expected in BETWEEN")
            return self.expression(exp.Between(this=this, low=low, high=self._parse_bitwise()))

        def _parse_in(self, this: exp.Expr | None, alias: bool = False) -> exp.In:
            """A list of numbers or texts is read at once: it may be long."""
            items = self._literals_in_brackets()
            if not items:
                return super()._parse_in(this, alias)
            self._advance(2 * len(items) + 1)
            literals = [
                exp.Literal(this=item.text, is_string=item.token_type == TokenType.STRING) for item in items
            ]
            for literal, item in zip(literals, items, strict=True):
                literal.update_positions(item)
            return self.expression(exp.In(this=this, expressions=literals))

        def _literals_in_brackets(self) -> list[Token]:
            """The literals of a list that begins here; none where anything else is in it."""
            items: list[Token] = []
            for i in range(self._index + 1, len(self._tokens) - 1, 2):
                item, sign = self._tokens[i], self._tokens[i + 1]
                items.append(item)
                is_literal = item.token_type in {TokenType.NUMBER, TokenType.STRING}
                if not is_literal or sign.token_type not in {TokenType.COMMA, TokenType.R_PAREN}:
                    return []
                if sign.token_type == TokenType.R_PAREN:
                    return items if self._curr.token_type == TokenType.L_PAREN else []
            return []


Adql.Tokenizer._COMMENTS = {"--": None}  # noqa: SLF001 # sqlglot adds Jinja's {# #} to every dialect
