"""The service beside DaCHS' figures: latency, memory while a million rows leave, and a minute of 50 clients.

DaCHS 2.7 was measured on such a machine with 50,000 rows.
"""

import http.client
import random
import tempfile
import threading
import time
import urllib.parse
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import psutil  # type: ignore[import-untyped] # it ships no types
import psycopg
import pyvo

from benchmarks.grown_catalogue import sky
from benchmarks.throwaway import catalogue
from catalog.adql.translate import translate
from catalog.database.connection import connect
from catalog.database.reader_login import READER
from catalog.ingestion.writer import write_tile
from catalog.releases.releases import build_search_index, refresh_statistics
from catalog.tap.database.load_published import load_published
from tests.catalog.galaxies import fill, galaxy_rows, tile_record
from tests.clients.service import serving

ROWS = 50_000
TILE = 1_000
ROUNDS = 60
FORMATS = ("votable", "votable/td", "csv", "json", "fits", "parquet")
CLIENTS = 50
SECONDS = 60
SOME = "object_id, ra, dec, mag_r, shape_r"
PAIRS = "galcat.galaxy AS a, galcat.galaxy AS b"
MANY = f"SELECT TOP {{n}} a.object_id, a.ra, b.dec, a.mag_r, a.survey_source_id FROM {PAIRS}"
ENDLESS = f"SELECT COUNT(*) AS n FROM {PAIRS}, galcat.galaxy AS c WHERE a.ra * b.ra < c.dec"
AVERAGES = "SELECT FLOOR(mag_r) AS m, COUNT(*) AS n, AVG(bar_no_fraction) AS bar FROM galcat.galaxy"


@dataclass(frozen=True)
class Service:
    """A service that runs, and what is in it."""

    host: str
    process: psutil.Process
    ids: list[int]
    places: list[tuple[float, float]]

    def ask(self, query: str, address: str = "127.0.0.1", **parameters: str) -> tuple[int, bytes]:
        """Status and body of a synchronous query, over a connection of its own from an address."""
        text = urllib.parse.urlencode({"REQUEST": "doQuery", "LANG": "ADQL", "QUERY": query, **parameters})
        connection = http.client.HTTPConnection(self.host, timeout=300, source_address=(address, 0))
        connection.request("POST", "/tap/sync", text, {"Content-Type": "application/x-www-form-urlencoded"})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, body


def main() -> None:
    """Print the tables."""
    with catalogue() as url:
        with connect(url, autocommit=True) as connection:
            ids, places = _load(connection)
            _translation(connection)
        with tempfile.TemporaryDirectory() as home, serving(url, Path(home)) as running:
            service = Service(running.url.removeprefix("http://"), psutil.Process(running.pid), ids, places)
            _latency(service)
            _memory(service)
            _crowd(service, url)


def _load(connection: psycopg.Connection) -> tuple[list[int], list[tuple[float, float]]]:
    """50,000 galaxies, a third of them in clusters; their ids, and places where some are."""
    survey_id, release_id = fill(connection, 1)
    ra, dec = sky(ROWS, np.random.default_rng(3))
    for number, (start, end) in enumerate(pairwise(range(0, ROWS + 1, TILE))):
        rows = galaxy_rows(TILE, number, prefix=f"t{number}_")
        rows.ra[:], rows.dec[:] = ra[start:end], dec[start:end]
        tile = tile_record(f"tile{number}", f"content{number}")
        write_tile(connection, survey_id, release_id, tile, rows, [])
    build_search_index(connection, release_id)
    refresh_statistics(connection)
    connection.execute("VACUUM ANALYZE")
    some = "SELECT object_id, ra, dec FROM galcat.galaxy ORDER BY object_id LIMIT 2000"
    found = connection.execute(some).fetchall()
    return [row[0] for row in found], [(row[1], row[2]) for row in found]


def _translation(connection: psycopg.Connection) -> None:
    published = load_published(connection)
    ids = ", ".join(str(i) for i in range(10**18, 10**18 + 1_000))
    cases = {
        "a row": f"SELECT TOP 1 {SOME} FROM galcat.galaxy",
        "cone, cut, morph_distance": f"SELECT TOP 20 {SOME} FROM galcat.galaxy WHERE "
        "1=CONTAINS(POINT(ra, dec), CIRCLE(150, 2, 1)) AND mag_r < 17 ORDER BY morph_distance(object_id, 12)",
        "aggregates by magnitude": f"{AVERAGES} WHERE mag_r IS NOT NULL "
        "GROUP BY FLOOR(mag_r) HAVING COUNT(*) > 10 ORDER BY m",
        "join on a cone": f"SELECT a.object_id, b.object_id AS other FROM {PAIRS} WHERE "
        "1=CONTAINS(POINT(a.ra, a.dec), CIRCLE(b.ra, b.dec, 0.01)) AND a.object_id <> b.object_id",
        "IN of 1,000 ids": f"SELECT {SOME} FROM galcat.galaxy WHERE object_id IN ({ids})",
    }
    print("\ntranslation of ADQL                      ms")
    for name, text in cases.items():
        print(f"  {name:34} {_median_ms(lambda text=text: translate(text, published, 20_000)):8.2f}")


