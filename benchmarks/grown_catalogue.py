"""A catalogue of galaxies whose vectors are drawn around real ones, over 1,000 square degrees."""

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import sql

from benchmarks.grown_vectors import Grown, Sample
from catalog.database.binary_copy import copy_columns
from catalog.questions import CONCENTRATIONS, FRACTIONS
from tests.catalog.galaxies import fill

CHUNK = 20_000
TILE_DEG = 0.25
FOOTPRINT = (150.0, 182.0, 0.0, 33.0)  # 1,000 square degrees
Ids = NDArray[np.int64]


def load(connection: psycopg.Connection, sample: Sample, drawn: Grown, n: int) -> Ids:
    """Fill a catalogue; returns the object_ids."""
    fill(connection, 1)
    connection.execute(
        "TRUNCATE galcat.source, galcat.embedding, galcat.morphology, galcat.thumbnail CASCADE"
    )
    rng = np.random.default_rng(3)
    ids = rng.choice(2**62, n, replace=False) * 2 + 1
    ra, dec = sky(n, rng)
    by_tile = np.lexsort((ra, ra // TILE_DEG, dec // TILE_DEG))  # as ingestion writes: tile by tile
    ra, dec = ra[by_tile], dec[by_tile]
    mag = (19 - rng.exponential(1.2, n)).astype(np.float32)
    release = np.ones(n, np.int16)
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE sky (object_id bigint, ra float8, dec float8, mag_r real) ON COMMIT DROP"
        )
        copy_columns(cursor, sql.SQL("sky"), {"object_id": ids, "ra": ra, "dec": dec, "mag_r": mag})
        cursor.execute(
            "INSERT INTO galcat.source "
            "(object_id, survey_id, survey_source_id, tile_id, ra, dec, healpix29, mag_r) "
            "SELECT object_id, 1, object_id::text, 1, ra, dec, galcat.healpix_of(ra, dec, 29), mag_r FROM sky"
        )
        for rows in (slice(start, min(start + CHUNK, n)) for start in range(0, n, CHUNK)):
            key = {"object_id": ids[rows], "release_id": release[rows]}
            columns = key | {"search": drawn.search[rows].astype(np.float16)}
            copy_columns(cursor, sql.SQL("galcat.embedding"), columns)
            morphology = _morphology(sample, drawn.parents[rows], rng)
            copy_columns(cursor, sql.SQL("galcat.morphology"), key | morphology)
    connection.execute("VACUUM")
    return ids


def sky(n: int, rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Positions in a footprint of 1,000 square degrees, a third of them in 300 clusters, ICRS degrees."""
    west, east, south, north = FOOTPRINT
    ra, dec = rng.uniform(west, east, n), rng.uniform(south, north, n)
    clusters = rng.integers(0, 300, n // 3)
    centre_ra, centre_dec = rng.uniform(west, east, 300), rng.uniform(south, north, 300)
    ra[: n // 3] = (centre_ra[clusters] + rng.normal(0, 0.1, n // 3)) % 360
    dec[: n // 3] = centre_dec[clusters] + rng.normal(0, 0.1, n // 3)
    return ra, dec


def _morphology(sample: Sample, parents: Ids, rng: np.random.Generator) -> dict[str, NDArray[np.generic]]:
    """A parent's fractions, a little changed: no two galaxies have the same."""
    factor = np.exp(rng.normal(0, 0.05, (len(parents), len(FRACTIONS)))).astype(np.float32)
    fractions = np.minimum(sample.fractions[parents] * factor, 1)
    columns = {name: np.ascontiguousarray(fractions[:, i]) for i, name in enumerate(FRACTIONS)}
    for i, name in enumerate(CONCENTRATIONS):
        columns[name] = np.ascontiguousarray(sample.concentrations[parents, i])
    return columns  # type: ignore[return-value]
