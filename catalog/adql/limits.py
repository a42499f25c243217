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
KEYS = 200
"""Of ORDER BY and of GROUP BY."""
VERTICES = 1_000
SIMILAR = 100_000
"""Galaxies that one similarity search may find."""
