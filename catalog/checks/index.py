"""Are the indexes there and valid, and does the vector index find what is near?"""

import re

import psycopg
from psycopg import sql

from catalog.checks.integrity import CheckResult
from catalog.checks.recall import Occasion, judge_recall, keep_recall, measure_recall
from catalog.database.read_only import read_transaction, select_within

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


def check_index(connection: psycopg.Connection, occasion: Occasion = "check") -> list[CheckResult]:
    """Presence and validity of every index, recall of the current release's, and the counts of the sky.

    Args:
        connection: Open connection in autocommit mode. What the recall was is stored, where the login may.
        occasion: Who checks, as it is stored.
    """
    with read_transaction(connection):
        present, counted = _presence(connection), _counts(connection)
    recall = measure_recall(connection)
    if recall is None:
        return [present, counted]
    keep_recall(connection, recall, occasion)
    return [present, counted, judge_recall(recall)]


def _presence(connection: psycopg.Connection) -> CheckResult:
    wrong = [
        (f"{name} is invalid", _mend_invalid(str(name)))
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


def _mend_invalid(name: str) -> str:
    """What REINDEX CONCURRENTLY leaves where it is cut off is a second one of an index that is there."""
    is_left = re.search(r"_cc(new|old)\d*$", name) is not None
    return f"{'DROP' if is_left else 'REINDEX'} INDEX galcat.{name}"


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


def _in_psql(statement: str) -> str:
    return f'in psql "$(galcat url)": {statement}'
