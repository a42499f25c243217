"""The page of `galcat serve` over a million galaxies: clicks, the map, labels, and a minute of 20 visitors.

`python -m benchmarks.page FOLDER [PART ...]` makes the catalogue of benchmarks.million there, or finds it.
A click is what a browser does: the page, then its first 50 pictures six at a time over open connections. The
time of the database is the one that the page itself shows. Parts are `weight`, `clicks`, `crowd` (20 visitors
from as many addresses), `room` (20 from one), and in a browser `map` and `keys`; all where none is named.
"""

import os
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import httpx
import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from benchmarks.million import Million, open_million, write_pictures
from catalog.database.connection import connect
from tests.clients.service import serving
from tests.waiting import wait_until

Mask = NDArray[np.bool_]
Addresses = Callable[[np.random.Generator], str]
CLICKS = 60
PICTURES = 50
AT_ONCE = 6
"""Pictures that a browser fetches at once from one server."""
VISITORS = 20
CROWD_S = 60.0
SMOOTH, FEATURED = "smooth_or_featured_smooth_fraction", "smooth_or_featured_featured_or_disk_fraction"
_TAP = (
    "SELECT TOP 100 object_id, ra, dec, mag_r FROM galcat.galaxy WHERE mag_r < 15",
    "SELECT TOP 20 object_id FROM galcat.galaxy WHERE 1=CONTAINS(POINT(ra, dec), CIRCLE(160, 20, 0.5))",
    "SELECT COUNT(*) AS n, AVG(bar_strong_fraction) AS bar FROM galcat.galaxy WHERE mag_r < 14",
)
_HELD = 'galcat_search_memory{phase="held"} 1.0'
_SHOWN_MS = re.compile(r"in (\d+) ms")
_PICTURE = re.compile(r'<a class="picture"[^>]*><img src="([^"]+)"')
_ASSET = re.compile(r'(?:src|href)="(/[^"]*\.(?:js|css)[^"]*)"')


def main() -> None:
    """Print the tables."""
    folder = Path(sys.argv[1])
    parts = sys.argv[2:] or ["clicks", "weight", "crowd", "room", "map", "keys"]
    million = open_million(folder)
    with serve(million) as base:
        if "weight" in parts:
            _weigh(base)
        if "clicks" in parts:
            _click(base, million)
        if "crowd" in parts:
            _crowd(base, million, addresses=VISITORS)
        if "room" in parts:
            _crowd(base, million, addresses=1)
        if "map" in parts or "keys" in parts:
            from benchmarks.page_in_a_browser import measure  # noqa: PLC0415 - needs chromium

            measure(base, million.url, parts)


@contextmanager
def serve(million: Million) -> Iterator[str]:
    """The address of a service, in a process of its own, that holds the galaxies in memory by now."""
    with tempfile.TemporaryDirectory() as home, serving(million.url, Path(home)) as running:
        wait_until(
            lambda: _HELD in httpx.get(f"{running.url}/metrics", timeout=60).text, "galaxies in memory"
        )
        yield running.url


def kinds(million: Million) -> dict[str, Addresses]:
    """How each kind of click finds an address, by its name: around a galaxy drawn at random."""
    places, smooth = _read_some(million)

    def like(narrowed: str, among: Mask) -> Addresses:
        def address(rng: np.random.Generator) -> str:
            object_id, ra, dec = places[int(rng.choice(np.flatnonzero(among)))]
            return f"/?like={object_id}&n={PICTURES}" + narrowed.format(ra=ra, dec=dec)

        return address

    def near(rng: np.random.Generator) -> str:
        _, ra, dec = places[int(rng.integers(len(places)))]
        return f"/?ra={ra}&dec={dec}&radius=6&n={PICTURES}"

    every = np.ones(len(places), bool)
    return {
        "like one": like("", every),
        "like one, within 1 degree": like("&ra={ra}&dec={dec}&radius=60", every),
        "like a smooth one, smooth > 0.5": like(f"&{SMOOTH}=0.5..", smooth),
        "like a smooth one, featured > 0.5": like(f"&{FEATURED}=0.5..", smooth),
        "like one, mag_r < 16": like("&mag_r=..16", every),
        "brightest, no likeness": lambda rng: f"/?n={PICTURES}&mag_r={rng.uniform(12, 16):.2f}..",
        "brightest with bars": lambda rng: (
            f"/?n={PICTURES}&bar_strong_fraction={rng.uniform(0.5, 0.7):.2f}.."
        ),
        "nearest in 6 arcmin": near,
    }


def _read_some(million: Million) -> tuple[list[tuple[int, float, float]], Mask]:
    """object_id and position of some galaxies, and which of them are smooth."""
    query = sql.SQL("SELECT object_id, ra, dec, {} > 0.5 FROM galcat.galaxy ORDER BY object_id LIMIT 2000")
    with connect(million.url, autocommit=True) as connection:
        rows = connection.execute(query.format(sql.Identifier(SMOOTH))).fetchall()
    return [(row[0], row[1], row[2]) for row in rows], np.array([row[3] for row in rows])


