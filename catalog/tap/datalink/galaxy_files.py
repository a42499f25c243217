"""What lies behind a galaxy beside its row: its small picture, and the tile that it was cut from."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from catalog.constants import FIELD_PX

IVOID = "ivo://galcat/galaxy?"
_MAX_ID = 2**63 - 1
_NAME = re.compile(rf"(?:{re.escape(IVOID)})?([0-9]{{1,19}})", re.IGNORECASE)


@dataclass(frozen=True)
class GalaxyFiles:
    """A galaxy that galcat.galaxy shows, and where its pictures come from.

    Attributes:
        object_id: The galaxy's identifier in the catalogue.
        ra_deg: Right ascension in degrees, ICRS.
        dec_deg: Declination in degrees, ICRS.
        field_deg: The width of the galaxy's Galaxy Zoo cutout in degrees; None where its size is not known.
        survey: Name of the galaxy's survey.
        bands: The names of the survey's bands, in the survey's order.
        definition: The survey's description, TOML.
        tile: The name of the tile that holds the galaxy.
        folder: The folder that the tile was read from, on the machine that read it; None where that was not
            kept.
        thumbnail_bytes: The size of the small picture in bytes; None where there is none.
    """

    object_id: int
    ra_deg: float
    dec_deg: float
    field_deg: float | None
    survey: str
    bands: Sequence[str]
    definition: str
    tile: str
    folder: str | None
    thumbnail_bytes: int | None


def load_galaxy_files(connection: psycopg.Connection, object_ids: Sequence[int]) -> dict[int, GalaxyFiles]:
    """Read what there is of each galaxy; one that is not shown is left out."""
    rows = connection.execute(
        "SELECT s.object_id, s.ra, s.dec, s.pixel_scale_arcsec::float8 * %s / 3600, "
        "v.name, v.bands, v.definition, t.name, t.folder, pg_catalog.octet_length(p.jpeg) "
        "FROM galcat.galaxy AS g JOIN galcat.source AS s ON s.object_id = g.object_id "
        "JOIN galcat.survey AS v ON v.survey_id = s.survey_id JOIN galcat.tile AS t ON t.tile_id = s.tile_id "
        "LEFT JOIN galcat.thumbnail AS p ON p.object_id = s.object_id WHERE g.object_id = ANY (%s)",
        [FIELD_PX, list(object_ids)],
    ).fetchall()
    return {row[0]: GalaxyFiles(*row) for row in rows}


def parse_object_id(text: str) -> int | None:
    """Read the object_id that an identifier means; None where it means none."""
    found = _NAME.fullmatch(text.strip())
    number = int(found[1]) if found else _MAX_ID + 1
    return number if number <= _MAX_ID else None
