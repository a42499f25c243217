"""The keywords and reserved words of ADQL 2.1 (section 2.1), and which of them a misspelt word is like."""

from collections.abc import Sequence
from difflib import get_close_matches

from sqlglot import Token, TokenType

KEYWORDS = {
    "ALL": TokenType.ALL,
    "AND": TokenType.AND,
    "AS": TokenType.ALIAS,
    "ASC": TokenType.ASC,
    "BETWEEN": TokenType.BETWEEN,
    "CASE": TokenType.CASE,
    "CROSS": TokenType.CROSS,
    "DESC": TokenType.DESC,
    "DISTINCT": TokenType.DISTINCT,
    "ELSE": TokenType.ELSE,
    "END": TokenType.END,
    "EXCEPT": TokenType.EXCEPT,
    "EXISTS": TokenType.EXISTS,
    "FALSE": TokenType.FALSE,
    "FROM": TokenType.FROM,
    "FULL": TokenType.FULL,
    "GROUP BY": TokenType.GROUP_BY,
    "HAVING": TokenType.HAVING,
    "ILIKE": TokenType.ILIKE,
    "IN": TokenType.IN,
    "INNER": TokenType.INNER,
    "INTERSECT": TokenType.INTERSECT,
    "IS": TokenType.IS,
    "JOIN": TokenType.JOIN,
    "LEFT": TokenType.LEFT,
    "LIKE": TokenType.LIKE,
    "NATURAL": TokenType.NATURAL,
    "NOT": TokenType.NOT,
    "NULL": TokenType.NULL,
    "OFFSET": TokenType.OFFSET,
    "ON": TokenType.ON,
    "OR": TokenType.OR,
    "ORDER BY": TokenType.ORDER_BY,
    "OUTER": TokenType.OUTER,
    "RIGHT": TokenType.RIGHT,
    "SELECT": TokenType.SELECT,
    "THEN": TokenType.THEN,
    "TOP": TokenType.TOP,
    "TRUE": TokenType.TRUE,
    "UNION": TokenType.UNION,
    "USING": TokenType.USING,
    "WHEN": TokenType.WHEN,
    "WHERE": TokenType.WHERE,
    "WITH": TokenType.WITH,
}
"""CASE, CROSS, TRUE and FALSE are not in the standard's grammar; everybody's services know them."""

_RESERVED = """
    ABS ABSOLUTE ACOS ACTION ADD ALL ALLOCATE ALTER AND ANY ARE AREA AS ASC ASIN ASSERTION AT ATAN ATAN2
    AUTHORIZATION AVG BEGIN BETWEEN BIGINT BIT BIT_LENGTH BOTH BOX BY CASCADE CASCADED CASE CAST CATALOG
    CEILING CENTROID CHAR CHARACTER CHARACTER_LENGTH CHAR_LENGTH CHECK CIRCLE CLOSE COALESCE COLLATE
    COLLATION COLUMN COMMIT CONNECT CONNECTION CONSTRAINT CONSTRAINTS CONTAINS CONTINUE CONVERT COORD1
    COORD2 COORDSYS CORRESPONDING COS COT COUNT CREATE CROSS CURRENT CURRENT_DATE CURRENT_TIME
    CURRENT_TIMESTAMP CURRENT_USER CURSOR DATE DAY DEALLOCATE DECIMAL DECLARE DEFAULT DEFERRABLE DEFERRED
    DEGREES DELETE DESC DESCRIBE DESCRIPTOR DIAGNOSTICS DISCONNECT DISTANCE DISTINCT DOMAIN DOUBLE DROP
    ELSE END ESCAPE EXCEPT EXCEPTION EXEC EXECUTE EXISTS EXP EXTERNAL EXTRACT FALSE FETCH FIRST FLOAT
    FLOOR FOR FOREIGN FOUND FROM FULL GET GLOBAL GO GOTO GRANT GROUP HAVING HOUR IDENTITY ILIKE IMMEDIATE
    IN INDICATOR INITIALLY INNER INPUT INSENSITIVE INSERT INT INTEGER INTERSECT INTERSECTS INTERVAL INTO
    IN_UNIT IS ISOLATION JOIN KEY LANGUAGE LAST LEADING LEFT LEVEL LIKE LOCAL LOG LOG10 LOWER MATCH MAX
    MIN MINUTE MOD MODULE MONTH NAMES NATIONAL NATURAL NCHAR NEXT NO NOT NULL NULLIF NUMERIC OCTET_LENGTH
    OF OFFSET ON ONLY OPEN OPTION OR ORDER OUTER OUTPUT OVERLAPS PAD PARTIAL PI POINT POLYGON POSITION
    POWER PRECISION PREPARE PRESERVE PRIMARY PRIOR PRIVILEGES PROCEDURE PUBLIC RADIANS RAND READ REAL
    REFERENCES REGION RELATIVE RESTRICT REVOKE RIGHT ROLLBACK ROUND ROWS SCHEMA SCROLL SECOND SECTION
    SELECT SESSION SESSION_USER SET SIN SIZE SMALLINT SOME SPACE SQL SQLCODE SQLERROR SQLSTATE SQRT
    SUBSTRING SUM SYSTEM_USER TABLE TAN TEMPORARY THEN TIME TIMESTAMP TIMEZONE_HOUR TIMEZONE_MINUTE TO
    TOP TRAILING TRANSACTION TRANSLATE TRANSLATION TRIM TRUE TRUNCATE UNION UNIQUE UNKNOWN UPDATE UPPER
    USAGE USER USING VALUE VALUES VARCHAR VARYING VIEW WHEN WHENEVER WHERE WITH WORK WRITE YEAR ZONE
"""
RESERVED = frozenset(_RESERVED.split())
"""Words that name no column, table or alias unless in double quotes."""


LEAVES = frozenset(
    {TokenType.VAR, TokenType.IDENTIFIER, TokenType.STRING, TokenType.NUMBER, TokenType.HEX_STRING}
)
"""Names and literals: what the tree must hold all of."""


_LONG_KEYWORDS = frozenset(
    {"SELECT", "DISTINCT", "FROM", "WHERE", "GROUP", "ORDER", "HAVING", "UNION", "OFFSET", "JOIN", "LEFT"}
    | {"RIGHT", "INNER", "NATURAL", "USING", "AND", "BETWEEN", "LIKE"}
)
"""Those that are long enough to be known though they are misspelt."""
_MIN_LIKENESS = 0.66


def suggest_keyword(word: str) -> str | None:
    """Find the keyword that a word is like; None where it is like none, or is one."""
    near = get_close_matches(word.upper(), sorted(_LONG_KEYWORDS), n=1, cutoff=_MIN_LIKENESS)
    return near[0] if near and near[0] != word.upper() else None


def find_misspelling(tokens: Sequence[Token], offset: int) -> tuple[Token, str] | None:
    """Find the misspelt word because of which the token at an offset is unexpected, and the keyword meant.

    It may be the one before: `galaxy WEHRE mag_r` reads as an alias, and a name after it.
    """
    place = next((i for i, token in enumerate(tokens) if token.start == offset), None)
    if place is None:
        return None
    for token in reversed(tokens[max(0, place - 1) : place + 1]):
        meant = suggest_keyword(token.text) if token.token_type == TokenType.VAR else None
        if meant is not None:
            return token, meant
    return None