def _click(base: str, million: Million) -> None:
    print(f"\nclick to {PICTURES} pictures, {len(million.ids)} galaxies, {CLICKS} clicks of a kind; ms")
    print(f"  {'':36}   all pictures   database        beside it   load")
    print(f"  {'':36}    p50    p95    p50    p95    p50    p95")
    with httpx.Client(base_url=base, timeout=60) as client, ThreadPoolExecutor(AT_ONCE) as pool:
        for name, make in kinds(million).items():
            rng = np.random.default_rng(11)
            addresses = [make(rng) for _ in range(CLICKS)]
            _fill_pictures(client, million, addresses)
            seen = np.array([_one_click(client, pool, address) for address in addresses]) * 1000
            columns = (seen[:, 0], seen[:, 2], seen[:, 1] - seen[:, 2])
            cells = [f"{np.percentile(column, q):6.0f}" for column in columns for q in (50, 95)]
            print(f"  {name:36} {' '.join(cells)}   {os.getloadavg()[0]:.1f}", flush=True)


def _fill_pictures(client: httpx.Client, million: Million, addresses: list[str]) -> None:
    """Give every galaxy that will be shown a picture; the pages are warm then."""
    ids: set[int] = set()
    for address in addresses:
        found = _PICTURE.findall(client.get(address).text)
        ids.update(int(one.rsplit("/", 1)[1].removesuffix(".jpg")) for one in found)
    query = "SELECT object_id FROM galcat.thumbnail WHERE object_id = ANY (%s)"
    with connect(million.url, autocommit=True) as connection:
        rows = connection.execute(query, [list(ids)])
        write_pictures(connection, sorted(ids - {row[0] for row in rows}))


def _one_click(client: httpx.Client, pool: ThreadPoolExecutor, address: str) -> tuple[float, float, float]:
    """Seconds until all pictures are there, until the page is, and of the database."""
    begun = time.perf_counter()
    answer = client.get(address)
    page = time.perf_counter() - begun
    pictures = _PICTURE.findall(answer.text)[:PICTURES]
    statuses = [one.status_code for one in pool.map(client.get, pictures)]
    assert answer.status_code == 200, answer.text[:500]
    assert set(statuses) <= {200}, Counter(statuses)
    shown = _SHOWN_MS.search(answer.text)
    return time.perf_counter() - begun, page, int(shown[1]) / 1000 if shown else 0.0


def _weigh(base: str) -> None:
    with httpx.Client(base_url=base, timeout=60) as client:
        page = client.get("/")
        print("\nfirst page before its pictures: bytes as they travel")
        total = _sent(page)
        print(f"  {total:8}  /")
        scripts = 0
        for address in dict.fromkeys(_ASSET.findall(page.text)):
            size = _sent(client.get(address))
            total += size
            scripts += size if ".js" in address else 0
            print(f"  {size:8}  {address}")
        print(f"  {total:8}  in all, {scripts} of them JavaScript")


def _sent(answer: httpx.Response) -> int:
    return int(answer.headers.get("content-length", answer.num_bytes_downloaded))


def _crowd(base: str, million: Million, addresses: int) -> None:
    """VISITORS from some addresses who click and look for a minute, two of TAP beside them."""
    statuses: Counter[int] = Counter()
    times: list[float] = []
    until = time.monotonic() + CROWD_S
    ways = list(kinds(million).values())

    def visit(number: int) -> None:
        rng = np.random.default_rng(number)
        own = httpx.HTTPTransport(local_address=f"127.0.0.{number % addresses + 2}")
        with (
            httpx.Client(base_url=base, timeout=120, transport=own) as client,
            ThreadPoolExecutor(AT_ONCE) as pool,
        ):
            while time.monotonic() < until:
                begun = time.monotonic()
                answer = client.get(ways[int(rng.integers(len(ways)))](rng))
                statuses[answer.status_code] += 1
                for one in pool.map(client.get, _PICTURE.findall(answer.text)[:PICTURES]):
                    statuses[one.status_code] += 1
                times.append(time.monotonic() - begun)

    def ask() -> None:
        with httpx.Client(base_url=base, timeout=120) as client:
            while time.monotonic() < until:
                for query in _TAP:
                    answer = client.post("/tap/sync", data={"LANG": "ADQL", "QUERY": query})
                    statuses[answer.status_code] += 1

    threads = [Thread(target=visit, args=(i,)) for i in range(VISITORS)]
    threads += [Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    who = f"{VISITORS} visitors of {addresses} addresses, {CROWD_S:.0f} s, two clients of TAP"
    print(f"\n{who}, load {os.getloadavg()[0]:.1f}")
    print(f"  answers by status: {dict(sorted(statuses.items()))}")
    half, most = np.percentile(times, [50, 95])
    print(f"  {len(times)} clicks with their pictures, p50 {half:.2f} s, p95 {most:.2f} s")


if __name__ == "__main__":
    main()
