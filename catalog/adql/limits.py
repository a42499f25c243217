"""Limits of a query's size, which protect the server from one request."""

MAX_QUERY_BYTES = 200_000
MAX_TOKENS = 60_000
MAX_NESTING = 30
"""Brackets within brackets; sqlglot's parser takes about 22 Python frames for each, of 1,000."""
MAX_IN_LIST = 20_000
MAX_JOINS = 10
MAX_TABLES = 40
"""In all of a query; each FROM holds one more than JOINS at most."""
MAX_SELECTS = 40
MAX_SET_OPERANDS = 20
MAX_CHAIN = 1_000
"""Operands of one sum, one AND or the like."""
MAX_PATTERN = 1_000
"""Characters of a pattern of LIKE."""
MAX_COMPARED = 100_000
"""Characters of a text that is compared with one; Postgres' time is the product, and nothing ends it."""
MAX_COLUMNS = 1_600
"""Of an answer; Postgres knows 1,664."""
MAX_KEYS = 50
"""Of ORDER BY and of GROUP BY."""
MAX_VERTICES = 1_000
MAX_PIECES = 200_000
"""Words, signs and names of the SQL that a query becomes, and of any part of it."""
MAX_COPIED_PIECES = 5_000_000
"""The same summed over all parts that were put together on the way; honest large queries take 1,000,000."""
MAX_EXPANDED_PIECES = 50_000
"""Pieces that stand for columns of sub-queries once Postgres has put in what those are made of."""
MAX_OPERAND_PIECES = 40
"""Pieces of an operand that may be written more than once."""
MAX_REGION_PIECES = 200
"""Pieces of a region that may be taken apart, once for each coordinate."""
MAX_SIMILAR = 100_000
"""Galaxies that one similarity search may find."""
