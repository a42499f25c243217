"""A catalogue of a million made galaxies that stays: positions, votes, search vectors, some pictures.

`python -m benchmarks.million FOLDER [GALAXIES]` makes it (some 10 minutes on two quiet cores) or finds it
there, and leaves its server running: `GALCAT_HOME=FOLDER galcat serve` shows it, `GALCAT_HOME=FOLDER galcat
down` ends it. The benchmarks of the page and of conditions ask it. The galaxies are those of
benchmarks.grown_catalogue, drawn around the encoder's vectors of real and simulated ones.
"""

import io
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psycopg
from numpy.typing import NDArray
from PIL import Image

from benchmarks.grown_catalogue import load
from benchmarks.grown_vectors import Sample, grow, real_sample
from catalog.database.connection import connect
from catalog.database.embedded.server import up
from catalog.database.migrate import migrate
from catalog.releases.releases import build_search_index, refresh_statistics

GALAXIES = 1_000_000
PICTURES = 4_000
KEPT = "benchmark.npz"


@dataclass(frozen=True)
class Million:
    """The kept catalogue.

    Attributes:
        url: URL of its database.
        ids: (n,) object_ids, in the order in which they were written.
        vectors: (n, 40) search vectors as they are stored, in that order.
        queries: (q, 40) held-out vectors of real galaxies, of which none is stored.
    """

    url: str
    ids: NDArray[np.int64]
    vectors: NDArray[np.float32]
    queries: NDArray[np.float32]


def main() -> None:
    """Make it, or find it."""
    folder = Path(sys.argv[1])
    found = open_million(folder, int(float(sys.argv[2])) if len(sys.argv) > 2 else GALAXIES)
    print(f"{len(found.ids)} galaxies at {found.url}")


def open_million(folder: Path, n: int = GALAXIES) -> Million:
    """The catalogue in a folder, made where it is not there; its server runs afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)  # as root, the server's account must reach it
    url = up(folder)
    kept = folder / KEPT
    if not kept.exists():
        migrate(url)
        with connect(url, autocommit=True) as connection:
            _make(connection, real_sample(), n, kept)
    with np.load(kept) as file:
        vectors = file["search"].astype(np.float32)
        return Million(url, file["ids"], vectors, file["queries"])


def _make(connection: psycopg.Connection, sample: Sample, n: int, kept: Path) -> None:
    begun = time.monotonic()
    drawn = grow(sample, n, 1)
    ids = load(connection, sample, drawn, n)
    print(f"{n} galaxies written after {time.monotonic() - begun:.0f} s", flush=True)
    build_search_index(connection, 1)
    refresh_statistics(connection)
    print(f"vector index there after {time.monotonic() - begun:.0f} s", flush=True)
    write_pictures(connection, np.random.default_rng(7).choice(ids, min(PICTURES, n), replace=False).tolist())
    _write_map(connection, ids, drawn.search)
    np.savez(kept, ids=ids, search=drawn.search.astype(np.float16), queries=sample.queries)


def write_pictures(connection: psycopg.Connection, ids: Sequence[int]) -> None:
    """Small pictures of some galaxies: blobs of several sizes and angles."""
    rng = np.random.default_rng(8)
    with connection.cursor().copy("COPY galcat.thumbnail (object_id, jpeg) FROM STDIN") as copy:
        for object_id in ids:
            copy.write_row([object_id, _blob(rng)])


def _write_map(connection: psycopg.Connection, ids: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
    """A map of the first two axes, as large in bytes as the real one, whose t-SNE takes minutes."""
    order = np.argsort(ids)
    places = vectors[order, :2] / np.abs(vectors[:, :2]).max()
    connection.execute(
        "INSERT INTO galcat.release_map (release_id, object_ids, places) VALUES (1, %s, %s)",
        [ids[order].astype("<i8").tobytes(), places.astype("<f4").tobytes()],
    )


def _blob(rng: np.random.Generator) -> bytes:
    y, x = np.mgrid[-1:1:128j, -1:1:128j]
    angle, flat = rng.uniform(0, np.pi), rng.uniform(1, 5)
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    light = np.exp(-rng.uniform(4, 40) * (along**2 + flat * across**2))[..., None]
    pixels = light * rng.uniform(120, 235, 3) + rng.normal(20, 4, (128, 128, 3))
    buffer = io.BytesIO()
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


if __name__ == "__main__":
    main()
