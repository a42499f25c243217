"""How many bytes a catalogue takes on disk for each galaxy, by what they are for.

`python -m benchmarks.sizes URL` only reads.
"""

import sys
from typing import LiteralString

from catalog.database.connection import connect

_PARTS: dict[str, LiteralString] = {
    "pictures": "pg_total_relation_size('galcat.thumbnail')",
    "full vectors": "(SELECT coalesce(sum(pg_total_relation_size(inhrelid)), 0) FROM pg_inherits "
    "WHERE inhparent = 'galcat.embedding_full'::regclass)",
    "search vectors, with their key": "(SELECT coalesce(sum(pg_total_relation_size(inhrelid)), 0) "
    "FROM pg_inherits WHERE inhparent = 'galcat.embedding'::regclass) - {hnsw}",
    "vector index": "{hnsw}",
    "vote fractions, and their indexes": "(SELECT coalesce(sum(pg_total_relation_size(inhrelid)), 0) "
    "FROM pg_inherits WHERE inhparent = 'galcat.morphology'::regclass)",
    "positions, magnitudes, ids, and their indexes": "pg_total_relation_size('galcat.source')",
}
_HNSW: LiteralString = (
    "(SELECT coalesce(sum(pg_relation_size(c.oid)), 0) FROM pg_class AS c JOIN pg_am AS a ON a.oid = c.relam "
    "WHERE a.amname = 'hnsw' AND c.relnamespace = 'galcat'::regnamespace AND c.relkind = 'i')"
)


def main() -> None:
    """Print the table."""
    with connect(sys.argv[1], autocommit=True) as connection:
        query = ", ".join(part.format(hnsw=_HNSW) for part in _PARTS.values())
        size = "pg_database_size(current_database())"
        row = connection.execute(
            f"SELECT (SELECT count(*) FROM galcat.source), {size}, {query}".encode()
        ).fetchone()
    assert row is not None
    n, database, *parts = (int(value) for value in row)
    rest = database - sum(parts)
    print(f"{n:,} galaxies, bytes for each")
    for name, size in zip(_PARTS, parts, strict=True):
        print(f"{name:46} {size / n:8,.0f}")
    print(f"{'together':46} {sum(parts) / n:8,.0f}")
    print(f"{'whatever their number, in all':46} {rest:8,.0f}")


if __name__ == "__main__":
    main()
