"""What the database has changed since galaxies were read, as its own list of changes tells."""

from dataclasses import dataclass, replace
from typing import LiteralString

import psycopg

# The last two tell a server and its database from any other, and from itself before it was started again.
_MOMENT: LiteralString = (
    "SELECT galcat.current_release(), "
    "pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())::text::bigint, "
    "ARRAY(SELECT ARRAY[c.change_id, c.transaction_id] FROM galcat.galaxy_change AS c "
    "  WHERE c.transaction_id >= %(since)s), "
    "pg_catalog.current_setting('transaction_isolation') IN ('repeatable read', 'serializable'), "
    "extract(epoch FROM pg_catalog.pg_postmaster_start_time())::float8, "
    "(SELECT d.oid::bigint FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database())"
)
_CHANGED: LiteralString = (
    "SELECT bool_or(c.changed_ids IS NULL), "
    "array_agg(DISTINCT u.object_id) FILTER (WHERE u.object_id IS NOT NULL) "
    "FROM galcat.galaxy_change AS c LEFT JOIN LATERAL unnest(c.changed_ids) AS u (object_id) ON true "
    "WHERE c.change_id = ANY (%(changes)s)"
)


@dataclass(frozen=True)
class Moment:
    """What a transaction sees.

    Attributes:
        release_id: The release that is shown; None before the first.
        settled_before: Every transaction with a lower number has ended: no change of theirs is to come.
        changes: The changes that it sees of transactions from some number on: the number of each, and that of
            its transaction.
        is_one: Whether all statements of the transaction see the same.
        server: When the server was started, and the number of the database.
    """

    release_id: int | None
    settled_before: int
    changes: dict[int, int]
    is_one: bool
    server: tuple[float, int]

    def changes_since(self, transaction: int) -> set[int]:
        """Numbers of the changes in transactions from a number on."""
        return {change for change, of in self.changes.items() if of >= transaction}

    def shorten(self) -> "Moment":
        """Without the changes of which nobody need be told any more, for their transactions have ended."""
        kept = self.changes_since(self.settled_before)
        return replace(self, changes={change: self.changes[change] for change in kept})


def read_moment(connection: psycopg.Connection, since: int) -> Moment:
    """What the transaction of a connection sees, with the changes of transactions from a number on.

    Args:
        connection: A connection inside a transaction.
        since: Number of a transaction.
    """
    row = connection.execute(_MOMENT, {"since": since}, prepare=True).fetchone()
    assert row is not None  # noqa: S101 - it selects from nothing
    release_id, settled_before, changes, is_one, started, database = row
    return Moment(release_id, settled_before, dict(changes), is_one, (started, database))


def read_changed(connection: psycopg.Connection, changes: set[int]) -> list[int] | None:
    """object_ids of the galaxies that some changes changed; None where it may be any.

    Args:
        connection: A connection inside the transaction that sees the changes.
        changes: Their numbers, of one at least.
    """
    row = connection.execute(_CHANGED, {"changes": list(changes)}).fetchone()
    assert row is not None  # noqa: S101 - an aggregate
    return None if row[0] is not False else list(row[1] or [])


def read_last_change(connection: psycopg.Connection) -> int:
    """Number of the newest change that a transaction sees; 0 where none is noted."""
    row = connection.execute("SELECT max(c.change_id) FROM galcat.galaxy_change AS c").fetchone()
    return int(row[0] or 0) if row else 0
