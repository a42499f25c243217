"""Where the time of one search along the vector index goes, and which index is fastest at equal recall.

`python -m benchmarks.search_floor FOLDER` takes 100,000 galaxies of the catalogue of benchmarks.million and
puts them into bare tables of one server, one a way of storing vectors. The 10 nearest are asked for on one
connection by prepared statements, in turn of all ways, so that what else the machine does falls on all alike;
the shortest of ROUNDS counts. A loop within the server tells what protocol and driver cost; the pages that a
search reads are counted by EXPLAIN. hnswlib is measured beside them where it is installed.
"""

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import sql

from benchmarks.million import open_million
from benchmarks.throwaway import catalogue
from catalog.database.binary_copy import copy_columns
from catalog.database.connection import connect

ROWS = 100_000
QUERIES = 200
ROUNDS = 5
NEAREST = 10


@dataclass(frozen=True)
class Way:
    """How vectors are stored and asked for; `{q}` is the vector that is looked for."""

    name: str
    column: str
    index: str
    query: str


_DIRECT = "SELECT object_id FROM {table} ORDER BY search <-> {q}::{type} LIMIT 10"
_NARROW = "subvector({}, 1, 32)::halfvec(32)"
_BUILD = "WITH (m = 16, ef_construction = 96)"
WAYS = {
    "halfvec": Way("halfvec(40), as shipped", "halfvec(40)", f"(search halfvec_l2_ops) {_BUILD}", _DIRECT),
    "vector": Way("vector(40), twice the bytes", "vector(40)", f"(search vector_l2_ops) {_BUILD}", _DIRECT),
    "narrow": Way(
        "the first 32 axes, all 40 at the end",
        "halfvec(40)",
        f"(({_NARROW.format('search')}) halfvec_l2_ops) {_BUILD}",
        f"SELECT object_id FROM (SELECT object_id, search FROM {{table}} ORDER BY {_NARROW.format('search')} "
        f"<-> {_NARROW.format('{q}::halfvec(40)')} LIMIT 20) AS n "
        "ORDER BY search <-> {q}::halfvec(40) LIMIT 10",
    ),
    "dense": Way(
        "halfvec(40), m = 24",
        "halfvec(40)",
        "(search halfvec_l2_ops) WITH (m = 24, ef_construction = 96)",
        _DIRECT,
    ),
}
DEPTHS = (10, 15, 20, 30, 40, 60)


def main() -> None:
    """Print the tables."""
    million = open_million(Path(sys.argv[1]))
    vectors, queries = million.vectors[:ROWS], million.queries[:QUERIES].astype(np.float16).astype(np.float32)
    exact = _brute_force(vectors, queries)
    with catalogue() as url, connect(url, autocommit=True) as connection:
        # The vector's type and operators stand in the schema public.
        connection.execute("SET search_path = public; SET plan_cache_mode = force_generic_plan")
        for key, way in WAYS.items():
            _load(connection, key, way, vectors)
        _compare(connection, queries, exact)
        _split(connection, queries)
    _hnswlib(vectors, queries, exact)


def _load(connection: psycopg.Connection, key: str, way: Way, vectors: NDArray[np.float32]) -> None:
    begun = time.perf_counter()
    table = sql.Identifier(f"floor_{key}")
    connection.execute(
        sql.SQL("CREATE TABLE {} (object_id bigint, search {})").format(table, sql.SQL(way.column))
    )
    with connection.cursor() as cursor:
        if way.column.startswith("halfvec"):
            columns = {"object_id": np.arange(ROWS, dtype=np.int64), "search": vectors.astype(np.float16)}
            copy_columns(cursor, sql.SQL("public.{}").format(table), columns)
        else:
            source = sql.SQL("INSERT INTO {} SELECT object_id, search::vector(40) FROM floor_halfvec")
            cursor.execute(source.format(table))
    connection.execute(sql.SQL("CREATE INDEX ON {} USING hnsw {}").format(table, sql.SQL(way.index)))
    connection.execute(sql.SQL("VACUUM ANALYZE {}").format(table))
    query = way.query.format(table=f"floor_{key}", q="$1", type=way.column)
    connection.execute(f"PREPARE ask_{key} ({way.column}) AS {query}".encode())
    print(f"{way.name}: built in {time.perf_counter() - begun:.0f} s", flush=True)


def _compare(connection: psycopg.Connection, queries: NDArray[np.float32], exact: NDArray[np.int64]) -> None:
    print(f"\n{ROWS} galaxies, {NEAREST} nearest, one prepared statement a query; shortest of {ROUNDS}")
    print(f"  {'':38}   ef  recall   p50   p95 ms   pages")
    texts = [json.dumps(query.tolist()) for query in queries]
    for depth in DEPTHS:
        connection.execute(f"SET hnsw.ef_search = {depth}".encode())
        times = {key: np.full(len(texts), np.inf) for key in WAYS}
        found: dict[str, list[list[int]]] = {}
        for _ in range(ROUNDS):
            for key in WAYS:
                rows = []
                for i, text in enumerate(texts):
                    begun = time.perf_counter()
                    answer = connection.execute(f"EXECUTE ask_{key} ('{text}')".encode()).fetchall()
                    times[key][i] = min(times[key][i], time.perf_counter() - begun)
                    rows.append([row[0] for row in answer])
                found[key] = rows
        for key, way in WAYS.items():
            recall = np.mean(
                [len(set(f) & set(e)) / NEAREST for f, e in zip(found[key], exact.tolist(), strict=True)]
            )
            p50, p95 = np.percentile(times[key], [50, 95]) * 1000
            pages = np.mean([_pages(connection, key, text) for text in texts[:20]])
            print(f"  {way.name:38} {depth:4} {recall:7.4f} {p50:5.3f} {p95:5.3f}   {pages:7.0f}", flush=True)


