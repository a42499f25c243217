"""Kinds of tokens."""

from sqlglot import TokenType

LEAVES = frozenset(
    {TokenType.VAR, TokenType.IDENTIFIER, TokenType.STRING, TokenType.NUMBER, TokenType.HEX_STRING}
)
"""Names and literals: what the tree must hold all of."""
