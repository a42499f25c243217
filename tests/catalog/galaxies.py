"""Made-up galaxies for tests: a release, a survey and tiles of seeded rows."""

from typing import LiteralString

import numpy as np
import psycopg
from psycopg import sql

from catalog.constants import SEARCH_DIMENSION
from catalog.database.read_only import read_transaction, select_within
from catalog.ingestion.records import GalaxyRows, SurveyRecord, TileRecord
from catalog.ingestion.tile_rows import register_survey
from catalog.ingestion.writer import write_tile
from catalog.questions import CONCENTRATIONS, QUESTIONS
from catalog.releases.record import ReleaseRecord
from catalog.releases.releases import register_release
from catalog.result import Result

DIMENSION = 64


def release_record(name: str = "first", dimension: int = DIMENSION) -> ReleaseRecord:
    """A release of no real encoder; its digest follows its name."""
    rng = np.random.default_rng(1)
    return ReleaseRecord(
        name=name,
        weights_sha256=name.encode().hex().ljust(64, "0"),
        backbone="none",
        recipe={"size": 8},
        view_set=1,
        projection_mean=rng.normal(size=dimension).astype(np.float32),
        projection_components=rng.normal(size=(SEARCH_DIMENSION, dimension)).astype(np.float32),
        projection_deviations=np.ones(SEARCH_DIMENSION, np.float32),
        projection_scale=1.0,
    )


def galaxy_rows(n: int, seed: int, prefix: str = "g") -> GalaxyRows:
    """n galaxies; the same seed gives the same rows, a longer tile begins with a shorter one's ids."""
    rng = np.random.default_rng(seed)
    fractions = [rng.dirichlet(np.ones(len(answers)), n) for answers in QUESTIONS.values()]
    magnitudes = rng.uniform(14, 19, n).astype(np.float32)
    magnitudes[::5] = np.nan
    return GalaxyRows(
        survey_source_id=[f"{prefix}{i}" for i in range(n)],
        ra=rng.uniform(0, 360, n),
        dec=np.degrees(np.arcsin(rng.uniform(-1, 1, n))),
        radii_arcsec={"shape_r": rng.uniform(1, 12, n).astype(np.float32)},
        magnitudes={"r": magnitudes},
        full=rng.normal(size=(n, DIMENSION)).astype(np.float32),
        search=(rng.normal(size=(n, SEARCH_DIMENSION)) / 9).astype(np.float32),
        fractions=np.concatenate(fractions, axis=1).astype(np.float32),
        concentrations=rng.uniform(2, 200, (n, len(CONCENTRATIONS))).astype(np.float32),
        jpegs=[rng.bytes(50) for _ in range(n)],
        picture_digests=rng.integers(-(2**63), 2**63, n),
    )


def tile_record(name: str = "tile", content_hash: str = "content") -> TileRecord:
    """A tile in the middle of nowhere."""
    corners = (9.0, 1.0, 11.0, 1.0, 11.0, 3.0, 9.0, 3.0)
    return TileRecord(
        name, 10.0, 2.0, corners, ("a.fits",), f"{name} {content_hash}", content_hash, "/data/tiles"
    )


def fill(connection: psycopg.Connection, n: int, seed: int = 0) -> tuple[int, int]:
    """A survey with one tile of n galaxies in a first release; returns survey_id and release_id."""
    release_id = register_release(connection, release_record())
    survey_id = register_survey(connection, SurveyRecord("survey", "made up", ("g", "r"), "toml"))
    write_tile(connection, survey_id, release_id, tile_record(), galaxy_rows(n, seed), [])
    return survey_id, release_id


def answer(
    connection: psycopg.Connection, query: LiteralString, parameters: dict[str, object], exact: bool = False
) -> Result:
    """A reader's answer, by index where Postgres likes to; `exact` forbids it."""
    off = {"enable_indexscan": "off", "enable_bitmapscan": "off"} if exact else {}
    with read_transaction(connection, off):
        return select_within(connection, sql.SQL(query), parameters)
