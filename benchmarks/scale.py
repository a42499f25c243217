"""What a hundred million and a billion galaxies take, computed from what was measured: docs/scale.md's table.

`python -m benchmarks.scale` prints the table, `--write` puts it into the page; a test compares the two, and
the measured bytes with those of docs/operators.md. `--measure FOLDER` measures anew what a galaxy takes of a
processor, on two simulated bricks that it makes in a folder.
"""

import math
import pickle
import re
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

SIZES = (100_000_000, 1_000_000_000)

# Measured, bytes a galaxy: docs/operators.md, "How large it becomes", the demonstration; docs/search.md.
BYTES = {
    "pictures": 5_740,
    "full vectors": 2_791,
    "search vectors": 189,
    "the vector index": 392,
    "vote fractions": 705,
    "positions, magnitudes, ids": 422,
}
MEMORY_BYTES = 397  # held by `galcat serve` for each galaxy
SWEEP = 2.5  # times that while it is read
READ_S = 33 / 1e6  # until it is read, seconds a galaxy

# Measured, by `--measure`: seconds of one core of this project's machine (x86-64, 2 cores, load 6 to 9).
FORWARD_S = 0.1806  # all 8 views of a galaxy
CORE_S = 0.1963  # from the files of a tile to its vectors, the forward pass included
SENT_BYTES = 10_530  # a galaxy of an encoded tile, pickled
TILE_BYTES = 145_700  # compressed files of a tile, of simulated bricks with 237 galaxies each
TILE_GALAXIES = 237
GFLOP = 3.006  # of a forward pass, by PyTorch's counter

# Measured: docs/operators.md, "Large loads".
BARE_ROWS = 8_333  # a second of Postgres' processor time, without the vector index
INDEXED_ROWS = 446  # with it

# Measured: docs/search.md. The index of a million galaxies on two cores, and how it grows with ten times.
INDEX_S = 275
INDEX_GROWTH = 24

# Not measured: no GPU was at hand. An A10G has 31.2 TFLOP/s of float32; a tenth of it is supposed.
GPU_GFLOPS = 3_120
GPU_CORES = 4  # of a g5.xlarge: they read, cut and draw what the GPU encodes

# Prices, US dollars: docs/scale.md says of whom and of when.
CORE_HOUR = 0.34 / 8  # c5.2xlarge
GPU_HOUR = 1.006  # g5.xlarge
NODE_HOUR, NODE_CORES, NODE_GIB = 2.016, 32, 256  # r6i.8xlarge
DISK_MONTH = 0.08  # a GB of gp3
OBJECT_MONTH = 0.023  # a GB of S3 Standard
MONTH_HOURS = 730

ROOM = 1.3  # disk is bought for so many times the bytes
USED = 0.8  # of a node's memory
HOT = ("search vectors", "the vector index")  # in memory for answers in milliseconds
CORE = tuple(name for name in BYTES if name not in {"pictures", "full vectors"})
ID_BITS = 63

PAGE = Path(__file__).parents[1] / "docs" / "scale.md"
_MARKS = re.compile(r"(<!-- table: begin -->\n\n)(.*?)(\n?<!-- table: end -->)", re.DOTALL)


def table() -> str:
    """The table of the page, as Markdown."""
    head = ["galaxies", *(f"{n:,}" for n in SIZES)]
    lines = [head, ["---"] * len(head)]
    lines += [[name, *(show(n) for n in SIZES)] for name, show in _ROWS.items()]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def database_bytes(n: int) -> float:
    """All that Postgres keeps, bytes."""
    return n * sum(BYTES.values())


def core_bytes(n: int) -> float:
    """What would stay in Postgres were pictures and full vectors elsewhere, bytes."""
    return n * sum(BYTES[name] for name in CORE)


def hot_bytes(n: int) -> float:
    """What is to be in memory for answers in milliseconds, bytes."""
    return n * sum(BYTES[name] for name in HOT)


def nodes(n: int) -> int:
    """How many nodes hold that in memory."""
    return math.ceil(hot_bytes(n) / (NODE_GIB * 2**30 * USED))


def gpu_rate() -> float:
    """Galaxies a second of a GPU with its cores, which feed it: the slower of the two counts."""
    return min(GPU_GFLOPS / GFLOP, GPU_CORES / (CORE_S - FORWARD_S))


def index_seconds(n: int) -> float:
    """Building the vector index on a node, if it grows as it did from 100,000 to a million galaxies."""
    return INDEX_S * (n / 1e6) ** math.log10(INDEX_GROWTH) * 2 / NODE_CORES


def month(n: int) -> float:
    """Nodes, disk twice (a standby has its own) and a backup, US dollars a month."""
    size = database_bytes(n) / 1e9
    return 2 * (nodes(n) * NODE_HOUR * MONTH_HOURS + size * ROOM * DISK_MONTH) + size * OBJECT_MONTH


def collisions(n: int) -> float:
    """Expected number of pairs of galaxies with one object_id, which are digests of so many bits."""
    return n * (n - 1) / 2 / 2**ID_BITS


