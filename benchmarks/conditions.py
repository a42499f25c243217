"""The 20 nearest under any condition, over a million galaxies, with and without galaxies in memory.

`python -m benchmarks.conditions FOLDER [CONDITIONS]` makes the catalogue of benchmarks.million there, or
finds it. Conditions are drawn: votes for and against the likeness, magnitudes, cones of 0.01 to 60 degrees,
boxes, pixels of HEALPix, and pairs of these, of a share of 1e-5 to 1. Each is asked ROUNDS times of both ways
in turn, and the shortest counts; a last line has the time of every asking. What is found is held against
brute force in numpy.
"""

import os
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil  # type: ignore[import-untyped] # it ships no types
import psycopg
from numpy.typing import NDArray
from psycopg import sql

from benchmarks.million import Million, open_million
from catalog.database.connection import connect
from catalog.database.migrate import migrate
from catalog.questions import FRACTIONS
from catalog.search.memory.galaxy_memory import GalaxyMemory
from catalog.search.request import Cone, Search
from catalog.search.search import search

if TYPE_CHECKING:
    from collections.abc import Callable

N = 20
CONDITIONS = 200
QUERIES_EACH = 2
ROUNDS = 3
Mask = NDArray[np.bool_]
Columns = dict[str, NDArray[np.generic]]


@dataclass(frozen=True)
class Condition:
    """A condition as a search takes it, and which galaxies fulfil it."""

    kind: str
    cone: Cone | None
    where: str
    kept: Mask


def main() -> None:
    """Print the table."""
    million = open_million(Path(sys.argv[1]))
    wanted = int(sys.argv[2]) if len(sys.argv) > 2 else CONDITIONS
    migrate(million.url)
    with connect(million.url, autocommit=True) as connection:
        columns = _read_columns(connection, Path(sys.argv[1]) / "columns.npz", million)
        conditions = draw_conditions(columns, wanted, np.random.default_rng(12))
        before, began = psutil.Process().memory_info().rss, time.perf_counter()
        memory = GalaxyMemory(million.url)
        memory.start()
        state = memory.wait()
        assert state.phase == "held", state
        grown = psutil.Process().memory_info().rss - before
        print(
            f"held in memory after {time.perf_counter() - began:.1f} s: "
            f"{state.bytes / state.galaxies:.0f} bytes a galaxy, the process grew by "
            f"{grown / state.galaxies:.0f}"
        )
        _measure(connection, million, conditions, memory)
        memory.close()


def draw_conditions(columns: Columns, n: int, rng: np.random.Generator) -> list[Condition]:
    """The kinds of docs/search.md, and n drawn ones; seeded."""
    draw = _Draw(columns, rng)
    fixed = [
        replace(draw.both(draw.cone(radius), draw.vote(0.5)), kind=f"cone of {radius:g} deg and a vote")
        for radius in (1.0, 5.0, 60.0)
        for _ in range(5)
    ]
    for share in (0.001, 0.5):
        fixed += [replace(draw.vote(share), kind=f"{share:.1%} by a vote") for _ in range(8)]
        fixed += [replace(draw.magnitude(share), kind=f"{share:.1%} by mag_r") for _ in range(4)]
    single: list[Callable[[], Condition]] = [
        lambda: draw.vote(10 ** rng.uniform(-5, 0)),
        lambda: draw.magnitude(10 ** rng.uniform(-5, 0)),
        lambda: draw.cone(10 ** rng.uniform(-2, 1.78)),
        draw.box,
        draw.pixel,
    ]
    drawn = []
    for i in range(n):
        one = single[i % len(single)]()
        drawn.append(one if i % 2 else draw.both(one, single[int(rng.integers(len(single)))]()))
    return fixed + drawn


