"""How large a query may be: what protects the server from one request."""

QUERY_BYTES = 200_000
TOKENS = 60_000
NESTING = 30
"""Brackets within brackets; sqlglot's parser takes about 22 Python frames for each, of 1,000."""
IN_LIST = 20_000
JOINS = 10
TABLES = 40
"""In all of a query; each FROM holds one more than JOINS at most."""
SELECTS = 40
SET_OPERANDS = 20
CHAIN = 1_000
"""Operands of one sum, one AND or the like."""
COLUMNS = 1_600
"""Of an answer; Postgres knows 1,664."""
KEYS = 50
"""Of ORDER BY and of GROUP BY."""
VERTICES = 1_000
PIECES = 200_000
"""Words, signs and names of the SQL that a query becomes, and of any part of it."""
COPIED = 5_000_000
"""The same summed over all parts that were put together on the way; honest large queries take 1,000,000."""
EXPANDED = 50_000
"""Pieces that stand for columns of sub-queries once Postgres has put in what those are made of."""
OPERAND = 40
"""Pieces of an operand that may be written more than once."""
REGION = 200
"""Pieces of a region that may be taken apart, once for each coordinate."""
SIMILAR = 100_000
"""Galaxies that one similarity search may find."""
