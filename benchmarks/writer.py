"""Rows a second of the tile writer beside a bare COPY of the same bytes, without and with a vector index."""

import io
import time
from collections.abc import Callable

import numpy as np
import psycopg
from PIL import Image
from psycopg import sql

from benchmarks.throwaway import catalogue
from catalog.constants import SEARCH_DIMENSION
from catalog.database.connection import connect
from catalog.ingestion.records import GalaxyRows, SurveyRecord
from catalog.ingestion.tile_rows import register_survey
from catalog.ingestion.writer import write_tile
from catalog.questions import CONCENTRATIONS, QUESTIONS
from catalog.releases.bulk_load import build_search_index_online
from catalog.releases.releases import register_release
from tests.catalog.galaxies import release_record, tile_record

DIMENSION = 1280
ROWS_A_TILE = 500
TILES = 24
TABLES = ("source", "embedding", "embedding_full", "morphology", "thumbnail")


def main() -> None:
    """Print the table."""
    tiles = [make_tile(ROWS_A_TILE, seed) for seed in range(TILES)]
    with catalogue() as url, connect(url, autocommit=True) as connection:
        survey_id = register_survey(connection, SurveyRecord("bench", "made up", ("r",), "toml"))
        release_id = register_release(connection, release_record("bench", DIMENSION))

        def write(chosen: range) -> float:
            return _seconds(
                lambda: [
                    write_tile(connection, survey_id, release_id, tile_record(f"t{i}"), tiles[i], [])
                    for i in chosen
                ]
            )

        half = TILES // 2
        written = write(range(half))
        copies = {table: _copy_out(connection, table) for table in TABLES}
        heaps = _seconds(lambda: _copy_in(connection, copies, keys=False))
        keyed = _seconds(lambda: _copy_in(connection, copies, keys=True))
        built = _seconds(lambda: build_search_index_online(connection, release_id))
        nightly = write(range(half, TILES))
    rows = half * ROWS_A_TILE
    size = sum(map(len, copies.values())) / rows
    print(f"writer, {rows} rows of {size:.0f} bytes, tiles of {ROWS_A_TILE}, {DIMENSION}-d vectors, fsync on")
    print(f"{'':38} rows/s  of bare COPY")
    for name, seconds in (
        ("bare COPY, no index of any kind", heaps),
        ("bare COPY, the same primary keys", keyed),
        ("write_tile before the vector index", written),
        ("write_tile with the vector index", nightly),
        ("the vector index built at the end", built),
        ("write_tile before it, and its building", written + built),
    ):
        print(f"{name:38} {rows / seconds:6.0f}  {heaps / seconds:.2f}")


def make_tile(n: int, seed: int) -> GalaxyRows:
    """Rows of n made-up galaxies, each with a picture of the usual size."""
    rng = np.random.default_rng(seed)
    fractions = [rng.dirichlet(np.ones(len(answers)), n) for answers in QUESTIONS.values()]
    return GalaxyRows(
        survey_source_id=[f"{seed}-{i}" for i in range(n)],
        ra=rng.uniform(0, 360, n),
        dec=np.degrees(np.arcsin(rng.uniform(-1, 1, n))),
        radii_arcsec={"shape_r": rng.uniform(1, 12, n).astype(np.float32)},
        magnitudes={"r": rng.uniform(14, 19, n).astype(np.float32)},
        full=rng.normal(size=(n, DIMENSION)).astype(np.float32),
        search=(rng.normal(size=(n, SEARCH_DIMENSION)) / 9).astype(np.float32),
        fractions=np.concatenate(fractions, axis=1).astype(np.float32),
        concentrations=rng.uniform(2, 200, (n, len(CONCENTRATIONS))).astype(np.float32),
        jpegs=[_jpeg(rng) for _ in range(n)],
        picture_digests=rng.integers(-(2**63), 2**63, n),
    )


def _jpeg(rng: np.random.Generator) -> bytes:
    """A noisy blob of the size of a thumbnail."""
    y, x = np.mgrid[-1:1:128j, -1:1:128j]
    blob = 200 * np.exp(-8 * (x**2 + y**2))[..., None] + rng.normal(20, 4, (128, 128, 3))
    buffer = io.BytesIO()
    Image.fromarray(np.clip(blob, 0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def _copy_out(connection: psycopg.Connection, table: str) -> bytes:
    statement = sql.SQL("COPY (SELECT * FROM {}) TO STDOUT (FORMAT BINARY)").format(
        sql.Identifier("galcat", table)
    )
    with connection.cursor().copy(statement) as copy:
        return b"".join(bytes(block) for block in copy)


def _copy_in(connection: psycopg.Connection, copies: dict[str, bytes], *, keys: bool) -> None:
    """Load the same bytes into bare tables, logged like the real ones, in one transaction a table."""
    for table, content in copies.items():
        bare = sql.Identifier(f"bare_{table}_{keys}")
        connection.execute(sql.SQL("CREATE TABLE {} (LIKE {})").format(bare, sql.Identifier("galcat", table)))
        if keys:
            connection.execute(sql.SQL("ALTER TABLE {} ADD PRIMARY KEY (object_id)").format(bare))
        with connection.cursor().copy(sql.SQL("COPY {} FROM STDIN (FORMAT BINARY)").format(bare)) as copy:
            copy.write(content)


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
