"""A release beside another: what it lacks, which one is shown, and its end."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, LiteralString, TypeVar

import psycopg
from psycopg import sql

from catalog.database.lock_retry import LOCK_TIMEOUT_MS, retry_on_lock
from catalog.database.requirements import require_supported
from catalog.errors import CatalogError

if TYPE_CHECKING:  # it needs numpy and SQLAlchemy, which take longer to import than a query takes
    from catalog.releases.record import ReleaseRecord

# A lock waits behind readers, and readers that come later wait behind it: so wait briefly, and often.
COLUMNS: LiteralString = (
    "r.release_id, r.name, r.weights_sha256, r.backbone, r.dimension, r.view_set, r.is_current, r.created_at"
)

_Answer = TypeVar("_Answer")


@dataclass(frozen=True)
class Release:
    """A release.

    Attributes:
        release_id: Number.
        name: Unique.
        weights_sha256: Digest of its weights file.
        backbone: timm name.
        dimension: Width of the full vectors.
        view_set: Views averaged, 1 or 8.
        is_current: True for the one that `galcat.galaxy` shows.
        created_at: When it was registered.
    """

    release_id: int
    name: str
    weights_sha256: str
    backbone: str
    dimension: int
    view_set: int
    is_current: bool
    created_at: datetime


@dataclass(frozen=True)
class ReleaseState(Release):
    """A release and how far it is.

    Attributes:
        has_index: True when its vector index is built.
        tiles: Tiles it has.
        galaxies: Galaxies in them.
        failed: Tiles that failed when they were last tried.
        missing: Tiles that the current release shows and this one lacks.
    """

    has_index: bool
    tiles: int
    galaxies: int
    failed: int
    missing: int


@dataclass(frozen=True)
class MissingTile:
    """A tile that the current release shows and another lacks.

    Attributes:
        survey: Name.
        name: The tile's.
        ra: Centre, ICRS degrees; None for chunks of cutouts.
        dec: The same.
        folder: Where it was ingested from; None where that was not kept.
        content_hash: Digest of what the current release was made from; None where its last attempt failed.
    """

    survey: str
    name: str
    ra: float | None
    dec: float | None
    folder: str | None
    content_hash: str | None


@dataclass(frozen=True)
class Promotion:
    """What a promotion did.

    Attributes:
        before: Name of the release that was current until now, the release's own where nothing changed;
            None where there was none.
        missing: Tiles that were shown until now and are not any more.
    """

    before: str | None
    missing: int


def list_releases(connection: psycopg.Connection) -> list[ReleaseState]:
    """Every release, the oldest first."""
    rows = connection.execute(
        f"SELECT {COLUMNS}, to_regclass('galcat.' || galcat.search_index_name(r.release_id)) IS NOT NULL, "  # noqa: S608 - a constant
        "count(*) FILTER (WHERE i.state = 'done'), coalesce(sum(i.n_galaxies), 0)::bigint, "
        "count(*) FILTER (WHERE i.state = 'failed'), "
        "(SELECT count(*) FROM galcat.missing_tiles(r.release_id)) "
        "FROM galcat.release AS r LEFT JOIN galcat.ingestion AS i USING (release_id) "
        "GROUP BY r.release_id ORDER BY r.release_id"
    ).fetchall()
    return [ReleaseState(*row) for row in rows]


def find_release(connection: psycopg.Connection, name: str) -> Release:
    """Look a release up by name.

    Raises:
        CatalogError: There is none of that name; says which there are.
    """
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM galcat.release AS r ORDER BY r.release_id"  # noqa: S608 - a constant
    ).fetchall()
    there = {release.name: release for release in (Release(*row) for row in rows)}
    if name not in there:
        names = ", ".join(there)
        raise CatalogError(f"no release {name!r}; there are: {names}" if names else "there is no release yet")
    return there[name]


def current_release(connection: psycopg.Connection) -> Release | None:
    """The release that `galcat.galaxy` shows; None before the first."""
    row = connection.execute(
        f"SELECT {COLUMNS} FROM galcat.release AS r WHERE r.is_current"  # noqa: S608 - a constant
    ).fetchone()
    return None if row is None else Release(*row)


def list_missing_tiles(connection: psycopg.Connection, release_id: int) -> list[MissingTile]:
    """Tiles that the current release shows and this one lacks, by survey and name."""
    rows = connection.execute(
        "SELECT v.name, t.name, t.ra, t.dec, t.folder, i.content_hash "
        "FROM galcat.missing_tiles(%s::smallint) JOIN galcat.tile AS t USING (tile_id) "
        "JOIN galcat.survey AS v USING (survey_id) JOIN galcat.ingestion AS i USING (tile_id) "
        "WHERE i.release_id = (SELECT release_id FROM galcat.release WHERE is_current) ORDER BY 1, 2",
        [release_id],
    ).fetchall()
    return [MissingTile(*row) for row in rows]


def find_survey(connection: psycopg.Connection, survey: str) -> tuple[int, str]:
    """Number of a survey, and the TOML text it was last ingested with.

    Raises:
        CatalogError: The catalogue has no such survey.
    """
    row = connection.execute(
        "SELECT survey_id, definition FROM galcat.survey WHERE name = %s", [survey]
    ).fetchone()
    if row is None:
        raise CatalogError(f"the catalogue has no survey {survey!r}")
    return int(row[0]), str(row[1])


@contextmanager
def hold_release(connection: psycopg.Connection, name: str) -> Iterator[Release]:
    """Hold a release while its rows are written: nobody can drop it meanwhile.

    Args:
        connection: Open connection of the writer, where every statement is a transaction of its own.
        name: Name of the release.

    Raises:
        CatalogError: There is no such release, or it is being dropped at this moment.
        ServerError: The database's pgvector could spoil a vector index to which rows are added.
    """
    require_supported(connection)
    release = find_release(connection, name)
    key = _key(release)
    got = connection.execute("SELECT pg_try_advisory_lock_shared(hashtextextended(%s, 0))", [key]).fetchone()
    if got != (True,):
        raise CatalogError(f"release {name} is being dropped")
    try:
        yield find_release(connection, name)  # once more: it may have gone before it was held
    finally:
        if not connection.closed:
            connection.execute("SELECT pg_advisory_unlock_shared(hashtextextended(%s, 0))", [key])


def promote_release(connection: psycopg.Connection, name: str, *, force: bool = False) -> Promotion:
    """Make a release the current one, in one transaction: a reader's statement sees one or the other.

    Args:
        connection: Open connection, of one that may act as the owner.
        name: Of the release.
        force: Promote it even where tiles, or the vector index, are missing.

    Raises:
        CatalogError: There is no such release, or it is not complete.
    """

    def promote() -> Promotion:
        # Until the switch no tile may end: it would be missing uncounted.
        connection.execute("LOCK TABLE galcat.ingestion IN SHARE MODE")
        connection.execute("LOCK TABLE galcat.release IN SHARE ROW EXCLUSIVE MODE")
        release = _state(connection, find_release(connection, name))
        if not force:
            _refuse_incomplete(connection, release)
        before = connection.execute(
            "UPDATE galcat.release SET is_current = false WHERE is_current RETURNING name"
        ).fetchone()
        connection.execute(
            "UPDATE galcat.release SET is_current = true WHERE release_id = %s", [release.release_id]
        )
        return Promotion(None if before is None else str(before[0]), release.missing)

    return _as_owner(connection, promote)


def drop_release(connection: psycopg.Connection, name: str) -> ReleaseState:
    """Remove a release and all its vectors, in one transaction; what the others have stays as it is.

    Returns:
        What was dropped.

    Raises:
        CatalogError: There is no such release, it is the current one, or it is being filled.
    """

    def drop() -> ReleaseState:
        release = _state(connection, find_release(connection, name))
        if release.is_current:
            raise CatalogError(f"release {name} is the current one: promote another before you drop it")
        free = connection.execute(
            "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [_key(release)]
        ).fetchone()
        if free != (True,):
            raise CatalogError(f"release {name} is being filled: end its backfill before you drop it")
        connection.execute("SELECT galcat.drop_release(%s::smallint)", [release.release_id])
        return release

    return _as_owner(connection, drop)


def _state(connection: psycopg.Connection, wanted: Release) -> ReleaseState:
    return next(release for release in list_releases(connection) if release.release_id == wanted.release_id)


def _refuse_incomplete(connection: psycopg.Connection, release: ReleaseState) -> None:
    remedy = f"run galcat release backfill {release.name}, or promote it with --force"
    if release.missing:
        first = list_missing_tiles(connection, release.release_id)[0]
        raise CatalogError(
            f"release {release.name} lacks {release.missing} of the tiles that the current release shows, "
            f"the first is {first.name} of {first.survey}: {remedy}"
        )
    if not release.is_current and not release.has_index:
        raise CatalogError(f"release {release.name} has no vector index yet: {remedy}")


def _key(release: Release) -> str:
    return f"galcat/release/{release.release_id}"


def _as_owner(connection: psycopg.Connection, act: Callable[[], _Answer]) -> _Answer:
    """Act as the owner in one transaction; where others hold its tables, give way and try again.

    Raises:
        CatalogError: They held them for too long; nothing was changed.
    """

    def transaction() -> _Answer:
        with connection.transaction():
            act_as_owner(connection)
            connection.execute(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")
            return act()

    return retry_on_lock(transaction)


def register_release(connection: psycopg.Connection, release: "ReleaseRecord") -> int:
    """Store a release and make its partitions; one that is there already, by its weights, is only looked up.

    The first release of a catalogue becomes the current one.

    Returns:
        Its release_id.

    Raises:
        CatalogError: Another release has that name.
        ServerError: The database's pgvector has known faults: nothing new is begun on it.
    """
    require_supported(connection)
    with connection.transaction():
        act_as_owner(connection)
        connection.execute("LOCK TABLE galcat.release IN SHARE ROW EXCLUSIVE MODE")
        row = connection.execute(
            "SELECT release_id FROM galcat.release WHERE weights_sha256 = %s", [release.weights_sha256]
        ).fetchone()
        if row is not None:
            return int(row[0])
        row = connection.execute(
            "SELECT weights_sha256 FROM galcat.release WHERE name = %s", [release.name]
        ).fetchone()
        if row is not None:
            raise CatalogError(
                f"release {release.name} is already there with other weights ({row[0][:12]}...): rename one"
            )
        release_id = _insert(connection, release)
        connection.execute(
            "SELECT galcat.add_release_partitions(%s::smallint, %s)", [release_id, release.dimension]
        )
    return release_id


def build_search_index(connection: psycopg.Connection, release_id: int) -> bool:
    """Build the vector index of a release; once, after its first bulk load.

    Returns:
        True when it was built, False when it was there.

    Raises:
        ServerError: The database's pgvector can overrun its memory while it builds an index.
    """
    require_supported(connection)
    with connection.transaction():
        act_as_owner(connection)
        row = connection.execute("SELECT galcat.build_search_index(%s::smallint)", [release_id]).fetchone()
    return row is not None and bool(row[0])


def refresh_statistics(connection: psycopg.Connection) -> None:
    """Count the sky's galaxies and ANALYZE every table, so that searches are planned with today's numbers."""
    from catalog.schema import metadata  # noqa: PLC0415 - SQLAlchemy takes long to import

    with connection.transaction():
        act_as_owner(connection)
        connection.execute("SELECT galcat.count_sky()")
        for table in metadata.sorted_tables:
            if not table.info.get("is_view"):
                connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier("galcat", table.name)))


def _insert(connection: psycopg.Connection, release: "ReleaseRecord") -> int:
    row = connection.execute(
        "INSERT INTO galcat.release (name, weights_sha256, backbone, recipe, view_set, dimension, "
        "projection_mean, projection_components, projection_deviations, projection_scale, "
        "anomaly_reference, is_current) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, "
        "NOT EXISTS (SELECT FROM galcat.release WHERE is_current)) RETURNING release_id",
        [
            release.name,
            release.weights_sha256,
            release.backbone,
            json.dumps(release.recipe),
            release.view_set,
            release.dimension,
            release.projection_mean.tolist(),
            release.projection_components.ravel().tolist(),
            release.projection_deviations.tolist(),
            release.projection_scale,
            release.anomaly_reference,
        ],
    ).fetchone()
    assert row is not None  # noqa: S101 - RETURNING returns
    return int(row[0])


def act_as_owner(connection: psycopg.Connection) -> None:
    """Take the owner's role until the transaction ends."""
    connection.execute("SET LOCAL ROLE galcat_owner")