def _bytes(size: float) -> str:
    for unit, step in (("PB", 1e15), ("TB", 1e12), ("GB", 1e9)):
        if size >= step:
            return f"{_number(size / step)} {unit}"
    return f"{_number(size / 1e6)} MB"


def _hours(seconds: float) -> str:
    if seconds >= 3600:
        return f"{_number(seconds / 3600)} h"
    return f"{_number(seconds / 60)} min" if seconds >= 60 else f"{_number(seconds)} s"


def _number(value: float) -> str:
    """Two digits, or all before the point."""
    digits = max(0, 1 - math.floor(math.log10(value))) if value else 0
    return f"{round(value, digits):,.{digits}f}"


def _dollars(value: float) -> str:
    return f"${_number(value)}"


_ROWS: dict[str, Callable[[int], str]] = {
    "tiles, of 237 galaxies each": lambda n: f"{round(n / TILE_GALAXIES, -2):,.0f}",
    "their files": lambda n: _bytes(n * TILE_BYTES),
    "encoding, hours of one core": lambda n: _number(n * CORE_S / 3600),
    "its price": lambda n: _dollars(n * CORE_S / 3600 * CORE_HOUR),
    "encoding, hours of one GPU (supposed, not measured)": lambda n: _number(n / gpu_rate() / 3600),
    "its price (supposed)": lambda n: _dollars(n / gpu_rate() / 3600 * GPU_HOUR),
    "sent from workers to the writer": lambda n: _bytes(n * SENT_BYTES),
    "writing without the vector index, Postgres' processor time": lambda n: _hours(n / BARE_ROWS),
    "the same into a vector index that is there": lambda n: _hours(n / INDEXED_ROWS),
    "building the vector index, on 32 cores": lambda n: _hours(index_seconds(n)),
    "database": lambda n: _bytes(database_bytes(n)),
    "of it pictures and full vectors": lambda n: _bytes(database_bytes(n) - core_bytes(n)),
    "of it all else": lambda n: _bytes(core_bytes(n)),
    "search vectors and their index, to be in memory": lambda n: _bytes(hot_bytes(n)),
    "nodes of 256 GiB for that": lambda n: f"{nodes(n)}",
    "galaxies in memory of one `galcat serve`": lambda n: _bytes(n * MEMORY_BYTES),
    "the same while they are read": lambda n: _bytes(n * MEMORY_BYTES * SWEEP),
    "until they are read": lambda n: _hours(n * READ_S),
    "two servers, disk and a backup, a month": lambda n: _dollars(month(n)),
    "expected pairs with one object_id": lambda n: f"{collisions(n):.1g}",
}


def write() -> None:
    """Put the table into the page."""
    text = PAGE.read_text(encoding="utf-8")
    done = _MARKS.sub(lambda found: f"{found[1]}{table()}\n{found[3].lstrip()}", text)
    PAGE.write_text(done, encoding="utf-8")


def shown() -> str:
    """The table that the page has."""
    found = _MARKS.search(PAGE.read_text(encoding="utf-8"))
    assert found is not None
    return found[2]


def measure(folder: Path) -> None:
    """Print what a galaxy takes of one core, by processor time, and how large it is when it is sent."""
    import torch  # noqa: PLC0415 - the table needs none of it
    from torch.utils.flop_counter import FlopCounterMode  # noqa: PLC0415

    from encoder.cutouts.plan import cells_for_cutouts  # noqa: PLC0415
    from encoder.inference.encode_tile import BATCH_SIZE, cut_tile, encode_tile  # noqa: PLC0415
    from encoder.model.encoder import load_encoder  # noqa: PLC0415
    from encoder.simulation.simulate import simulate_survey  # noqa: PLC0415
    from encoder.surveys.survey_file import load_survey  # noqa: PLC0415
    from encoder.tiles.tiles import find_tiles, read_tile  # noqa: PLC0415

    torch.set_num_threads(1)
    simulate_survey(folder, 2, 270)
    survey, encoder = load_survey("legacy_dr10"), load_encoder()
    with FlopCounterMode(display=False) as flops:
        encoder.encode(torch.zeros(1, 3, encoder.recipe.size, encoder.recipe.size))
    pictures = torch.rand(BATCH_SIZE, 3, encoder.recipe.size, encoder.recipe.size)
    start = time.process_time()
    encoder.encode(pictures)
    seconds, gflop = (time.process_time() - start) / BATCH_SIZE, flops.get_total_flops() / 1e9
    print(f"forward pass {seconds:.4f} s, {gflop:.3f} GFLOP")
    for files in find_tiles(survey, folder):
        start = time.process_time()
        files.content_hash()
        tile = read_tile(survey, files, partial(cells_for_cutouts, encoder.recipe))
        encoded = encode_tile(cut_tile(survey, tile, encoder), encoder)
        n = len(encoded.sources)
        print(
            f"{files.name}: {n} galaxies, each {(time.process_time() - start) / n:.4f} s, "
            f"{len(pickle.dumps(encoded, 5)) / n:,.0f} bytes when sent, "
            f"{sum(path.stat().st_size for path in files.files) / n:,.0f} bytes of files"
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(Path(sys.argv[2]))
    elif sys.argv[1:] == ["--write"]:
        write()
    else:
        print(table(), end="")
