"""Are the indexes there and valid, and does the vector index find what is near?"""

import psycopg
from psycopg import sql

from catalog.checks.integrity import CheckResult
from catalog.database.read_only import read_transaction, select_within

QUERIES = 20
NEAREST = 10
MIN_RECALL = 0.95

_MAX_STALE_SHARE = 0.1

# Name, whether it is there, and the statement that mends it. A release that is being filled has no index yet.
_INDEXES = sql.SQL(
    "WITH shown (release_id) AS ("
    "  SELECT c.release_id FROM galcat.current_release() AS c (release_id) "
    "  WHERE EXISTS (SELECT FROM galcat.embedding AS e WHERE e.release_id = c.release_id)"
    "), wanted (name, mend) AS ("
    "  SELECT galcat.search_index_name(r.release_id), 'SELECT galcat.build_search_index(' || r.release_id || "
    "    '::smallint)' FROM shown AS r"
    "  UNION ALL SELECT "
    "    'morphology_r' || r.release_id || '_' || replace(a.attname, '_fraction', '') || '_most', "
    "    'SELECT galcat.build_search_index(' || r.release_id || '::smallint)' "
    "    FROM shown AS r, pg_catalog.pg_attribute AS a "
    "    WHERE a.attrelid = 'galcat.morphology'::regclass AND a.attname LIKE '%%\\_fraction'"
    "  UNION ALL SELECT name, 'CREATE INDEX ' || name || ' ON galcat.' || place FROM (VALUES "
    "    ('source_sky', 'source USING gist (point(ra, dec))'), "
    "    ('source_healpix29', 'source (healpix29)'), ('source_tile', 'source (tile_id)'), "
    "    ('source_mag_r', 'source (mag_r)'), "
    "    ('sky_count_sky', 'sky_count USING gist (point(ra, dec))')) AS fixed (name, place)"
    "), there AS ("
    "  SELECT c.relname AS name, i.indisvalid AND i.indisready AS is_valid FROM pg_catalog.pg_index AS i "
    "  JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid WHERE c.relnamespace = 'galcat'::regnamespace"
    ") SELECT name, is_valid, mend FROM wanted LEFT JOIN there USING (name) WHERE is_valid IS NOT TRUE "
    "UNION ALL SELECT name, is_valid, '' FROM there LEFT JOIN wanted USING (name) "
    "WHERE NOT is_valid AND mend IS NULL ORDER BY name"
)
_COUNTED = sql.SQL(
    "SELECT (SELECT coalesce(sum(c.galaxies), 0)::bigint FROM galcat.sky_count AS c WHERE c.cell_order = 2), "
    "count(*) FROM galcat.source AS s WHERE NOT s.is_retired"
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
    """Presence and validity of every index, recall of the current release's, and the counts of the sky.

    Args:
        connection: Open connection; only read from.
    """
    with read_transaction(connection):
        present, counted = _presence(connection), _counts(connection)
        has_vectors = bool(select_within(connection, _SAMPLE, {"n": 1}).rows)
        return [present, counted, *([_recall(connection)] if has_vectors and present.passed else [])]


def _presence(connection: psycopg.Connection) -> CheckResult:
    wrong = [
        (f"{name} is invalid", f"REINDEX INDEX galcat.{name}")
        if is_valid is False
        else (f"{name} is missing", str(mend))
        for name, is_valid, mend in select_within(connection, _INDEXES, {}).rows
    ]
    example, statement = wrong[0] if wrong else (None, "")
    return CheckResult(
        "indexes",
        "every index is there and valid",
        len(wrong),
        example,
        _in_psql(statement) if wrong else "",
    )


def _counts(connection: psycopg.Connection) -> CheckResult:
    counted, there = (int(str(value)) for value in select_within(connection, _COUNTED, {}).rows[0])
    stale = abs(there - counted) > _MAX_STALE_SHARE * there
    return CheckResult(
        "sky_counts",
        "the counts of the sky, by which a search is planned, are of today",
        abs(there - counted) if stale else 0,
        f"{counted} galaxies counted, {there} there" if stale else None,
        _in_psql("SELECT galcat.count_sky()") if stale else "",
    )


def _recall(connection: psycopg.Connection) -> CheckResult:
    """By distance, so that galaxies equally far count alike."""
    ids = [row[0] for row in select_within(connection, _SAMPLE, {"n": QUERIES}).rows]
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
    fails = recall < MIN_RECALL
    return CheckResult(
        "index_recall",
        f"the vector index finds {MIN_RECALL:.0%} of the {NEAREST} nearest "
        f"(it found {recall:.1%}, asked for {len(ids)} galaxies)",
        wanted - found if fails else 0,
        f"{wanted - found} of {wanted} nearest galaxies not found" if fails else None,
        _in_psql("REINDEX TABLE galcat.embedding") + "; and see that the check of settings passes"
        if fails
        else "",
    )


def _distances(connection: psycopg.Connection, query: sql.SQL, object_id: object) -> list[float]:
    rows = select_within(connection, query, {"id": object_id, "n": NEAREST}).rows
    return [float(str(row[0])) for row in rows]


def _in_psql(statement: str) -> str:
    return f'in psql "$(galcat url)": {statement}'