def _pages(connection: psycopg.Connection, key: str, text: str) -> int:
    statement = f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) EXECUTE ask_{key} ('{text}')"
    row = connection.execute(statement.encode()).fetchone()
    assert row is not None
    return int(row[0][0]["Plan"]["Shared Hit Blocks"] + row[0][0]["Plan"]["Shared Read Blocks"])


def _split(connection: psycopg.Connection, queries: NDArray[np.float32]) -> None:
    """The parts of one search as shipped, at ef_search 40."""
    connection.execute("SET hnsw.ef_search = 40")
    texts = [json.dumps(query.tolist()) for query in queries]
    connection.execute("PREPARE nothing (halfvec(40)) AS SELECT 1")

    def shortest(statement: str) -> float:
        best = np.full(len(texts), np.inf)
        for _ in range(ROUNDS):
            for i, text in enumerate(texts):
                begun = time.perf_counter()
                connection.execute(statement.format(q=text).encode()).fetchall()
                best[i] = min(best[i], time.perf_counter() - begun)
        return float(np.median(best) * 1000)

    whole, nothing = shortest("EXECUTE ask_halfvec ('{q}')"), shortest("EXECUTE nothing ('{q}')")
    connection.execute("SET plan_cache_mode = force_custom_plan")
    plain = WAYS["halfvec"].query.format(table="floor_halfvec", q="'{q}'", type="halfvec(40)")
    planned = shortest(plain)
    connection.execute("SET plan_cache_mode = force_generic_plan")
    connection.execute(
        "CREATE FUNCTION walk(asked halfvec[], times int) RETURNS float8 LANGUAGE plpgsql AS $$ "
        "DECLARE begun timestamptz; best float8 := 1e9; q halfvec(40); BEGIN "
        "FOR round IN 1..times LOOP begun := clock_timestamp(); FOREACH q IN ARRAY asked LOOP "
        "PERFORM object_id FROM floor_halfvec ORDER BY search <-> q LIMIT 10; "
        "END LOOP; "
        "best := least(best, extract(epoch FROM clock_timestamp() - begun)); END LOOP; "
        "RETURN best; END $$"
    )
    row = connection.execute("SELECT walk(%s::text[]::halfvec[], %s)", [texts, ROUNDS]).fetchone()
    assert row is not None
    inside = row[0] / len(texts) * 1000
    print("\none search of these, ef_search 40, ms")
    for name, ms in (
        ("not prepared: parsed and planned each time", planned),
        ("prepared", whole),
        ("  of it a prepared statement that does nothing", nothing),
        ("  of it the walk, in a loop within the server", inside),
    ):
        print(f"  {name:50} {ms:6.3f}")


def _recall(found: list[list[int]], exact: NDArray[np.int64]) -> float:
    pairs = zip(found, exact.tolist(), strict=True)
    return float(np.mean([len(set(near) & set(nearest)) / NEAREST for near, nearest in pairs]))


def _brute_force(vectors: NDArray[np.float32], queries: NDArray[np.float32]) -> NDArray[np.int64]:
    far = (vectors**2).sum(axis=1)[None] - 2 * queries @ vectors.T
    return np.argsort(far, axis=1)[:, :NEAREST]


def _hnswlib(vectors: NDArray[np.float32], queries: NDArray[np.float32], exact: NDArray[np.int64]) -> None:
    try:
        import hnswlib  # noqa: PLC0415 - a peer, where it is installed
    except ImportError:
        print("hnswlib is not installed: left out (pip install hnswlib)")
        return
    index = hnswlib.Index(space="l2", dim=vectors.shape[1])
    index.init_index(max_elements=len(vectors), ef_construction=96, M=16, random_seed=1)
    index.add_items(vectors, num_threads=1)
    index.set_num_threads(1)
    for depth in DEPTHS:
        index.set_ef(depth)
        best, found = np.full(len(queries), np.inf), []
        for _ in range(ROUNDS):
            found = []
            for i, query in enumerate(queries):
                begun = time.perf_counter()
                labels, _ = index.knn_query(query, k=NEAREST)
                best[i] = min(best[i], time.perf_counter() - begun)
                found.append(labels[0].tolist())
        recall = _recall(found, exact)
        print(f"  {'hnswlib, in process':38} {depth:4} {recall:7.4f} {np.median(best) * 1000:5.3f}")


if __name__ == "__main__":
    main()
