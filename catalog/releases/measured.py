"""What a release's vote fractions are worth on real galaxies: kept with it, said by comments and commands."""

import psycopg
from sqlalchemy import update

from catalog.database.owner import act_as_owner
from catalog.database.statements import run
from catalog.schema import release as release_table


def describe_galaxy(connection: psycopg.Connection) -> None:
    """Write the comments of `galcat.galaxy` anew, which quote the figures of the current release.

    Args:
        connection: Open connection that acts as the owner, inside a transaction.
    """
    connection.execute("SELECT galcat.describe_columns('galaxy')")


def keep_measured(
    connection: psycopg.Connection, release_id: int, measured: dict[str, object] | None
) -> None:
    """Store figures that came with the weights after the release was made; without any, nothing changes.

    Args:
        connection: Open connection of a login that may act as the owner.
        release_id: Number of the release.
        measured: Its figures on real galaxies, as in `ReleaseRecord.measured`.
    """
    number, there = release_table.c.release_id, release_table.c.measured
    row = connection.execute(
        "SELECT r.measured FROM galcat.release AS r WHERE r.release_id = %s", [release_id]
    ).fetchone()
    if measured is None or row is None or row[0] == measured:
        return
    with connection.transaction():
        act_as_owner(connection)
        run(connection, update(release_table).where(number == release_id).values({there: measured}))
        describe_galaxy(connection)


def say_measured(connection: psycopg.Connection) -> str | None:
    """How the vote fractions of the current release did on real galaxies, in a sentence; None without one."""
    row = connection.execute("SELECT galcat.measured_summary()").fetchone()
    return None if row is None or row[0] is None else str(row[0])
