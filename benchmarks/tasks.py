"""From the last label to a column, from the last rating to the next ten galaxies: 2,000 and 1e6 galaxies.

Full vectors are drawn around those of the shipped encoder (grown_vectors.py), stored as it would store them.
A galaxy "has it" where a linear function of its full vector is among the highest 5 %.
"""

import sys
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import sql

from benchmarks.grown_catalogue import sky
from benchmarks.grown_vectors import Grown, Sample, grow, real_sample
from benchmarks.throwaway import catalogue
from catalog.constants import SEARCH_TYPE
from catalog.database.binary_copy import copy_columns
from catalog.database.connection import connect
from catalog.releases.releases import refresh_statistics
from catalog.tasks.labels import Label, write_labels
from catalog.tasks.tasks import Task, add_task, make_task
from encoder.model.encoder import load_encoder
from galcat.workflows.tasks.anomaly_round import open_next_round
from galcat.workflows.tasks.learn import learn, read_training_set
from galcat.workflows.tasks.suggest import find_most_likely
from tests.catalog.galaxies import fill

SIZES = (2_000, 1_000_000)
LABELS = 200
RATINGS = 1_000
WANTED = 100
CHUNK = 5_000
ASKED = make_task("ring", "Has it a ring?", ())
ODD = Task("odd", "How odd is it?", "interest", ())
Bools = NDArray[np.bool_]
_Result = TypeVar("_Result")


def main() -> None:
    """Print the tables."""
    sizes = [int(float(size)) for size in sys.argv[1:]] or list(SIZES)
    sample = real_sample()
    drawn = grow(sample, max(sizes), 1)
    for n in sizes:
        with catalogue() as url, connect(url, autocommit=True) as connection:
            ids, has = _load(connection, sample, drawn, n)
            print(f"\n{n} galaxies, {sample.full.shape[1]} numbers each; seconds")
            _classes(connection, url, ids, has)
            _interest(connection, url, ids, has)


def _load(
    connection: psycopg.Connection, sample: Sample, drawn: Grown, n: int
) -> tuple[NDArray[np.int64], Bools]:
    """Fill a catalogue without vector index; object_ids, and who has it."""
    width, projection = sample.full.shape[1], load_encoder().projection
    fill(connection, 1)
    connection.execute(
        "TRUNCATE galcat.source, galcat.embedding, galcat.embedding_full, galcat.morphology CASCADE"
    )
    connection.execute(
        "DROP TABLE galcat.embedding_full_r1; CREATE TABLE galcat.embedding_full_r1 PARTITION OF "
        "galcat.embedding_full FOR VALUES IN (1); "
        "ALTER TABLE galcat.embedding_full_r1 ALTER COLUMN vector SET STORAGE PLAIN"
    )
    connection.execute(
        "UPDATE galcat.release SET dimension = %s, projection_mean = %s, projection_components = %s, "
        "projection_scale = %s",
        [
            width,
            projection.mean.tolist(),
            projection.components.ravel().tolist(),
            projection.scale,
        ],
    )
    rng = np.random.default_rng(3)
    ids = rng.choice(2**62, n, replace=False)
    ra, dec = sky(n, rng)
    direction = projection.components.T @ rng.normal(size=40) + 0.02 * rng.normal(size=width)
    value = np.empty(n)
    release = np.ones(n, np.int16)
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE sky (object_id bigint, ra float8, dec float8) ON COMMIT DROP")
        copy_columns(cursor, sql.SQL("sky"), {"object_id": ids, "ra": ra, "dec": dec})
        cursor.execute(
            "INSERT INTO galcat.source (object_id, survey_id, survey_source_id, tile_id, ra, dec, healpix29) "
            "SELECT object_id, 1, object_id::text, 1, ra, dec, 0 FROM sky"
        )
        for rows in (slice(start, min(start + CHUNK, n)) for start in range(0, n, CHUNK)):
            full = drawn.full(sample, rows).astype(np.float16)
            value[rows] = full.astype(np.float32) @ direction
            key = {"object_id": ids[rows], "release_id": release[rows]}
            search = projection.apply(full).astype(np.float16)
            copy_columns(cursor, sql.SQL("galcat.embedding"), key | {"search": search})
            copy_columns(cursor, sql.SQL("galcat.embedding_full"), key | {"vector": full})
    connection.execute("VACUUM")
    refresh_statistics(connection)
    return ids, value > np.quantile(value, 0.95)


def _classes(connection: psycopg.Connection, url: str, ids: NDArray[np.int64], has: Bools) -> None:
    rng = np.random.default_rng(4)
    add_task(connection, ASKED)
    half = min(LABELS // 2, int(has.sum() // 2))
    chosen = [i for rows in (has, ~has) for i in rng.choice(np.flatnonzero(rows), half, replace=False)]
    said = [Label(int(ids[i]), "yes" if has[i] else "no") for i in chosen]
    write_labels(connection, ASKED, said, "bench", "bench")
    training_set = read_training_set(connection, ASKED.name)
    head = _time(f"a head of {2 * half} labels, measured and calibrated", training_set.fit_head)
    _time("(pages warmed)", lambda: find_most_likely(connection, ASKED.name, WANTED))
    found = _time(
        f"the {WANTED} most probable as of now, labels to list",
        lambda: find_most_likely(connection, ASKED.name, WANTED),
    )
    done = _time("the column of all galaxies, labels to last row", lambda: learn(url, ASKED.name))
    exact = connection.execute(
        "SELECT object_id FROM galcat.most_probable(%s, %s)", [ASKED.name, WANTED]
    ).fetchall()
    same = len({row[0] for row in exact} & set(found.object_ids.tolist()))
    print(
        f"  {same} of the {WANTED} are those of the column, which reads full vectors ({done.galaxies} scored)"
    )
    weight, _ = head.project(load_encoder().projection)
    bare = [
        row[0]
        for row in connection.execute(
            f"SELECT object_id FROM galcat.embedding ORDER BY search <#> %s::{SEARCH_TYPE} LIMIT %s",
            [str((weight[0] / np.abs(weight).max()).tolist()), WANTED],
        )
    ]
    print(f"  {len(set(bare) & {row[0] for row in exact})} would be by the 40-d head alone")


def _interest(connection: psycopg.Connection, url: str, ids: NDArray[np.int64], has: Bools) -> None:
    rng = np.random.default_rng(5)
    add_task(connection, ODD)
    chosen = rng.choice(len(ids), min(RATINGS, len(ids) // 2), replace=False)
    said = [Label(int(ids[i]), 5.0 if bool(has[i]) else float(rng.integers(0, 2))) for i in chosen]
    write_labels(connection, ODD, said, "bench", "bench")
    _time(
        f"the next ten and the top list after {len(chosen)} ratings", lambda: open_next_round(url, ODD.name)
    )


def _time(step: str, act: Callable[[], _Result]) -> _Result:
    start = time.perf_counter()
    result = act()
    print(f"  {step:60} {time.perf_counter() - start:7.2f}", flush=True)
    return result


if __name__ == "__main__":
    main()
