"""The rows of a tile's galaxies as the survey measured them: staged, merged by the writer, retired."""

import numpy as np
from astropy import units
from astropy_healpix import lonlat_to_healpix
from numpy.typing import NDArray
from psycopg import Cursor, sql

from catalog.constants import BANDS
from catalog.database.staging import make_stage
from catalog.ingestion.records import GalaxyRows

NSIDE_29 = 2**29
RADII = ("petro_th50", "petro_th90", "shape_r", "pixel_scale_arcsec")
SOURCE_COLUMNS = (
    "object_id",
    "survey_id",
    "survey_source_id",
    "tile_id",
    "ra",
    "dec",
    "healpix29",
    *RADII,
    *(f"mag_{band}" for band in BANDS),
)


def stage_sources(
    cursor: Cursor[tuple[object, ...]],
    survey_id: int,
    tile_id: int,
    ids: NDArray[np.int64],
    galaxies: GalaxyRows,
) -> None:
    """Copy a tile's galaxies to the temporary table `stage_source`, NULL where a number is unknown.

    Args:
        cursor: Cursor in the tile's transaction.
        survey_id: Key of the survey.
        tile_id: Key of the tile.
        ids: The galaxies' object_id, (n,).
        galaxies: The n galaxies as they go to the database.
    """
    make_stage(cursor, "source")
    healpix29 = compute_healpix29(galaxies.ra, galaxies.dec)
    unknown = np.full(len(ids), np.nan, dtype=np.float32)
    numbers = [galaxies.radii_arcsec.get(name, unknown) for name in RADII]
    numbers += [galaxies.magnitudes.get(band, unknown) for band in BANDS]
    statement = sql.SQL("COPY pg_temp.stage_source ({}) FROM STDIN (FORMAT BINARY)").format(
        sql.SQL(", ").join(map(sql.Identifier, (*SOURCE_COLUMNS, "is_retired")))
    )
    with cursor.copy(statement) as copy:
        copy.set_types(
            ["int8", "int2", "text", "int8", "float8", "float8", "int8", *["float4"] * len(numbers), "bool"]
        )
        places = zip(galaxies.ra.tolist(), galaxies.dec.tolist(), healpix29.tolist(), strict=True)
        known = zip(*map(_null_for_nan, numbers), strict=True)
        for identity, name, place, values in zip(
            ids.tolist(), galaxies.survey_source_id, places, known, strict=True
        ):
            copy.write_row((identity, survey_id, name, tile_id, *place, *values, False))


def _null_for_nan(column: NDArray[np.float32]) -> list[float | None]:
    return [None if number != number else number for number in column.tolist()]  # noqa: PLR0124 - NaN differs


def retire_vanished(cursor: Cursor[tuple[object, ...]], tile_id: int, kept: list[int]) -> int:
    """Retire the tile's galaxies that are not staged: vectors and thumbnails go, the source row stays.

    Args:
        cursor: Cursor in the tile's transaction, after `stage_sources`.
        tile_id: Key of the tile.
        kept: Values of object_id that stay although they are not staged: the tile lists them, and they were
            skipped.

    Returns:
        How many galaxies were retired.
    """
    vanished = [
        row[0]
        for row in cursor.execute(
            "UPDATE galcat.source AS s SET is_retired = true WHERE s.tile_id = %s AND NOT s.is_retired "
            "AND s.object_id <> ALL (%s::bigint[]) "
            "AND NOT EXISTS (SELECT FROM pg_temp.stage_source AS n WHERE n.object_id = s.object_id) "
            "RETURNING s.object_id",
            [tile_id, kept],
        )
    ]
    if vanished:
        for table in ("embedding", "embedding_full", "morphology", "thumbnail"):
            cursor.execute(
                sql.SQL("DELETE FROM {} WHERE object_id = ANY (%s)").format(sql.Identifier("galcat", table)),
                [vanished],
            )
    return len(vanished)


def compute_healpix29(ra_deg: NDArray[np.float64], dec_deg: NDArray[np.float64]) -> NDArray[np.int64]:
    """HEALPix index, order 29, nested, of ICRS positions in degrees, each (n,)."""
    pixels: NDArray[np.int64] = lonlat_to_healpix(
        ra_deg * units.deg, dec_deg * units.deg, NSIDE_29, order="nested"
    )
    return pixels
