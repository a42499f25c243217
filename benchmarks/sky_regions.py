"""Regions and cross-matches over uniform skies of 1e4 to 1e6 galaxies; one answer of each checked."""

import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import psycopg
from psycopg import sql

from benchmarks.throwaway import catalogue
from catalog.database.connection import connect
from catalog.releases.releases import refresh_statistics
from tests.catalog.galaxies import fill

_T = TypeVar("_T")
SIZES = (10_000, 100_000, 1_000_000)
MATCHED = 100_000
ROUNDS = 20
REGIONS = {
    'cone 2"': "galcat.cone(ra, dec, {ra}, {dec}, 2 / 3600.0)",
    "cone 0.1 deg": "galcat.cone(ra, dec, {ra}, {dec}, 0.1)",
    "cone 1 deg": "galcat.cone(ra, dec, {ra}, {dec}, 1)",
    "cone 5 deg": "galcat.cone(ra, dec, {ra}, {dec}, 5)",
    "box of 1 deg": "galcat.in_box(ra, dec, {ra}, {ra} + 1, {dec}, {dec} + 1)",
    "triangle of 1 deg": "galcat.in_polygon(ra, dec, ARRAY[{ra}, {dec}, {ra} + 1, {dec}, {ra}, {dec} + 1])",
    "HEALPix cell of order 6": (
        "galcat.in_moc(healpix29, galcat.moc_of(6, ARRAY[galcat.healpix_of({ra}, {dec}, 6)]))"
    ),
}
SOURCES = """
INSERT INTO galcat.source (object_id, survey_id, survey_source_id, tile_id, ra, dec, healpix29)
SELECT i, 1, 'x' || i, 1, p.ra, p.dec, galcat.healpix_of(p.ra, p.dec, 29)
FROM generate_series(%(first)s::bigint, %(last)s) AS i,
    LATERAL (SELECT 360 * random() AS ra, degrees(asin(2 * random() - 1)) AS dec WHERE i > 0) AS p
"""
VECTORS = """
INSERT INTO galcat.embedding SELECT i, 1, e.search
FROM generate_series(%(first)s::bigint, %(last)s) AS i, (SELECT search FROM galcat.embedding LIMIT 1) AS e
"""


def main() -> None:
    """Print the table."""
    with catalogue() as url, connect(url, autocommit=True) as connection:
        fill(connection, 10)
        connection.execute("SELECT setseed(0.5)")
        have = 0
        print(
            f"ms, median of {ROUNDS} places; cross-match: seconds for {MATCHED} positions, nearest, 1 arcsec"
        )
        for n in SIZES:
            span = {"first": have + 1, "last": n}
            for text in (SOURCES, VECTORS, _morphology(connection)):
                connection.execute(text, span)
            have = n
            refresh_statistics(connection)
            print(f"{n:>9} galaxies")
            for name, condition in REGIONS.items():
                print(f"  {name:24} {_median_ms(connection, condition):8.2f} ms")
            print(f"  {'cross-match':24} {_crossmatch_s(connection):8.2f} s")


def _morphology(connection: psycopg.Connection) -> sql.Composed:
    """A statement that gives every new galaxy the morphology of one of the first."""
    columns = connection.execute("SELECT * FROM galcat.morphology LIMIT 0").description or []
    others = sql.SQL(", ").join(sql.Identifier(c.name) for c in columns if c.name != "object_id")
    return sql.SQL(
        "INSERT INTO galcat.morphology (object_id, {0}) SELECT i, {0} "
        "FROM generate_series(%(first)s::bigint, %(last)s) AS i, "
        "(SELECT {0} FROM galcat.morphology LIMIT 1) AS m"
    ).format(others)


def _median_ms(connection: psycopg.Connection, condition: str) -> float:
    rng = np.random.default_rng(1)
    taken = []
    for _ in range(ROUNDS):
        ra, dec = rng.uniform(0, 350), rng.uniform(-80, 80)
        where = condition.format(ra=repr(float(ra)), dec=repr(float(dec)))
        query = "SELECT count(*) FROM galcat.source WHERE " + where
        count, seconds = _time(lambda query=query: connection.execute(query).fetchone())  # type: ignore[misc]
        taken.append(seconds)
        if not taken[1:]:  # once a size
            connection.execute("SET enable_indexscan = off; SET enable_bitmapscan = off")
            forced = connection.execute(query).fetchone()
            connection.execute("RESET enable_indexscan; RESET enable_bitmapscan")
            assert count == forced, query
    return float(np.median(taken)) * 1000


def _crossmatch_s(connection: psycopg.Connection) -> float:
    rows = connection.execute(
        "SELECT ra, dec FROM galcat.source ORDER BY random() LIMIT %s", [MATCHED]
    ).fetchall()
    half = rows[: len(rows) // 2]
    rng = np.random.default_rng(2)
    others = MATCHED - len(half)
    ra = [row[0] for row in half] + rng.uniform(0, 360, others).tolist()
    dec = [row[1] for row in half] + np.degrees(np.arcsin(rng.uniform(-1, 1, others))).tolist()
    found, seconds = _time(
        lambda: connection.execute(
            "SELECT count(*) FROM galcat.crossmatch(%s, %s, 1 / 3600.0)", [ra, dec]
        ).fetchone()
    )
    assert found is not None
    assert found[0] >= len(half)
    return seconds


def _time(ask: Callable[[], _T]) -> tuple[_T, float]:
    start = time.perf_counter()
    answer = ask()
    return answer, time.perf_counter() - start


if __name__ == "__main__":
    main()
