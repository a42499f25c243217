"""A catalogue for tests of tasks: galaxies whose answer is the side of a plane on which their vector lies."""

import io
from dataclasses import dataclass, replace

import numpy as np
import psycopg
from numpy.typing import NDArray
from PIL import Image

from catalog.ingestion.records import SurveyRecord, object_id
from catalog.ingestion.tile_rows import register_survey
from catalog.ingestion.writer import write_tile
from catalog.releases.releases import register_release
from encoder.model.projection import Projection
from tests.catalog.galaxies import DIMENSION, galaxy_rows, release_record, tile_record

SURVEY = "survey"
AXES = 40


@dataclass(frozen=True)
class LabelledGalaxies:
    """The galaxies that were written.

    Attributes:
        object_ids: object_ids of the galaxies, (n,) int64.
        ra: Right ascensions in degrees, (n,).
        dec: Declinations in degrees, (n,).
        full: Full vectors, (n, 64), as stored, in half precision.
        search: Search vectors, (n, 40), as stored, in half precision.
        answer: The true answers, (n,): True on one side of the plane.
        projection: Projection of the release.
    """

    object_ids: NDArray[np.int64]
    ra: NDArray[np.float64]
    dec: NDArray[np.float64]
    full: NDArray[np.float32]
    search: NDArray[np.float32]
    answer: NDArray[np.bool_]
    projection: Projection


def fill_labelled(
    connection: psycopg.Connection, n: int, seed: int = 0, tile: str = "tile"
) -> LabelledGalaxies:
    """Write n galaxies as one tile; vectors lie in the 40 axes of the projection, but for a little."""
    projection = _projection()
    rng = np.random.default_rng(seed)
    along = rng.normal(size=(n, AXES)) * np.where(np.arange(AXES) < 2, 3, 0.5)
    inside = along @ projection.components
    full = (inside + 0.02 * rng.normal(size=(n, DIMENSION))).astype(np.float32)
    search = projection.apply(full)
    answer = search[:, 0] + search[:, 1] > 0
    picture = io.BytesIO()
    Image.new("RGB", (8, 8), (200, 100, 50)).save(picture, "JPEG")
    rows = replace(
        galaxy_rows(n, seed, prefix=tile),
        full=full,
        search=search,
        jpegs=[picture.getvalue()] * n,
        anomaly_scores=rng.random(n, np.float32),
    )
    record = replace(
        release_record(),
        projection_mean=projection.mean,
        projection_components=projection.components,
        projection_scale=projection.scale,
    )
    release_id = register_release(connection, record)
    survey_id = register_survey(connection, SurveyRecord(SURVEY, "made up", ("g", "r"), "toml"))
    write_tile(connection, survey_id, release_id, tile_record(tile), rows, [])
    ids = np.array([object_id(SURVEY, name) for name in rows.survey_source_id], dtype=np.int64)
    return LabelledGalaxies(ids, rows.ra, rows.dec, _as_stored(full), _as_stored(search), answer, projection)


def _projection() -> Projection:
    random = np.random.default_rng(7).normal(size=(DIMENSION, AXES))
    components = np.linalg.qr(random)[0].T.astype(np.float32)
    return Projection(np.zeros(DIMENSION, np.float32), components, np.full(AXES, 0.1, np.float32), 0.1)


def _as_stored(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return vectors.astype(np.float16).astype(np.float32)
