"""Releases of encoder weights: registered, filled, dropped."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import datetime

import psycopg
from psycopg import sql
from sqlalchemy import BigInteger, cast, exists, func, insert, select

from catalog.database.owner import act_as_owner, retry_as_owner
from catalog.database.requirements import require_supported
from catalog.database.statements import run
from catalog.errors import CatalogError
from catalog.releases.measured import describe_galaxy
from catalog.releases.record import ReleaseRecord
from catalog.schema import ingestion, metadata
from catalog.schema import release as release_table


@dataclass(frozen=True)
class Release:
    """A release of the encoder whose vectors the catalogue holds, as its row says.

    Attributes:
        release_id: Number of the release within the catalogue.
        name: Name of the release; no other has it.
        weights_sha256: Hexadecimal SHA-256 digest of the weights file.
        backbone: Name of the network as timm spells it.
        dimension: Width of the full vectors.
        view_set: Number of views of a galaxy over which the vectors are averaged, 1 or 8.
        is_current: Whether `galcat.galaxy` shows this release.
        created_at: Time at which it was registered.
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
    """A release and how far it is filled.

    Attributes:
        has_index: Whether its vector index is built.
        tiles: Number of tiles that it holds.
        galaxies: Number of galaxies in these tiles.
        failed: Number of tiles that failed when they were last tried.
        missing: Number of tiles that the current release shows and this one lacks; of the current release, of
            those that another has.
    """

    has_index: bool
    tiles: int
    galaxies: int
    failed: int
    missing: int


_COLUMNS = [release_table.c[field.name] for field in fields(Release)]
IS_CURRENT = release_table.c.is_current


def list_releases(connection: psycopg.Connection) -> list[Release]:
    """Every release, the oldest first."""
    rows = run(connection, select(*_COLUMNS).order_by(release_table.c.release_id))
    return [Release(*row) for row in rows]


def list_release_states(connection: psycopg.Connection) -> list[ReleaseState]:
    """Every release and how far it is filled, the oldest first; looks at every tile of each."""
    number, state = release_table.c.release_id, ingestion.c.state
    lacks = func.galcat.missing_tiles(number, type_=BigInteger).table_valued("tile_id")
    statement = (
        select(
            *_COLUMNS,
            func.galcat.has_search_index(number),
            func.count().filter(state == "done"),
            cast(func.coalesce(func.sum(ingestion.c.n_galaxies), 0), BigInteger),
            func.count().filter(state == "failed"),
            select(func.count()).select_from(lacks).correlate(release_table).scalar_subquery(),
        )
        .select_from(release_table.outerjoin(ingestion, ingestion.c.release_id == number))
        .group_by(number)
        .order_by(number)
    )
    return [ReleaseState(*row) for row in run(connection, statement)]


def find_release(connection: psycopg.Connection, name: str) -> Release:
    """Look a release up by name.

    Args:
        connection: Open connection to the catalogue.
        name: Name of the release.

    Raises:
        CatalogError: There is none of that name; the message says which there are.
    """
    there = {release.name: release for release in list_releases(connection)}
    if name not in there:
        names = ", ".join(there)
        raise CatalogError(f"no release {name!r}; there are: {names}" if names else "there is no release yet")
    return there[name]


def current_release(connection: psycopg.Connection) -> Release | None:
    """The release that `galcat.galaxy` shows; None before the first."""
    row = run(connection, select(*_COLUMNS).where(IS_CURRENT)).fetchone()
    return None if row is None else Release(*row)


