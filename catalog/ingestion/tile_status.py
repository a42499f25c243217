"""What the catalogue knows of a survey and its tiles, so that only new and changed ones are read."""

from dataclasses import dataclass

import psycopg

from catalog.errors import CatalogError


@dataclass(frozen=True)
class KnownTile:
    """A tile as last ingested in a release."""

    name: str
    state: str
    fingerprint: str
    content_hash: str | None
    n_failed: int
    error: str | None

    def is_settled(self, fingerprint: str) -> bool:
        """Tell whether there is nothing to do for files with this fingerprint."""
        return self.state == "done" and self.n_failed == 0 and self.fingerprint == fingerprint


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


def read_known_tiles(connection: psycopg.Connection, survey: str, release_id: int) -> dict[str, KnownTile]:
    """Every tile of a survey that was tried in a release, by name."""
    rows = connection.execute(
        "SELECT t.name, i.state, i.fingerprint, i.content_hash, i.n_failed, i.error "
        "FROM galcat.ingestion AS i JOIN galcat.tile AS t USING (tile_id) "
        "JOIN galcat.survey AS v USING (survey_id) WHERE v.name = %s AND i.release_id = %s",
        [survey, release_id],
    ).fetchall()
    return {row[0]: KnownTile(*row) for row in rows}


def touch_tile(
    connection: psycopg.Connection, survey: str, release_id: int, name: str, fingerprint: str
) -> None:
    """Note that a tile's files have another size or time but the same content."""
    connection.execute(
        "UPDATE galcat.ingestion AS i SET fingerprint = %s FROM galcat.tile AS t, galcat.survey AS v "
        "WHERE i.tile_id = t.tile_id AND t.survey_id = v.survey_id "
        "AND v.name = %s AND t.name = %s AND i.release_id = %s",
        [fingerprint, survey, name, release_id],
    )


def find_tile_ids(connection: psycopg.Connection, survey: str, names: list[str]) -> list[int]:
    """Numbers of a survey's tiles, by name; names that the catalogue does not have are left out."""
    rows = connection.execute(
        "SELECT t.tile_id FROM galcat.tile AS t JOIN galcat.survey AS v USING (survey_id) "
        "WHERE v.name = %s AND t.name = ANY (%s)",
        [survey, names],
    ).fetchall()
    return [int(row[0]) for row in rows]


def count_galaxies(
    connection: psycopg.Connection, survey: str, release_id: int, pixels: tuple[int, int] | None
) -> int:
    """Count a survey's galaxies that a release has, of the tiles whose centres lie in a part of the sky.

    Args:
        connection: Open connection to the catalogue.
        survey: Name of the survey.
        release_id: Number of the release.
        pixels: First nested HEALPix pixel of order 29, and the first beyond; None for tiles without a place.
    """
    low, high = pixels or (None, None)
    row = connection.execute(
        "SELECT coalesce(sum(i.n_galaxies), 0)::bigint FROM galcat.ingestion AS i "
        "JOIN galcat.tile AS t USING (tile_id) JOIN galcat.survey AS v USING (survey_id) "
        "WHERE v.name = %(survey)s AND i.release_id = %(release)s AND ("
        "  t.healpix29 >= %(low)s::bigint AND t.healpix29 < %(high)s::bigint "
        "  OR %(low)s::bigint IS NULL AND t.healpix29 IS NULL)",
        {"survey": survey, "release": release_id, "low": low, "high": high},
    ).fetchone()
    assert row is not None  # noqa: S101 - an aggregate gives a row
    return int(row[0])