class _Draw:
    """Draws conditions of the catalogue at hand."""

    def __init__(self, columns: Columns, rng: np.random.Generator) -> None:
        self.columns, self.rng = columns, rng
        ra, dec = (np.radians(columns[name].astype(float)) for name in ("ra", "dec"))
        self.unit = np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=1)

    def vote(self, share: float) -> Condition:
        """About that share by one answer, the highest or the lowest votes."""
        name = str(self.rng.choice(FRACTIONS))
        return self._cut("vote", name, share, is_above=bool(self.rng.random() < 0.5))

    def magnitude(self, share: float) -> Condition:
        """About that share by brightness."""
        return self._cut("magnitude", "mag_r", share, is_above=False)

    def _cut(self, kind: str, name: str, share: float, *, is_above: bool) -> Condition:
        values = self.columns[name]
        limit = float(np.quantile(values, 1 - share if is_above else share).astype(np.float32))
        sign, kept = (">", values > limit) if is_above else ("<", values < limit)
        return Condition(kind, None, f"{name} {sign} {limit!r}::real", kept)

    def cone(self, radius_deg: float) -> Condition:
        """Around a galaxy."""
        i = int(self.rng.integers(len(self.unit)))
        cone = Cone(float(self.columns["ra"][i]), float(self.columns["dec"][i]), radius_deg)
        chord = np.linalg.norm(self.unit - self.unit[i], axis=1)
        return Condition("cone", cone, "", 2 * np.arcsin(np.minimum(1, chord / 2)) <= np.radians(radius_deg))

    def box(self) -> Condition:
        """Between two right ascensions and declinations."""
        i, (width, height) = int(self.rng.integers(len(self.unit))), 10 ** self.rng.uniform(-1, 1.4, 2)
        ra, dec = (self.columns[name].astype(float) for name in ("ra", "dec"))
        low, high = float(ra[i] - width / 2), float(ra[i] + width / 2)
        south, north = float(dec[i] - height / 2), float(dec[i] + height / 2)
        kept = (ra >= low) & (ra <= high) & (dec >= south) & (dec <= north)
        text = f"ra BETWEEN {low!r} AND {high!r} AND dec BETWEEN {south!r} AND {north!r}"
        return Condition("box", None, text, kept)

    def pixel(self) -> Condition:
        """A pixel of HEALPix, of which a MOC is made."""
        shift = 2 * (29 - int(self.rng.integers(2, 9)))
        pixels = self.columns["healpix29"].astype(np.int64)
        low = int(pixels[int(self.rng.integers(len(pixels)))]) >> shift << shift
        high = low + (1 << shift)
        text = f"healpix29 >= {low} AND healpix29 < {high}"
        return Condition("pixel", None, text, (pixels >= low) & (pixels < high))

    @staticmethod
    def both(one: Condition, other: Condition) -> Condition:
        """Both of them; of two cones the first."""
        if one.cone is not None and other.cone is not None:
            return one
        where = " AND ".join(text for text in (one.where, other.where) if text)
        kind = " and ".join(sorted((one.kind, other.kind)))
        return Condition(kind, one.cone or other.cone, where, one.kept & other.kept)


@dataclass(frozen=True)
class _Asked:
    """One question, asked ROUNDS times of one way."""

    kind: str
    share: float
    seconds: list[float]
    recall: float
    is_short: bool
    is_exact: bool


def _measure(
    connection: psycopg.Connection, million: Million, conditions: list[Condition], memory: GalaxyMemory
) -> None:
    norms = (million.vectors**2).sum(axis=1)
    halves = million.queries.astype(np.float16).astype(np.float32)
    rng = np.random.default_rng(13)
    ways: dict[str, GalaxyMemory | None] = {"Postgres alone": None, "galaxies in memory": memory}
    asked: dict[str, list[_Asked]] = {way: [] for way in ways}
    print(f"{len(conditions)} conditions, load {os.getloadavg()[0]:.1f}", flush=True)
    for condition in conditions:
        inside = np.flatnonzero(condition.kept)
        for chosen in rng.integers(0, len(halves), QUERIES_EACH):
            query = halves[chosen]
            wanted = Search(like=query, n=N, cone=condition.cone, where=condition.where, columns=())
            exact = _brute_force(million, norms, inside, query)
            tries: dict[str, list[tuple[float, float, bool, bool]]] = {way: [] for way in ways}
            for _ in range(ROUNDS):
                for way, held in ways.items():
                    tries[way].append(_ask(connection, wanted, exact, held))
            for way, found in tries.items():
                seconds, recalls, shorts, exacts = zip(*found, strict=True)
                asked[way].append(
                    _Asked(
                        condition.kind,
                        len(inside) / len(norms),
                        list(seconds),
                        min(recalls),
                        any(shorts),
                        all(exacts),
                    )
                )
    for way, rows in asked.items():
        _print(way, rows)
    ratio = [min(a.seconds) / min(b.seconds) for a, b in zip(*asked.values(), strict=True)]
    print(f"\n  one by the other, median {np.median(ratio):.1f}, load {os.getloadavg()[0]:.1f}")


