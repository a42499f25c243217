"""Searches by likeness, each timed, and their recall beside brute force."""

import time

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import sql

from benchmarks.grown_catalogue import Ids
from catalog.constants import SEARCH_TYPE
from catalog.database.read_only import read_transaction, select_within
from catalog.search.request import Search
from catalog.search.search import search

Row = dict[str, float]


def brute_force(stored: NDArray[np.float32], queries: NDArray[np.float32], k: int) -> Ids:
    """The rows of the k nearest of each query, by numpy."""
    halves = queries.astype(np.float16).astype(np.float32)
    norms = (stored**2).sum(axis=1)
    rows = []
    for query in halves:
        near = np.argpartition(norms - 2 * stored @ query, min(2 * k, len(norms) - 1))[: 2 * k]
        distance = np.linalg.norm(stored[near].astype(np.float64) - query, axis=1)
        rows.append(near[np.argsort(distance)[:k]])
    return np.array(rows)


def time_plain(
    connection: psycopg.Connection, queries: NDArray[np.float32], k: int, depth: int
) -> tuple[list[list[int]], list[float]]:
    """What somebody's own SQL gives."""
    text = sql.SQL(
        "SELECT object_id FROM galcat.galaxy ORDER BY search OPERATOR(public.<->) %(v)s::{} LIMIT {}"
    ).format(sql.SQL(SEARCH_TYPE), k)
    found, times = [], []
    with read_transaction(connection, {"hnsw.ef_search": str(depth)}):
        for query in (*queries[:20], *queries):  # the first warm the pages
            start = time.perf_counter()
            rows = select_within(connection, text, {"v": str(query.tolist())}).rows
            times.append(time.perf_counter() - start)
            found.append([int(str(row[0])) for row in rows])
    return found[20:], times[20:]


def time_searches(
    connection: psycopg.Connection, searches: list[Search]
) -> tuple[list[list[int]], list[float]]:
    """The object_ids that each search finds, and its seconds; three before them warm the pages."""
    found, times = [], []
    for wanted in (*searches[:3], *searches):
        start = time.perf_counter()
        rows = search(connection, wanted).rows
        times.append(time.perf_counter() - start)
        found.append([int(str(row[0])) for row in rows])
    return found[3:], times[3:]


def print_line(
    key: str, name: str, found: list[list[int]], exact: Ids | list[Ids], times: list[float]
) -> Row:
    """Print the recall and the times of some searches, and give them by `key`."""
    recall = float(
        np.mean([len(set(f) & set(e.tolist())) / max(1, len(e)) for f, e in zip(found, exact, strict=True)])
    )
    short = sum(len(f) < len(e) for f, e in zip(found, exact, strict=True))
    p50, p95 = np.percentile(times, [50, 95]) * 1000
    print(
        f"  {name:34} {recall:.4f} {p50:7.2f} {p95:7.2f}" + (f"  {short} too short" if short else ""),
        flush=True,
    )
    return {f"{key}_recall": recall, f"{key}_p50_ms": float(p50), f"{key}_p95_ms": float(p95)}


def time_bare(
    connection: psycopg.Connection,
    table: sql.Composable,
    identity: str,
    column: str,
    queries: NDArray[np.float32],
    depth: int,
) -> tuple[list[list[int]], list[float]]:
    """The index alone: a prepared statement on a table, no view to plan."""
    connection.execute(sql.SQL("SET hnsw.ef_search = {}").format(depth))
    text = sql.SQL("SELECT {} FROM {} ORDER BY {} <-> %s::halfvec({}) LIMIT 10").format(
        sql.Identifier(identity), table, sql.Identifier(column), queries.shape[1]
    )
    found, times = [], []
    for query in (*queries[:20], *queries):
        value = str(query.tolist())
        start = time.perf_counter()
        rows = connection.execute(text, [value], prepare=True).fetchall()
        times.append(time.perf_counter() - start)
        found.append([row[0] for row in rows])
    connection.execute("RESET hnsw.ef_search")
    return found[20:], times[20:]
