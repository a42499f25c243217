"""How fast tiles are written with the vector index and without: the same tiles by turns, so that load counts
for both.

    python -m benchmarks.bulk_load [GALAXIES]

Two databases of one server hold the same galaxies, one of them with the index. What is printed is the median
of the ratios of neighbouring runs, by the clock and by the processor time of Postgres, and the rates.
"""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import psutil  # type: ignore[import-untyped] # it ships no types
import psycopg
from psycopg import sql

from benchmarks.throwaway import catalogue
from benchmarks.writer import DIMENSION, ROWS_A_TILE, make_tile
from catalog.constants import SEARCH_DIMENSION
from catalog.database.connection import connect
from catalog.ingestion.records import GalaxyRows, SurveyRecord
from catalog.ingestion.tile_rows import register_survey
from catalog.ingestion.writer import write_tile
from catalog.releases.bulk_load import build_search_index_online
from catalog.releases.releases import register_release
from tests.catalog.galaxies import release_record, tile_record

GALAXIES = 30_000
TURNS = 12
_COPY = "bare"


def main() -> None:
    """Print the rates, their ratio, and from which share of new galaxies on a load without it is faster."""
    n_tiles = (int(float(sys.argv[1])) if len(sys.argv) > 1 else GALAXIES) // ROWS_A_TILE
    drawn = [make_tile(ROWS_A_TILE, seed) for seed in range(20)]
    with catalogue() as url:
        with connect(url, autocommit=True) as connection:
            register_survey(connection, SurveyRecord("bench", "made up", ("r",), "toml"))
            register_release(connection, release_record("bench", DIMENSION))
            for i in range(n_tiles):
                _write(connection, i, _rename(drawn[i % len(drawn)], i))
        bare = url.replace("/galcat?", f"/{_COPY}?")
        _clone(url)
        with connect(url, autocommit=True) as indexed, connect(bare, autocommit=True) as plain:
            build_s, build_cpu_s = _spent(indexed, lambda: build_search_index_online(indexed, 1))
            spent = np.zeros((TURNS, 2, 2))
            for turn in range(TURNS):
                i = n_tiles + turn
                tile = _rename(drawn[i % len(drawn)], i)
                for which in (0, 1) if i % 2 else (1, 0):
                    on = (plain, indexed)[which]
                    spent[turn, which] = _spent(on, partial(_write, on, i, tile))
    n = n_tiles * ROWS_A_TILE
    print(f"{n:,} galaxies there, {TURNS} tiles of {ROWS_A_TILE} by turns, load {os.getloadavg()[0]:.1f}")
    print(f"{'':27}  galaxies/s  of a second of Postgres' CPU")
    for name, taken in (("without the vector index", spent[:, 0]), ("with it", spent[:, 1])):
        wall, cpu = ROWS_A_TILE / np.median(taken, axis=0)
        print(f"{name:27} {wall:11.0f} {cpu:11.0f}")
    print(f"{'building the index':27} {n / build_s:11.0f} {n / build_cpu_s:11.0f}")
    ratios = spent[:, 1] / spent[:, 0]
    for name, ratio in zip(("the clock", "Postgres' CPU"), ratios.T, strict=True):
        low, high = ratio.min(), ratio.max()
        print(f"times as fast without it, by {name}: {np.median(ratio):.1f} ({low:.1f} to {high:.1f})")
    # A load of x N galaxies: x N times what each costs more with the index, or building it for (1 + x) N.
    more = (np.median(spent[:, 1, 1]) - np.median(spent[:, 0, 1])) / ROWS_A_TILE * n / build_cpu_s
    share = 1 / (more - 1) if more > 1 else np.inf
    print(f"by CPU it is faster without it from a load of {share:.2f} of what is there on")


def _write(connection: psycopg.Connection, number: int, rows: GalaxyRows) -> None:
    write_tile(connection, 1, 1, tile_record(f"t{number}"), rows, [])


def _rename(rows: GalaxyRows, number: int) -> GalaxyRows:
    """The rows of a tile as those of another: other ids, positions and vectors."""
    rng, n = np.random.default_rng(1_000 + number), len(rows.survey_source_id)
    return replace(
        rows,
        survey_source_id=[f"{number}-{i}" for i in range(n)],
        ra=rng.uniform(0, 360, n),
        search=(rng.normal(size=(n, SEARCH_DIMENSION)) / 9).astype(np.float32),
    )


def _clone(url: str) -> None:
    with psycopg.connect(url.replace("/galcat?", "/postgres?"), autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE galcat").format(sql.Identifier(_COPY)))


def _spent(connection: psycopg.Connection, work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of the clock, and of the processor by the session's process of Postgres."""
    process = psutil.Process(connection.info.backend_pid)
    start, before = time.perf_counter(), sum(process.cpu_times()[:2])
    work()
    return time.perf_counter() - start, sum(process.cpu_times()[:2]) - before


if __name__ == "__main__":
    main()
