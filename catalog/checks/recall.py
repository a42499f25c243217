"""How many of the nearest galaxies the vector index finds: measured, kept by time, watched."""

import time
from dataclasses import dataclass
from typing import Literal

import psycopg
from psycopg import sql

from catalog.checks.integrity import CheckResult
from catalog.constants import MIN_RECALL
from catalog.database.read_only import Parameters, read_transaction, select_within, set_for_now

QUERIES = 50
NEAREST = 20
MAX_SECONDS = 60.0
"""After so long no more galaxies are asked for: sorting all of 100 million takes 10 s for each."""
_BLOCK = 10
Occasion = Literal["ingest", "retract", "night", "check"]

_RELEASE = sql.SQL(
    "SELECT c.release_id, (SELECT count(*) FROM galcat.embedding AS e WHERE e.release_id = c.release_id), "
    "(SELECT greatest(s.last_vacuum, s.last_autovacuum) FROM pg_catalog.pg_stat_all_tables AS s "
    "  WHERE s.relid = to_regclass('galcat.embedding_r' || c.release_id)), "
    "EXISTS (SELECT FROM pg_catalog.pg_index AS i WHERE i.indisvalid "
    "  AND i.indexrelid = to_regclass('galcat.' || galcat.search_index_name(c.release_id))) "
    "FROM galcat.current_release() AS c (release_id) WHERE c.release_id IS NOT NULL"
)
_DISTANCES = (
    "SELECT array(SELECT e.search OPERATOR(public.<->) q.search FROM galcat.embedding AS e "
    "  WHERE e.release_id = (SELECT galcat.current_release()) "
    "  ORDER BY (e.search OPERATOR(public.<->) q.search){} LIMIT %(nearest)s) "
    "FROM (SELECT object_id, search FROM galcat.embedding "
    "  WHERE release_id = (SELECT galcat.current_release()) "
    "  ORDER BY object_id OFFSET %(first)s LIMIT %(n)s) AS q ORDER BY q.object_id"
)
_BY_INDEX = sql.SQL(_DISTANCES).format(sql.SQL(""))
_SORTED = sql.SQL(_DISTANCES).format(sql.SQL(" + 0.0"))  # the added zero keeps the vector index out
_KEEP = (
    "INSERT INTO galcat.recall (release_id, occasion, recall, nearest, queries, vectors, vacuumed_at) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s)"
)
_MAY_KEEP = """
    SELECT NOT pg_catalog.pg_is_in_recovery()
        AND pg_catalog.pg_has_role(session_user, 'galcat_writer', 'MEMBER')
"""
_OFF = {"enable_seqscan": "off", "enable_sort": "off"}
_ON = {"enable_seqscan": "on", "enable_sort": "on"}


@dataclass(frozen=True)
class Recall:
    """What a measurement found, of the current release.

    Attributes:
        release_id: Number of the release.
        found: How many of the nearest galaxies the index found.
        wanted: How many there were to find.
        queries: Galaxies that were asked for: those of the lowest object_ids, which are hashes, so that they
            are a random sample and mostly the same each time.
        vectors: Galaxies of the release.
        vacuumed_at: When the vectors were vacuumed last; None before the first time.
    """

    release_id: int
    found: int
    wanted: int
    queries: int
    vectors: int
    vacuumed_at: object

    @property
    def share(self) -> float:
        """Share of the nearest that was found."""
        return self.found / self.wanted

    @property
    def is_low(self) -> bool:
        """Whether something has to be done."""
        return self.share < MIN_RECALL

    def describe(self) -> str:
        """What was found, in a line."""
        return f"the vector index finds {self.share:.1%} of the {NEAREST} nearest, less than {MIN_RECALL:.0%}"

    @property
    def remedy(self) -> str:
        """What to do where it is low."""
        return (
            f'in psql "$(galcat url)": REINDEX INDEX CONCURRENTLY galcat.embedding_r{self.release_id}'
            "_search_hnsw; and see that the check of settings passes"
        )


def measure_recall(connection: psycopg.Connection) -> Recall | None:
    """Ask for the 20 nearest of 50 galaxies by the index, as anybody's SQL does, and by sorting all.

    Args:
        connection: Open connection in autocommit mode; only read from, as the reader.

    Returns:
        None where there is nothing to measure: no galaxy, or no valid vector index of the current release.
    """
    with read_transaction(connection):
        return measure_recall_within(connection)


def measure_recall_within(connection: psycopg.Connection) -> Recall | None:
    """The same inside a read transaction of the caller's."""
    rows = select_within(connection, _RELEASE, {}).rows
    if not rows or not rows[0][1] or not rows[0][3]:
        return None
    found = wanted = queries = 0
    began = time.monotonic()
    while queries < QUERIES and time.monotonic() - began < MAX_SECONDS:
        block: Parameters = {"first": queries, "n": _BLOCK, "nearest": NEAREST}
        set_for_now(connection, _OFF)
        by_index = select_within(connection, _BY_INDEX, block).rows
        set_for_now(connection, _ON)
        sorted_all = select_within(connection, _SORTED, block).rows
        if not sorted_all:
            break
        queries += len(sorted_all)
        for (near,), (exact,) in zip(by_index, sorted_all, strict=True):
            wanted += len(exact)  # type: ignore[arg-type] # arrays
            found += sum(one <= exact[-1] + 1e-6 for one in near)  # type: ignore[attr-defined, index]
    return Recall(int(str(rows[0][0])), found, wanted, queries, int(str(rows[0][1])), rows[0][2])


def keep_recall(connection: psycopg.Connection, recall: Recall, occasion: Occasion) -> bool:
    """Store a measurement, where the login may write and the server is no standby.

    Args:
        connection: Open connection in autocommit mode; it acts as the writer for this one row.
        recall: The recall that was measured.
        occasion: After what, or by whom.

    Returns:
        Whether it was stored.
    """
    try:
        if connection.execute(_MAY_KEEP).fetchone() != (True,):
            return False
        with connection.transaction():
            connection.execute("SET TRANSACTION READ WRITE; SET LOCAL ROLE galcat_writer")
            values = [recall.share, NEAREST, recall.queries, recall.vectors, recall.vacuumed_at]
            connection.execute(_KEEP, [recall.release_id, occasion, *values])
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction):
        return False
    return True


def judge_recall(recall: Recall) -> CheckResult:
    """Whether the index finds enough, with what to do where it does not."""
    missed = recall.wanted - recall.found
    return CheckResult(
        "index_recall",
        f"the vector index finds {MIN_RECALL:.0%} of the {NEAREST} nearest "
        f"(it found {recall.share:.1%}, asked for {recall.queries} galaxies)",
        missed if recall.is_low else 0,
        f"{missed} of {recall.wanted} nearest galaxies not found" if recall.is_low else None,
        recall.remedy if recall.is_low else "",
    )
