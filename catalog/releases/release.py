"""The life of a release: register it, make it current, build its vector index."""

import json

import psycopg
from psycopg import sql

from catalog.errors import CatalogError
from catalog.ingestion.records import ReleaseRecord
from catalog.schema import metadata


def register_release(connection: psycopg.Connection, release: ReleaseRecord) -> int:
    """Store a release and make its partitions; one that is there already, by its weights, is only looked up.

    The first release of a catalogue becomes the current one.

    Returns:
        Its release_id.

    Raises:
        CatalogError: Another release has that name.
    """
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


def current_release(connection: psycopg.Connection) -> tuple[int, str] | None:
    """Number and weights digest of the release that `galcat.galaxy` shows; None before the first."""
    row = connection.execute(
        "SELECT release_id, weights_sha256 FROM galcat.release WHERE is_current"
    ).fetchone()
    return None if row is None else (int(row[0]), str(row[1]))


def build_search_index(connection: psycopg.Connection, release_id: int) -> bool:
    """Build the vector index of a release; once, after its first bulk load.

    Returns:
        True when it was built, False when it was there.
    """
    with connection.transaction():
        act_as_owner(connection)
        row = connection.execute("SELECT galcat.build_search_index(%s::smallint)", [release_id]).fetchone()
    return row is not None and bool(row[0])


def refresh_statistics(connection: psycopg.Connection) -> None:
    """Count the sky's galaxies and ANALYZE every table, so that searches are planned with today's numbers."""
    with connection.transaction():
        act_as_owner(connection)
        connection.execute("SELECT galcat.count_sky()")
        for table in metadata.sorted_tables:
            if not table.info.get("is_view"):
                connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier("galcat", table.name)))


def _insert(connection: psycopg.Connection, release: ReleaseRecord) -> int:
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
