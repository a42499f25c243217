"""A release is shown in the place of another, once it is complete."""

from dataclasses import dataclass

import psycopg
from sqlalchemy import update

from catalog.database.owner import retry_as_owner
from catalog.database.statements import run
from catalog.errors import CatalogError
from catalog.releases.measured import describe_galaxy
from catalog.releases.missing_tiles import list_missing_tiles
from catalog.releases.releases import IS_CURRENT, ReleaseState, find_release, find_state
from catalog.schema import release as release_table


@dataclass(frozen=True)
class Promotion:
    """What a promotion changed.

    Attributes:
        before: Name of the release that was current until now, the promoted one's own where it was current
            already; None where there was none.
        missing: Number of tiles that were shown until now and are not any more.
    """

    before: str | None
    missing: int


def promote_release(connection: psycopg.Connection, name: str, *, force: bool = False) -> Promotion:
    """Make a release the current one, in one transaction: a reader's statement sees one or the other.

    Args:
        connection: Open connection of a login that may act as the owner.
        name: Name of the release.
        force: Promote it even where tiles, or the vector index, are missing.

    Raises:
        CatalogError: There is no such release, or it is not complete.
    """

    def promote() -> Promotion:
        # Until the switch no tile may end: it would be missing uncounted.
        connection.execute("LOCK TABLE galcat.ingestion IN SHARE MODE")
        connection.execute("LOCK TABLE galcat.release IN SHARE ROW EXCLUSIVE MODE")
        release = find_state(connection, find_release(connection, name))
        if not force:
            _refuse_incomplete(connection, release)
        hide = update(release_table).where(IS_CURRENT).values(is_current=False)
        before = run(connection, hide.returning(release_table.c.name)).fetchone()
        this = release_table.c.release_id == release.release_id
        run(connection, update(release_table).where(this).values(is_current=True))
        describe_galaxy(connection)
        return Promotion(None if before is None else str(before[0]), release.missing)

    return retry_as_owner(connection, promote)


def _refuse_incomplete(connection: psycopg.Connection, release: ReleaseState) -> None:
    remedy = f"run galcat release backfill {release.name}, or promote it with --force"
    if release.missing and not release.is_current:
        first = list_missing_tiles(connection, release.release_id)[0]
        raise CatalogError(
            f"release {release.name} lacks {release.missing} of the tiles that the current release shows, "
            f"the first is {first.name} of {first.survey}: {remedy}"
        )
    if not release.is_current and not release.has_index:
        raise CatalogError(f"release {release.name} has no vector index yet: {remedy}")
