"""Neighbours of 10,000 galaxies one by one, in blocks and from the graph; and the graph of all.

    python -m benchmarks.neighbours [GALAXIES ...]

Vectors are made: a bent surface of 6 dimensions in 40, which is how those of galaxies lie (grown_vectors.py).
At a million galaxies the vector index takes five minutes to build: `--graph` leaves out what needs it.
"""

import sys
import time

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import sql

from benchmarks.grown_catalogue import sky
from benchmarks.throwaway import catalogue
from catalog.database.binary_copy import copy_columns
from catalog.database.connection import connect
from catalog.neighbours import graph
from catalog.neighbours.graph import load_vectors, make_graph
from catalog.neighbours.many import find_neighbours
from catalog.questions import CONCENTRATIONS, QUESTIONS
from catalog.releases.releases import build_search_index, current_release, refresh_statistics
from catalog.search.request import Search
from catalog.search.search import search
from tests.catalog.galaxies import fill

ASKED = 10_000
ONE_BY_ONE = 300
K = 20
CHUNK = 50_000


def main() -> None:
    """Print a table for each size."""
    words = [word for word in sys.argv[1:] if word != "--graph"]
    for n in [int(float(word)) for word in words] or [100_000]:
        with catalogue() as url, connect(url, autocommit=True) as connection:
            _measure(connection, n, with_index="--graph" not in sys.argv)


def made_vectors(n: int, rng: np.random.Generator) -> NDArray[np.float16]:
    """(n, 40) vectors on a bent surface of 6 dimensions; two random ones are about 1 apart."""
    surface, turned = rng.normal(size=(6, 40)), rng.normal(size=(40, 40)) / 50
    parts = []
    for start in range(0, n, CHUNK):
        m = min(CHUNK, n - start)
        parts.append(np.tanh(rng.normal(size=(m, 6)) @ surface) @ turned + 0.01 * rng.normal(size=(m, 40)))
    return np.concatenate(parts).astype(np.float16)


def _measure(connection: psycopg.Connection, n: int, *, with_index: bool) -> None:
    ids = _load(connection, n)
    asked = np.random.default_rng(7).choice(ids, ASKED, replace=False)
    print(f"{n} galaxies, the {K} nearest of {ASKED}:", flush=True)
    seconds, found = _time(lambda: find_neighbours(connection, asked, K))
    in_blocks = ASKED / seconds
    print(f"  in blocks, vectors read   {in_blocks:8.0f} a second ({seconds:.1f} s)", flush=True)
    release = current_release(connection)
    assert release is not None
    loaded = load_vectors(connection, release, K)
    seconds, _ = _time(lambda: loaded.find(asked))
    print(f"  in blocks, vectors there  {ASKED / seconds:8.0f} a second ({seconds:.1f} s)", flush=True)
    print(f"  recall of 1,000           {loaded.recall(1000):.4f}", flush=True)
    if with_index:
        build_search_index(connection, 1)
        refresh_statistics(connection)
        searches = [Search((int(one),), n=K, columns=()) for one in asked[:ONE_BY_ONE]]
        seconds, _ = _time(lambda: [search(connection, one) for one in searches])
        alone = ONE_BY_ONE / seconds
        print(
            f"  one by one                {alone:8.0f} a second; blocks {in_blocks / alone:.0f} times",
            flush=True,
        )
    began = time.perf_counter()
    made = make_graph(connection)
    seconds = time.perf_counter() - began
    print(
        f"  the graph of all          {n / seconds:8.0f} a second ({seconds:.0f} s), recall {made.recall:.4f}"
    )
    seconds, again = _time(lambda: find_neighbours(connection, asked, K))
    assert again.is_from_graph
    same = np.isclose(again.distances, found.distances, atol=1e-6).mean()
    print(f"  from the graph            {ASKED / seconds:8.0f} a second, {same:.2%} as in blocks", flush=True)
    size = connection.execute("SELECT pg_total_relation_size('galcat.neighbour_list')").fetchone()
    assert size is not None
    print(f"  bytes of the graph        {size[0] / n:8.0f} a galaxy, blocks of {graph.BLOCK}", flush=True)


def _load(connection: psycopg.Connection, n: int) -> NDArray[np.int64]:
    """Fill a catalogue; returns the object_ids."""
    fill(connection, 1)
    connection.execute(
        "TRUNCATE galcat.source, galcat.embedding, galcat.morphology, galcat.thumbnail CASCADE"
    )
    rng = np.random.default_rng(3)
    ids = rng.choice(2**62, n, replace=False) * 2 + 1
    ra, dec = sky(n, rng)
    vectors = made_vectors(n, rng)
    share = {
        f"{q}_{answer}_fraction": 1 / len(answers) for q, answers in QUESTIONS.items() for answer in answers
    }
    share |= dict.fromkeys(CONCENTRATIONS, 10.0)
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE sky (object_id bigint, ra float8, dec float8) ON COMMIT DROP")
        copy_columns(cursor, sql.SQL("sky"), {"object_id": ids, "ra": ra, "dec": dec})
        cursor.execute(
            "INSERT INTO galcat.source (object_id, survey_id, survey_source_id, tile_id, ra, dec, healpix29) "
            "SELECT object_id, 1, object_id::text, 1, ra, dec, galcat.healpix_of(ra, dec, 29) FROM sky"
        )
        for rows in (slice(start, min(start + CHUNK, n)) for start in range(0, n, CHUNK)):
            key = {"object_id": ids[rows], "release_id": np.ones(len(ids[rows]), np.int16)}
            copy_columns(cursor, sql.SQL("galcat.embedding"), key | {"search": vectors[rows]})
            votes = {name: np.full(len(ids[rows]), value, np.float32) for name, value in share.items()}
            copy_columns(cursor, sql.SQL("galcat.morphology"), key | votes)
    connection.execute("VACUUM ANALYZE")
    return ids


def _time(work):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202 - any answer
    began = time.perf_counter()
    answer = work()
    return time.perf_counter() - began, answer


if __name__ == "__main__":
    main()