def register_release(connection: psycopg.Connection, release: ReleaseRecord) -> int:
    """Store a release and make its partitions; one that is there already, by its weights, is only looked up.

    The first release of a catalogue becomes the current one.

    Args:
        connection: Open connection of a login that may act as the owner.
        release: The new release: its name, weights, recipe and projection.

    Returns:
        The number of the release in the catalogue, its `release_id`.

    Raises:
        CatalogError: Another release has that name.
        ServerError: The database's pgvector has known faults: nothing new is begun on it.
    """
    require_supported(connection)
    table = release_table.c
    with connection.transaction():
        act_as_owner(connection)
        connection.execute("LOCK TABLE galcat.release IN SHARE ROW EXCLUSIVE MODE")
        same_weights = select(table.release_id).where(table.weights_sha256 == release.weights_sha256)
        if (row := run(connection, same_weights).fetchone()) is not None:
            return int(row[0])
        same_name = select(table.weights_sha256).where(table.name == release.name)
        if (row := run(connection, same_name).fetchone()) is not None:
            raise CatalogError(
                f"release {release.name} is already there with other weights ({row[0][:12]}...): rename one"
            )
        release_id = _insert(connection, release)
        connection.execute(
            "SELECT galcat.add_release_partitions(%s::smallint, %s)", [release_id, release.dimension]
        )
        describe_galaxy(connection)
    return release_id


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


def drop_release(connection: psycopg.Connection, name: str) -> ReleaseState:
    """Remove a release and all its vectors, in one transaction; what the others have stays as it is.

    Args:
        connection: Open connection of a login that may act as the owner.
        name: Name of the release.

    Returns:
        The release as it was before.

    Raises:
        CatalogError: There is no such release, it is the current one, or it is being filled.
    """

    def drop() -> ReleaseState:
        release = find_state(connection, find_release(connection, name))
        if release.is_current:
            raise CatalogError(f"release {name} is the current one: promote another before you drop it")
        free = connection.execute(
            "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [_key(release)]
        ).fetchone()
        if free != (True,):
            raise CatalogError(f"release {name} is being filled: end its backfill before you drop it")
        connection.execute("SELECT galcat.drop_release(%s::smallint)", [release.release_id])
        return release

    return retry_as_owner(connection, drop)


def build_search_index(connection: psycopg.Connection, release_id: int) -> bool:
    """Build the vector index of a release in one transaction, for which whoever writes tiles waits.

    Args:
        connection: Open connection of a login that may act as the owner.
        release_id: Number of the release.

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


def lacks_search_index(connection: psycopg.Connection, release_id: int) -> bool:
    """Whether a release has vectors, and no index over them yet.

    Args:
        connection: Open connection to the catalogue.
        release_id: Number of the release.
    """
    row = connection.execute(
        "SELECT NOT galcat.has_search_index(%(release)s::smallint) "
        "AND EXISTS (SELECT FROM galcat.embedding WHERE release_id = %(release)s)",
        {"release": release_id},
    ).fetchone()
    return row is not None and bool(row[0])


def refresh_statistics(connection: psycopg.Connection) -> None:
    """Count the sky's galaxies and ANALYZE every table, so that searches are planned with today's numbers."""
    with connection.transaction():
        act_as_owner(connection)
        connection.execute("SELECT galcat.count_sky(), galcat.forget_changes()")
        for table in metadata.sorted_tables:
            if not table.info.get("is_view"):
                connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier("galcat", table.name)))


def _insert(connection: psycopg.Connection, release: ReleaseRecord) -> int:
    statement = insert(release_table).values(
        name=release.name,
        weights_sha256=release.weights_sha256,
        backbone=release.backbone,
        recipe=release.recipe,
        view_set=release.view_set,
        dimension=release.dimension,
        projection_mean=release.projection_mean.tolist(),
        projection_components=release.projection_components.ravel().tolist(),
        projection_deviations=release.projection_deviations.tolist(),
        projection_scale=release.projection_scale,
        anomaly_reference=release.anomaly_reference,
        measured=release.measured,
        is_current=~exists().select_from(release_table).where(IS_CURRENT),
    )
    row = run(connection, statement.returning(release_table.c.release_id)).fetchone()
    assert row is not None  # noqa: S101 - RETURNING returns
    return int(row[0])


def find_state(connection: psycopg.Connection, wanted: Release) -> ReleaseState:
    """How a release stands now: its tiles, and whether it has its vector index."""
    return next(
        release for release in list_release_states(connection) if release.release_id == wanted.release_id
    )


def _key(release: Release) -> str:
    return f"galcat/release/{release.release_id}"