def _latency(service: Service) -> None:
    def cone() -> str:
        ra, dec = random.choice(service.places)
        return f"SELECT {SOME} FROM galcat.galaxy WHERE 1=CONTAINS(POINT(ra, dec), CIRCLE({ra}, {dec}, 0.1))"

    def by_id() -> str:
        return f"SELECT {SOME} FROM galcat.galaxy WHERE object_id = {random.choice(service.ids)}"

    def alike() -> str:
        wanted = random.choice(service.ids)
        return f"SELECT TOP 20 {SOME} FROM galcat.galaxy ORDER BY morph_distance(object_id, {wanted})"

    tap = pyvo.dal.TAPService(f"http://{service.host}/tap")
    five, many = (f"SELECT TOP {n} {SOME} FROM galcat.galaxy" for n in (5, 20_000))
    everything = f"SELECT {SOME} FROM galcat.galaxy"
    cases: list[tuple[str, Callable[[], object], float | None]] = [
        ("a row", lambda: _good(service.ask(f"SELECT TOP 1 {SOME} FROM galcat.galaxy")), 28.6),
        ("a galaxy by its id", lambda: _good(service.ask(by_id())), 31),
        ("a cone of 0.1 degrees", lambda: _good(service.ask(cone())), 52.5),
        ("20,000 rows", lambda: _good(service.ask(many, MAXREC="20000")), 179),
        ("50,000 rows", lambda: _good(service.ask(everything, MAXREC="60000")), 316),
        ("20 that look like one", lambda: _good(service.ask(alike())), None),
        ("a job of 5 rows (pyvo)", lambda: tap.run_async(five), 3_100),
    ]
    print(f"\n{ROWS} galaxies; median ms               here    DaCHS   ratio")
    for name, asked, theirs in cases:
        ours = _median_ms(asked)
        print(f"  {name:30} {ours:11.1f}" + (f" {theirs:8.1f} {ours / theirs:7.2f}" if theirs else ""))


def _memory(service: Service) -> None:
    print("\nrows leaving as          1e3 rows  1e6 rows: MB of the server at most, seconds, bytes")
    for form in FORMATS:
        peaks = []
        for n in (1_000, 1_000_000):
            start = time.perf_counter()
            with _peak(service.process) as peak:
                size = len(_good(service.ask(MANY.format(n=n), MAXREC=str(n), RESPONSEFORMAT=form)))
            peaks.append((peak[0], time.perf_counter() - start, size))
        print(f"  {form:22} {peaks[0][0]:8.0f} {peaks[1][0]:9.0f} {peaks[1][1]:8.1f} {peaks[1][2]:12}")


@dataclass
class _Tally:
    """What the clients saw."""

    times: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)


def _crowd(service: Service, url: str) -> None:
    """50 clients for a minute, each of an address of its own; two of them with queries that never end."""
    tally, lock, end = _Tally(), threading.Lock(), time.monotonic() + SECONDS
    runaways: list[tuple[int, float]] = []

    def client(seed: int) -> None:
        rng = random.Random(seed)
        while time.monotonic() < end:
            start = time.perf_counter()
            status, _ = service.ask(_something(service, rng), f"127.0.1.{seed + 1}")
            with lock:
                tally.times.append(time.perf_counter() - start)
                tally.statuses[status] += 1

    def runaway() -> None:
        start = time.perf_counter()
        status, _ = service.ask(ENDLESS)
        runaways.append((status, time.perf_counter() - start))

    before = service.process.memory_info().rss
    threads = [threading.Thread(target=client, args=[i]) for i in range(CLIENTS - 2)]
    threads += [threading.Thread(target=runaway) for _ in range(2)]
    with _peak(service.process) as peak:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    times = np.array(tally.times) * 1000
    print(
        f"\n{CLIENTS} clients for {SECONDS} s: {len(times)} answers, {dict(tally.statuses)}, "
        f"p50 {np.percentile(times, 50):.0f}, p99 {np.percentile(times, 99):.0f} ms, most {times.max():.0f}\n"
        f"  runaways: {[(status, round(seconds, 1)) for status, seconds in runaways]} (status, s)\n"
        f"  server's memory: {before / 1e6:.0f} MB before, {peak[0]:.0f} MB at most; "
        f"queries of it left in Postgres: {_count_sessions(url)}"
    )


def _something(service: Service, rng: random.Random) -> str:
    ra, dec = rng.choice(service.places)
    wanted = rng.choice(service.ids)
    return rng.choice(
        [
            f"SELECT {SOME} FROM galcat.galaxy WHERE 1=CONTAINS(POINT(ra, dec), CIRCLE({ra}, {dec}, 0.5))",
            f"SELECT TOP 20 {SOME} FROM galcat.galaxy ORDER BY morph_distance(object_id, {wanted})",
            f"SELECT TOP 20 {SOME} FROM galcat.galaxy WHERE 1=CONTAINS(POINT(ra,dec), CIRCLE({ra},{dec},2)) "
            f"AND mag_r < 17 ORDER BY morph_distance(object_id, {wanted})",
            f"{AVERAGES} GROUP BY FLOOR(mag_r)",
        ]
    )


def _count_sessions(url: str) -> int:
    with connect(url, autocommit=True) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE usename = %s AND state <> 'idle'", [READER]
        ).fetchone()
    assert row is not None
    return int(row[0])


@contextmanager
def _peak(process: psutil.Process) -> Iterator[list[float]]:
    """The most memory that a process has meanwhile, in MB."""
    peak, done = [process.memory_info().rss / 1e6], threading.Event()

    def watch() -> None:
        while not done.wait(0.05):
            peak[0] = max(peak[0], process.memory_info().rss / 1e6)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peak
    finally:
        done.set()
        watcher.join()


def _median_ms(asked: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        asked()
        times.append(time.perf_counter() - start)
    return float(np.median(times[ROUNDS // 10 :])) * 1000


def _good(answer: tuple[int, bytes]) -> bytes:
    status, body = answer
    if status != http.HTTPStatus.OK:
        raise RuntimeError(f"{status}: {body[:500]!r}")
    return body


if __name__ == "__main__":
    main()