def _ask(
    connection: psycopg.Connection, wanted: Search, exact: NDArray[np.float64], memory: GalaxyMemory | None
) -> tuple[float, float, bool, bool]:
    """Seconds, recall, whether rows are missing, and whether it says that it is exact."""
    begun = time.perf_counter()
    found = search(connection, wanted, memory)
    seconds = time.perf_counter() - begun
    near = [float(str(row[1])) for row in found.rows]
    if not len(exact):
        return seconds, 1.0, bool(near), found.is_exact
    recall = sum(distance <= exact[-1] + 1e-5 for distance in near) / len(exact)
    return seconds, recall, len(near) < len(exact), found.is_exact


def _brute_force(
    million: Million, norms: NDArray[np.float32], inside: NDArray[np.int64], query: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Distances of the N nearest."""
    vectors = million.vectors if len(inside) == len(norms) else million.vectors[inside]
    near = norms[inside] - 2 * vectors @ query
    if len(near) > 2 * N:
        vectors = vectors[np.argpartition(near, 2 * N)[: 2 * N]]
    return np.sort(np.linalg.norm(vectors.astype(np.float64) - query, axis=1))[:N]


def _print(way: str, rows: list[_Asked]) -> None:
    print(f"\n  {way:34}       share   recall  exact   p50   p95   p99   max ms")
    for kind in [*dict.fromkeys(row.kind for row in rows), "all"]:
        of_kind = [row for row in rows if kind in {row.kind, "all"}]
        shares = [row.share for row in of_kind]
        short = sum(row.is_short for row in of_kind)
        print(
            f"  {kind[:34]:34} {min(shares):7.0e}-{max(shares):.0e}   "
            f"{np.mean([row.recall for row in of_kind]):.4f}  "
            f"{np.mean([row.is_exact for row in of_kind]):4.0%} "
            f"{_marks([min(row.seconds) for row in of_kind])}" + (f" {short} short" if short else ""),
            flush=True,
        )
    every = [seconds for row in rows for seconds in row.seconds]
    print(f"  {'all, every asking':34} {'':29} {_marks(every)}", flush=True)


def _marks(seconds: list[float]) -> str:
    return " ".join(f"{1000 * np.percentile(seconds, q):5.1f}" for q in (50, 95, 99, 100))


def _read_columns(connection: psycopg.Connection, kept: Path, million: Million) -> Columns:
    """Columns of the catalogue in the order of the vectors; read once, then from a file."""
    names = ("ra", "dec", "healpix29", "mag_r", *FRACTIONS)
    if not kept.exists():
        row = np.dtype(
            [("fields", ">i2"), ("l", ">i4"), ("object_id", ">i8")]
            + [
                part
                for name in names
                for part in (
                    (f"l {name}", ">i4"),
                    (name, ">f8" if name in {"ra", "dec"} else ">i8" if name == "healpix29" else ">f4"),
                )
            ]
        )
        query = sql.SQL("COPY (SELECT object_id, {} FROM galcat.galaxy) TO STDOUT (FORMAT BINARY)").format(
            sql.SQL(", ").join(map(sql.Identifier, names))
        )
        with connection.cursor().copy(query) as copy:
            parts = [bytes(part[-row.itemsize :]) for part in copy if len(part) >= row.itemsize]
        rows = np.frombuffer(b"".join(parts), row)
        order = np.argsort(rows["object_id"])[np.argsort(np.argsort(million.ids))]
        np.savez(
            kept, **{name: rows[name][order].astype(rows[name].dtype.newbyteorder("=")) for name in names}
        )
    with np.load(kept) as file:
        return {name: file[name] for name in names}


if __name__ == "__main__":
    main()
