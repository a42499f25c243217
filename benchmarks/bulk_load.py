"""How fast tiles are written with the vector index and without: the same tiles by turns, so that load counts
for both.

    python -m benchmarks.bulk_load [GALAXIES]

Two databases of one server hold the same galaxies, one of them with the index. What is printed is the median
of the ratios of neighbouring runs, and the rates of that moment.
"""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
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
TURNS = 8
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
            build_s = _seconds(lambda: build_search_index_online(indexed, 1))
            seconds = []
            for i in range(n_tiles, n_tiles + TURNS):
                tile = _rename(drawn[i % len(drawn)], i)
                taken = [0.0, 0.0]
                for turn in (0, 1) if i % 2 else (1, 0):
                    taken[turn] = _seconds(partial(_write, (plain, indexed)[turn], i, tile))
                seconds.append(taken)
    without, with_index = np.array(seconds).T
    n = n_tiles * ROWS_A_TILE
    print(f"{n:,} galaxies there, {TURNS} tiles of {ROWS_A_TILE} by turns, load {os.getloadavg()[0]:.1f}")
    for name, taken in (("without the vector index", without), ("with it", with_index)):
        print(f"{name:26} {ROWS_A_TILE / np.median(taken):6.0f} galaxies/s")
    ratios = with_index / without
    print(f"times as fast without it   {np.median(ratios):6.1f} ({ratios.min():.1f} to {ratios.max():.1f})")
    rate = n / build_s
    print(f"the index is built at      {rate:6.0f} galaxies/s")
    # A load of x N galaxies: x N (1/slow - 1/fast) against (1 + x) N / rate.
    saved = (np.median(with_index) - np.median(without)) / ROWS_A_TILE
    share = 1 / (saved * rate - 1) if saved * rate > 1 else np.inf
    print(f"faster without it from a load of {share:.2f} of what is there on")


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


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
