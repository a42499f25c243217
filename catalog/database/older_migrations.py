"""Earlier texts of migrations that catalogues have applied, and the SQL that makes up for the difference."""

from dataclasses import dataclass

import psycopg

from catalog.database.sql_files import SqlFile, sql_folder


@dataclass(frozen=True)
class OlderMigration:
    """A migration as some catalogues have applied it, and what makes them like one with the text that stands.

    Attributes:
        name: Under which the catalogue's history has it.
        sha256: Hex digest of the text that was applied.
        current: Name of the migration that stands in its place.
        repair: File in `sql/` that changes what the two texts made differently.
    """

    name: str
    sha256: str
    current: str
    repair: str


OLDER_MIGRATIONS = (
    OlderMigration(
        "migrations/0003_sky_count.sql",
        "6a768d32043cabb80316add8db63b83675ebca39b478cdef7eaf9ed3078c528f",
        "migrations/0003_search.sql",
        "repairs/0003_search_index.sql",
    ),
    OlderMigration(
        "migrations/0004_tasks.sql",
        "be7151be8526872ca9261249eb60a78b4ff69437c4baf9debb2df2420fda0436",
        "migrations/0004_tasks.sql",
        "repairs/0004_tasks_dropped.sql",
    ),
    OlderMigration(
        "migrations/0005_tap.sql",
        "e5df0de3c27df13577b5c1e8b4f729b664a64bcf13abe3b4c21ecc98b2426be8",
        "migrations/0005_tap.sql",
        "repairs/0005_tap_jobs.sql",
    ),
)
"""Closed: a migration that has landed does not change any more, so no line is added."""


def list_repairs(applied: dict[str, str]) -> list[tuple[OlderMigration, SqlFile]]:
    """List the repairs that a catalogue needs, in the order in which its migrations were applied.

    Args:
        applied: Hex digest of every file the catalogue was built from, by name.
    """
    return [
        (older, SqlFile(older.repair, sql_folder() / older.repair))
        for older in OLDER_MIGRATIONS
        if applied.get(older.name) == older.sha256
    ]


def rewrite_history(connection: psycopg.Connection, older: OlderMigration, sha256: str) -> None:
    """Let the catalogue's history say what its tables now are: made by the text that stands.

    Args:
        connection: Open connection, inside the transaction of the repair.
        older: The migration that was repaired.
        sha256: Hex digest of the text that stands.
    """
    connection.execute(
        "UPDATE galcat.schema_history SET file = %s, sha256 = %s WHERE file = %s",
        [older.current, sha256, older.name],
    )
