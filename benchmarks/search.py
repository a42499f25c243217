"""Search by likeness over 1e4 to 1e6 galaxies, beside brute force, hnswlib and full width.

Vectors are drawn around real ones (grown_vectors.py), queries are real and held out. Most galaxies lie in a
footprint of 1,000 square degrees, a third of them in clusters. hnswlib is used where it is installed
(`pip install hnswlib`). The table is kept in docs/search_growth.json, for docs/search_growth.py to draw.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import sql

from benchmarks.grown_catalogue import FOOTPRINT, Ids, load
from benchmarks.grown_vectors import Grown, Sample, grow, likeness, real_sample
from benchmarks.throwaway import catalogue
from benchmarks.timed_searches import Row, brute_force, print_line, time_bare, time_plain, time_searches
from catalog.database.binary_copy import copy_columns
from catalog.database.connection import connect
from catalog.releases.releases import build_search_index, refresh_statistics
from catalog.search.request import Cone, Search

SIZES = (10_000, 100_000, 1_000_000)
QUERIES = 200
FULL_ROWS = 100_000
INSERTED = 2_000
RESULTS = Path(__file__).resolve().parents[1] / "docs" / "search_growth.json"


def main() -> None:
    """Print the tables."""
    sizes = [int(float(size)) for size in sys.argv[1:]] or list(SIZES)
    sample = real_sample()
    drawn = grow(sample, max(sizes), 1)
    print(f"real  {likeness(sample.search)}")
    print(f"drawn {likeness(drawn.search[: len(sample.search)])}")
    results = {}
    for n in sizes:
        with catalogue() as url, connect(url, autocommit=True) as connection:
            results[n] = _measure(connection, sample, drawn, n)
            if n == FULL_ROWS:
                _full_width(connection, sample, drawn)
    if sizes == list(SIZES):
        RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def _measure(connection: psycopg.Connection, sample: Sample, drawn: Grown, n: int) -> Row:
    ids = load(connection, sample, drawn, n)
    stored = drawn.search[:n].astype(np.float16).astype(np.float32)
    start = time.perf_counter()
    build_search_index(connection, 1)
    row: Row = {"build_s": time.perf_counter() - start}
    refresh_statistics(connection)
    row |= _sizes(connection, n)
    print(
        f"\n{n} galaxies: index built in {row['build_s']:.0f} s, {row['index_bytes']:.0f} bytes a galaxy; "
        f"vectors {row['table_bytes']:.0f}, morphology {row['morphology_bytes']:.0f}"
    )
    queries = sample.queries[:QUERIES]
    exact = brute_force(stored, queries, 100)
    print(f"  {'':34} recall     p50     p95 ms")
    for k in (10, 100):
        for depth in (20, 40, 100, 200):
            found, times = time_plain(connection, queries, k, depth)
            row |= print_line(
                f"plain_{k}_{depth}", f"plain SQL @{k}, ef {depth}", found, ids[exact[:, :k]], times
            )
        found, times = time_searches(connection, [Search(like=q, n=k, columns=()) for q in queries])
        row |= print_line(f"search_{k}", f"Catalogue.search @{k}", found, ids[exact[:, :k]], times)
    for depth in (10, 15, 20, 40, 100):
        table = sql.SQL("galcat.embedding_r1")
        found, times = time_bare(connection, table, "object_id", "search", queries, depth)
        name = f"index alone @10, ef {depth}, bare table"
        row |= print_line(f"bare_{depth}", name, found, ids[exact[:, :10]], times)
    row |= _conditions(connection, sample, ids, stored)
    start = time.perf_counter()
    searches = [Search(like=q, n=10, columns=(), exact=True) for q in queries[:5]]
    found, times = time_searches(connection, searches)
    row |= print_line("exact", "all sorted @10", found, ids[exact[:5, :10]], times)
    half = Search(
        like=queries[0], n=20, columns=(), exact=True, where="smooth_or_featured_smooth_fraction > 0.5"
    )
    times = time_searches(connection, [half] * 3)[1]
    print(f"  {'all of about a half sorted @20':34}        {np.median(times) * 1000:7.2f}")
    row["floor_ms"] = _memory_floor_ms(connection)
    print(f"  reading the vectors' pages from memory at copying speed: {row['floor_ms']:.1f} ms")
    _hnswlib(stored, queries, exact[:, :10])
    row["insert_rate"] = _insert_rate(connection, sample)
    print(f"  inserting vectors with the index there: {row['insert_rate']:.0f} a second, one stream")
    return row


def _sizes(connection: psycopg.Connection, n: int) -> Row:
    row = connection.execute(
        "SELECT pg_relation_size('galcat.embedding_r1_search_hnsw'), "
        "pg_relation_size('galcat.embedding_r1'), "
        "pg_relation_size('galcat.morphology_r1')"
    ).fetchone()
    assert row is not None
    return dict(
        zip(("index_bytes", "table_bytes", "morphology_bytes"), (value / n for value in row), strict=True)
    )


def _conditions(connection: psycopg.Connection, sample: Sample, ids: Ids, stored: NDArray[np.float32]) -> Row:
    """Top 20 under conditions, beside brute force in numpy over what the catalogue holds."""
    names = ["ra", "dec", "mag_r", "smooth_or_featured_smooth_fraction", "merging_merger_fraction"]
    text = sql.SQL("SELECT object_id, {} FROM galcat.galaxy").format(
        sql.SQL(", ").join(map(sql.Identifier, names))
    )
    table = np.array(connection.execute(text).fetchall(), dtype=object)
    place = {identity: i for i, identity in enumerate(ids.tolist())}
    at = np.array([place[identity] for identity in table[:, 0]])
    columns = {name: np.empty(len(ids)) for name in names}
    for i, name in enumerate(names, 1):
        columns[name][at] = table[:, i].astype(float)
    rare = float(np.float32(np.quantile(columns["merging_merger_fraction"], 0.999)))
    bright = float(np.float32(np.quantile(columns["mag_r"], 0.001)))
    half = float(np.float32(np.median(columns["smooth_or_featured_smooth_fraction"])))
    middle = float(np.float32(np.median(columns["mag_r"])))
    rng = np.random.default_rng(4)
    row: Row = {}
    kinds: dict[str, Callable[[], tuple[Cone | None, str, NDArray[np.bool_]]]] = {
        "cone of 1 deg and a vote cut": lambda: _in_cone(columns, 1.0, half, rng),
        "cone of 5 deg and a vote cut": lambda: _in_cone(columns, 5.0, half, rng),
        "cone of 60 deg and a vote cut": lambda: _in_cone(columns, 60.0, half, rng),
        "0.1 % by a vote": lambda: (
            None,
            f"merging_merger_fraction > {rare!r}::real",
            columns["merging_merger_fraction"] > rare,
        ),
        "0.1 % by a magnitude": lambda: (None, f"mag_r < {bright!r}::real", columns["mag_r"] < bright),
        "50 % by a vote": lambda: (
            None,
            f"smooth_or_featured_smooth_fraction > {half!r}::real",
            columns["smooth_or_featured_smooth_fraction"] > half,
        ),
        "50 % by a magnitude": lambda: (None, f"mag_r < {middle!r}::real", columns["mag_r"] < middle),
    }
    for name, kind in kinds.items():
        searches, exact = [], []
        for query in sample.queries[:100]:
            cone, where, kept = kind()
            searches.append(Search(like=query, n=20, cone=cone, where=where, columns=()))
            inside = np.flatnonzero(kept)
            exact.append(
                ids[inside[brute_force(stored[inside], query[None], 20)[0]]] if len(inside) else ids[:0]
            )
        found, times = time_searches(connection, searches)
        row |= print_line(name, name, found, exact, times)
    return row


def _in_cone(
    columns: dict[str, NDArray[np.float64]], radius: float, half: float, rng: np.random.Generator
) -> tuple[Cone, str, NDArray[np.bool_]]:
    west, east, south, north = FOOTPRINT
    cone = Cone(rng.uniform(west + 1, east - 1), rng.uniform(south + 1, north - 1), radius)
    ra, dec = np.radians(columns["ra"] - cone.ra_deg), np.radians(columns["dec"])
    dec0 = np.radians(cone.dec_deg)
    half_chord = np.sin((dec - dec0) / 2) ** 2 + np.cos(dec) * np.cos(dec0) * np.sin(ra / 2) ** 2
    inside = np.degrees(2 * np.arcsin(np.sqrt(half_chord))) <= radius
    smooth = columns["smooth_or_featured_smooth_fraction"]
    return cone, f"smooth_or_featured_smooth_fraction > {half!r}::real", inside & (smooth > half)


def _memory_floor_ms(connection: psycopg.Connection) -> float:
    size = connection.execute("SELECT pg_relation_size('galcat.embedding_r1')").fetchone()
    assert size is not None
    block = np.zeros(1 << 28, np.uint8)
    start = time.perf_counter()
    block.view(np.uint64).sum()
    return float(size[0] / (block.nbytes / (time.perf_counter() - start)) * 1000)


def _hnswlib(stored: NDArray[np.float32], queries: NDArray[np.float32], exact: Ids) -> None:
    try:
        import hnswlib  # noqa: PLC0415 - a peer, where it is installed
    except ImportError:
        print("  hnswlib is not installed: left out (pip install hnswlib)")
        return
    index = hnswlib.Index(space="l2", dim=stored.shape[1])
    index.init_index(max_elements=len(stored), ef_construction=96, M=16, random_seed=1)
    start = time.perf_counter()
    index.add_items(stored, num_threads=os.cpu_count() or 1)
    built = time.perf_counter() - start
    index.set_num_threads(1)
    for depth in (10, 20, 40, 100):
        index.set_ef(depth)
        found, times = [], []
        for query in queries:
            begun = time.perf_counter()
            labels, _ = index.knn_query(query, k=10)
            times.append(time.perf_counter() - begun)
            found.append(labels[0].tolist())
        print_line("", f"hnswlib @10, ef {depth}, in process", found, exact, times)
    print(f"  hnswlib built in {built:.0f} s")


def _insert_rate(connection: psycopg.Connection, sample: Sample) -> float:
    rng = np.random.default_rng(9)
    columns = {
        "object_id": rng.choice(2**61, INSERTED, replace=False) * 2,  # the others are odd
        "release_id": np.ones(INSERTED, np.int16),
        "search": grow(sample, INSERTED, 5).search.astype(np.float16),
    }
    start = time.perf_counter()
    with connection.cursor() as cursor:
        copy_columns(cursor, sql.SQL("galcat.embedding"), columns)
    return INSERTED / (time.perf_counter() - start)


def _full_width(connection: psycopg.Connection, sample: Sample, drawn: Grown) -> None:
    """pgvector on the encoder's full width, same galaxies, same server: each searched for its own nearest."""
    width = sample.full.shape[1]
    connection.execute(f"CREATE TABLE public.wide (i bigint, v halfvec({width}))")
    connection.execute("ALTER TABLE public.wide ALTER COLUMN v SET STORAGE PLAIN")
    full = np.empty((FULL_ROWS, width), np.float16)
    with connection.transaction(), connection.cursor() as cursor:
        for rows in _slices(FULL_ROWS, 2_000):
            full[rows] = drawn.full(sample, rows)
            columns = {"i": np.arange(rows.start, rows.stop, dtype=np.int64), "v": full[rows]}
            copy_columns(cursor, sql.SQL("public.wide"), columns)
    start = time.perf_counter()
    connection.execute(
        "CREATE INDEX ON public.wide USING hnsw (v halfvec_l2_ops) WITH (m = 16, ef_construction = 96)"
    )
    print(f"  full width, {width}: index built in {time.perf_counter() - start:.0f} s")
    exact = brute_force(full.astype(np.float32), sample.queries_full[:QUERIES], 10)
    for depth in (10, 15, 20, 40, 100):
        found, times = time_bare(
            connection, sql.SQL("public.wide"), "i", "v", sample.queries_full[:QUERIES], depth
        )
        print_line("", f"full width @10, ef {depth}, bare table", found, exact, times)


def _slices(n: int, step: int) -> Iterator[slice]:
    return (slice(start, min(start + step, n)) for start in range(0, n, step))


if __name__ == "__main__":
    main()
