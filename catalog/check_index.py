"""Is the vector index there, and does it find what is near? Tried on galaxies of the current release."""

import psycopg
from psycopg import sql

from catalog.check import CheckResult
from catalog.query import ask, reading

QUERIES = 20
NEAREST = 10
LEAST_RECALL = 0.95

_STATE = sql.SQL(
    "SELECT r.release_id, r.name, galcat.search_index_name(r.release_id), i.indisvalid AND i.indisready "
    "FROM galcat.release AS r LEFT JOIN pg_catalog.pg_index AS i "
    "ON i.indexrelid = to_regclass('galcat.' || galcat.search_index_name(r.release_id)) "
    "WHERE EXISTS (SELECT FROM galcat.embedding AS e WHERE e.release_id = r.release_id) ORDER BY 1"
)
_SAMPLE = sql.SQL("SELECT object_id FROM galcat.galaxy ORDER BY object_id LIMIT %(n)s")  # ids are hashes
_NEAR = sql.SQL(
    "SELECT distance FROM galcat.neighbours(%(id)s) WHERE object_id <> %(id)s ORDER BY distance LIMIT %(n)s"
)
_NEAREST = sql.SQL(  # the added zero keeps the vector index out
    "SELECT distance FROM galcat.neighbours(%(id)s) WHERE object_id <> %(id)s "
    "ORDER BY distance + 0.0 LIMIT %(n)s"
)


def check_index(connection: psycopg.Connection) -> list[CheckResult]:
    """Presence and validity of every release's index, and the recall of the current one's.

    Args:
        connection: Open connection; only read from.
    """
    with reading(connection):
        present = _presence(connection)
        return [present, _recall(connection)] if present.passed else [present]


def _presence(connection: psycopg.Connection) -> CheckResult:
    wrong = [
        (f"{name} is invalid", f"REINDEX INDEX galcat.{name}")
        if is_valid is False
        else (f"release {release} has none", f"SELECT galcat.build_search_index({number}::smallint)")
        for number, release, name, is_valid in ask(connection, _STATE, None).rows
        if not is_valid
    ]
    example, statement = wrong[0] if wrong else (None, "")
    return CheckResult(
        "vector_index",
        "every release with vectors has a valid vector index",
        len(wrong),
        example,
        f'in psql "$(galcat url)": {statement}' if wrong else "",
    )


def _recall(connection: psycopg.Connection) -> CheckResult:
    """By distance, so that galaxies equally far count alike."""
    ids = [row[0] for row in ask(connection, _SAMPLE, {"n": QUERIES}).rows]
    connection.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
    by_index = [_distances(connection, _NEAR, identity) for identity in ids]
    connection.execute("SET LOCAL enable_seqscan = on; SET LOCAL enable_sort = on")
    sorted_all = [_distances(connection, _NEAREST, identity) for identity in ids]
    wanted = sum(map(len, sorted_all))
    found = sum(
        sum(distance <= exact[-1] + 1e-6 for distance in near)
        for near, exact in zip(by_index, sorted_all, strict=True)
        if exact
    )
    recall = found / wanted if wanted else 1.0
    fails = recall < LEAST_RECALL
    return CheckResult(
        "index_recall",
        f"the vector index finds {LEAST_RECALL:.0%} of the {NEAREST} nearest "
        f"(it found {recall:.1%}, asked for {len(ids)} galaxies)",
        wanted - found if fails else 0,
        f"{wanted - found} of {wanted} nearest galaxies not found" if fails else None,
        'in psql "$(galcat url)": REINDEX INDEX galcat.embedding_r<release_id>_search_hnsw; '
        "and see that hnsw.ef_search is as galcat sets it"
        if fails
        else "",
    )


def _distances(connection: psycopg.Connection, query: sql.SQL, object_id: object) -> list[float]:
    rows = ask(connection, query, {"id": object_id, "n": NEAREST}).rows
    return [float(str(row[0])) for row in rows]
