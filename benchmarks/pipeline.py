"""Galaxies a second from tile to row beside the bare forward pass, and whether memory grows with tiles.

`python -m benchmarks.pipeline [WEIGHTS]`, without it the weights that ship. For a release that finds frames,
`search` is what finding them costs, in times of the forward pass: the pictures of a tile are made with and
without it.
"""

import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch
from astropy.table import Table

from benchmarks.throwaway import catalogue
from encoder.cutouts.batches import image_batches
from encoder.inference.encode_tile import BATCH_SIZE
from encoder.model.encoder import Encoder, load_encoder
from encoder.model.recipe import ImageRecipe
from encoder.simulation.simulate import simulate_survey
from encoder.surveys.description import Survey
from encoder.surveys.survey_file import load_survey
from encoder.tiles.tiles import TileFiles, find_tiles, read_tile
from galcat.workflows.ingest.target import open_target
from galcat.workflows.ingest.tiles import ingest_tiles

BRICKS = 4
DENSE, SPARSE = 300, 40  # galaxies a brick: as in the demonstration, and few, so that 40 tiles end soon
COPIES = 10


def main(weights: Path | None = None) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory(prefix="galcat-benchmark-") as folder:
        dense = simulate_survey(Path(folder) / "dense", BRICKS, DENSE)
        few = simulate_survey(Path(folder) / "few", BRICKS, SPARSE)
        many = _copies(few, Path(folder) / "many")
        print("pipeline, bricks of 3600 x 3600 px in 3 bands, all views of the shipped encoder")
        names = ("tiles", "galaxies", "galaxies/s", "forward/s", "ratio", "search", "peak MB")
        print("{:>5} {:>8} {:>10} {:>10} {:>6} {:>6} {:>8}".format(*names))
        for tiles in (dense, few, many):
            _print_row(_measure_apart(tiles, weights))


def measure(folder: Path, weights: Path | None = None) -> dict[str, float]:
    """Ingest a folder, and run the forward pass alone over as many pictures, before and after."""
    survey, encoder = load_survey("legacy_dr10"), load_encoder(weights)
    tiles = find_tiles(survey, folder)
    pictures, seconds_each = _pictures(survey, encoder, encoder.recipe, tiles[0])
    _, without_each = _pictures(survey, encoder, replace(encoder.recipe, framing=None), tiles[0])
    before = _forward_rate(encoder, pictures)
    with catalogue() as url, open_target(url, survey, encoder) as target:
        start = time.perf_counter()
        outcomes = ingest_tiles(target, encoder, survey, tiles, {}, lambda _: None)
        seconds = time.perf_counter() - start
    galaxies = sum(outcome.n_galaxies for outcome in outcomes)
    forward = (before + _forward_rate(encoder, pictures)) / 2
    return {
        "tiles": len(tiles),
        "galaxies": galaxies,
        "rate": galaxies / seconds,
        "forward": forward,
        "search": (seconds_each - without_each) * forward,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _measure_apart(folder: Path, weights: Path | None) -> dict[str, float]:
    """The same in a process of its own, so that its peak of memory is its own."""
    command = [sys.executable, "-m", "benchmarks.pipeline", "--measure", str(folder)]
    command += [] if weights is None else [str(weights)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    values: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return values


def _print_row(row: dict[str, float]) -> None:
    print(
        f"{row['tiles']:5.0f} {row['galaxies']:8.0f} {row['rate']:10.1f} {row['forward']:10.1f} "
        f"{row['rate'] / row['forward']:6.2f} {row['search']:6.2f} {row['peak_mb']:8.0f}"
    )


def _pictures(
    survey: Survey, encoder: Encoder, recipe: ImageRecipe, tile: TileFiles
) -> tuple[torch.Tensor, float]:
    """The pictures of a tile, and the seconds that each took once the tile was prepared, at best of three."""
    read, best = read_tile(survey, tile), math.inf
    for _ in range(3):
        batches = image_batches(survey, read, recipe, encoder.device, BATCH_SIZE, [])
        start = time.perf_counter()
        pictures = torch.cat([batch.rgb for batch in batches])
        best = min(best, (time.perf_counter() - start) / len(pictures))
    return pictures, best


def _forward_rate(encoder: Encoder, pictures: torch.Tensor) -> float:
    """Pictures a second of the network alone, at the pipe's batch size, over three rounds."""
    encoder.encode(pictures[:BATCH_SIZE])
    start = time.perf_counter()
    for _ in range(3):
        for batch in torch.split(pictures, BATCH_SIZE):
            encoder.encode(batch)
    return 3 * len(pictures) / (time.perf_counter() - start)


def _copies(bricks: Path, folder: Path) -> Path:
    """The same bricks ten times under other names and brick numbers: hard-linked images, new catalogues."""
    for number in range(COPIES):
        for catalogue_file in sorted(bricks.glob("tractor/*/tractor-*.fits")):
            brick = catalogue_file.stem.removeprefix("tractor-")
            renamed = f"{brick}{number}"
            for image in sorted((bricks / "coadd" / brick[:3] / brick).iterdir()):
                target = folder / "coadd" / brick[:3] / renamed / image.name.replace(brick, renamed)
                target.parent.mkdir(parents=True, exist_ok=True)
                if not target.exists():
                    os.link(image, target)
            table = Table.read(catalogue_file)
            table["brickid"] += number * 1_000_000
            renamed_file = folder / "tractor" / brick[:3] / f"tractor-{renamed}.fits"
            renamed_file.parent.mkdir(parents=True, exist_ok=True)
            table.write(renamed_file, overwrite=True)
    return folder


if __name__ == "__main__":
    given = [Path(word) for word in sys.argv[1:]]
    if given and given[0].name == "--measure":
        print(json.dumps(measure(*given[1:])))
    else:
        main(*given)
