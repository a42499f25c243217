"""Whether a galaxy is the same galaxy in another frame: `python -m benchmarks.encoder.framing [WEIGHTS]`.

Every galaxy is shown in four frames: the whole field, half of it, so tight that it fills the picture, and
the whole field enlarged 1.5 times. Asked with one frame, is the galaxy itself the nearest of all that are
shown in another? How far apart are its two vectors, beside two galaxies? How much do its vote fractions
change, and do they still differ from galaxy to galaxy?

Real galaxies are those that the release held out of its training, as its own configuration says, and DECaLS
pictures; simulated ones are drawn from a seed of their own.
"""

import argparse
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from PIL import Image

from encoder.cutouts.framing_flags import FramingFlag, count_flags
from encoder.cutouts.picture_batches import Seeing, see_opened
from encoder.cutouts.pictures import ColourPicture, open_picture
from encoder.cutouts.stretch import to_rgb
from encoder.model.encoder import Encoder, load_encoder
from encoder.simulation.cutouts import draw_cutouts
from encoder.training.config import SourceConfig
from encoder.training.pictures.augment import Share
from encoder.training.sources import held_out_mask

DATA = Path(__file__).parents[2].parent / "shared" / "data"
SEED = 960_001
FIELD_PX = 424
FRAMES = {"whole field": 1.0, "half": 0.5, "tight": 0.35, "1.5 times": 1.0}
"""Share of the Galaxy Zoo field, 8.5 Petrosian R90, that each frame spans."""
ENLARGED = 1.5
OF_FIELD = {"gz_decals_rings": 1.0, "gz2_kaggle": 0.6, "gz1_classes": 0.6}
"""Share of that field that the pictures of each set span."""
NEAREST, DISTANCE, MEDIAN, TENTH, SPREAD = 0.90, 0.20, 0.05, 0.15, 0.90
"""What is to be reached: see `report`."""
_CHUNK = 50

Draw = Callable[[], Image.Image]


@dataclass(frozen=True)
class Galaxy:
    """A galaxy, and the share of the field that its picture spans."""

    picture: Draw
    of_field: float


@dataclass(frozen=True)
class Answers:
    """What a release says of n galaxies in one frame: vectors (n, d) and (n, 40), fractions (n, answers)."""

    full: NDArray[np.float32]
    search: NDArray[np.float32]
    fractions: NDArray[np.float32]
    flags: NDArray[np.int16]

    def take(self, keep: NDArray[np.bool_]) -> "Answers":
        """Some of the galaxies."""
        return Answers(*(values[keep] for values in vars(self).values()))


def main() -> None:
    """Print a table for simulated galaxies, and one for real ones."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", nargs="?", type=Path, help="without it, those that ship")
    parser.add_argument("-n", type=int, default=1000, help="galaxies of each kind")
    given = parser.parse_args()
    encoder = load_encoder(given.weights)
    own = "finds frames" if encoder.recipe.framing else f"sees the central {encoder.recipe.crop:g}"
    print(f"{encoder.name} {own}\n")
    for name, galaxies in (("simulated", simulated(given.n)), ("real", real(encoder, given.n))):
        report(name, len(galaxies), {frame: answers(encoder, galaxies, frame) for frame in FRAMES})


def answers(encoder: Encoder, galaxies: Sequence[Galaxy], frame: str) -> Answers:
    """Show the galaxies in a frame and encode them as `galcat embed` would."""
    parts = []
    for start in range(0, len(galaxies), _CHUNK):
        chunk = [ColourPicture(in_frame(galaxy, frame)) for galaxy in galaxies[start : start + _CHUNK]]
        for batch in see_opened(chunk, Seeing(encoder.recipe, encoder.device), _CHUNK):
            encoded = encoder.encode(batch.rgb)
            parts.append(
                Answers(
                    encoded.embedding,
                    encoder.projection.apply(encoded.embedding),
                    encoder.tree.fractions(encoded.concentrations_alpha),
                    batch.flags,
                )
            )
    return Answers(*(np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])))


def in_frame(galaxy: Galaxy, frame: str) -> Image.Image:
    """The galaxy's picture cut to a frame; one that spans less than the frame stays as it is."""
    picture = galaxy.picture()
    side = min(picture.size) * min(1.0, FRAMES[frame] / galaxy.of_field)
    left, top = (picture.width - side) / 2, (picture.height - side) / 2
    cut = picture.crop((round(left), round(top), round(left + side), round(top + side)))
    if frame == "1.5 times":
        larger = (round(cut.width * ENLARGED), round(cut.height * ENLARGED))
        cut = cut.resize(larger, Image.Resampling.BICUBIC)
    return cut


def report(name: str, n: int, by_frame: dict[str, Answers]) -> None:
    """Print how each frame compares with the whole field, and what is not reached.

    The second line of a frame is of the galaxies alone that neither frame was said to cut. Columns: the share
    of galaxies that are nearest to themselves among all in the other frame, and among all in both; the median
    distance between frames over that between galaxies; of the fractions' changes the median and the 90th
    percentile; and the spread of fractions over that in the whole field.
    """
    print(f"{f'{n} {name} galaxies':<22}  --full vectors--   -search vectors--   vote fractions")
    print("frame         cut none  near. both dist.   near. both dist.   med.  90 % spread")
    whole = by_frame["whole field"]
    for frame, other in by_frame.items():
        counts = count_flags(other.flags)
        begin = f"{frame:<12} {counts[FramingFlag.CUT]:>4} {counts[FramingFlag.NO_OBJECT]:>4}"
        if other is whole:
            print(begin)
            continue
        print(f"{begin}  {compare(whole, other)}")
        kept = ((whole.flags | other.flags) & FramingFlag.CUT.value) == 0
        print(f"  {f'{kept.sum()} not cut':<16}  {compare(whole.take(kept), other.take(kept))}")
    print(flush=True)


def compare(whole: Answers, other: Answers) -> str:
    """The figures of one frame beside the whole field, and what they miss."""
    cells = [likeness(getattr(whole, kind), getattr(other, kind)) for kind in ("full", "search")]
    change = np.abs(whole.fractions - other.fractions)
    spread = float((other.fractions.std(axis=0) / whole.fractions.std(axis=0)).mean())
    median, tenth = np.median(change), np.quantile(change, 0.9)
    numbers = "   ".join(f"{a:5.3f} {b:4.2f} {d:5.3f}" for a, b, d in cells)
    missed = [
        text
        for ok, text in (
            (all(a >= NEAREST for a, _, _ in cells), f"nearest {NEAREST}"),
            (all(d <= DISTANCE for _, _, d in cells), f"distance {DISTANCE}"),
            (median <= MEDIAN, f"median {MEDIAN}"),
            (tenth <= TENTH, f"90 % {TENTH}"),
            (spread >= SPREAD, f"spread {SPREAD}"),
        )
        if not ok
    ]
    said = "reached" if not missed else "NOT reached: " + ", ".join(missed)
    return f"{numbers}   {median:5.3f} {tenth:4.2f} {spread:6.2f}\n    {said}"


def likeness(one: NDArray[np.float32], other: NDArray[np.float32]) -> tuple[float, float, float]:
    """How well galaxies know themselves in another frame.

    Returns:
        Share of galaxies whose nearest in the other frame is themselves, share of those that no other galaxy
        in either frame is nearer to, and the median distance between frames over that between galaxies.
    """
    across, within = (torch.cdist(torch.from_numpy(one), torch.from_numpy(b)).numpy() for b in (other, one))
    own = across.diagonal().copy()
    np.fill_diagonal(across, np.inf)
    np.fill_diagonal(within, np.inf)
    nearest = own < across.min(axis=1)
    both = nearest & (own < within.min(axis=1))
    distance = np.median(own) / np.median(within[within < np.inf])
    return float(nearest.mean()), float(both.mean()), float(distance)


def simulated(n: int) -> list[Galaxy]:
    """Galaxies of the simulator, drawn once and kept in memory: 0.5 MB each."""
    found = []
    for start in range(0, n, _CHUNK):
        flux = torch.from_numpy(draw_cutouts(min(_CHUNK, n - start), SEED + start, FIELD_PX).flux)
        rgb = (to_rgb(flux.flip(1).flip(2)) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
        found += [Galaxy(partial(Image.fromarray, one), 1.0) for one in rgb]
    return found


def real(encoder: Encoder, n: int) -> list[Galaxy]:
    """Real galaxies of which the release learnt no answer: DECaLS pictures, then held-out SDSS ones."""
    found = [galaxy for name in OF_FIELD for galaxy in _set(encoder, name)]
    if len(found) < n:
        print(f"only {len(found)} real galaxies are there or held out")
    return found[:n]


def _set(encoder: Encoder, name: str) -> Iterator[Galaxy]:
    folder = DATA / name
    if not folder.is_dir():
        print(f"{folder} is not there")
        return
    table = pd.read_csv(folder / "labels.csv", dtype=str)
    ids = table["iauname" if "iauname" in table else "id"].tolist()
    configuration = tomllib.loads(str(encoder.training.get("configuration", "")))
    shares = [one.get("held_out", 0.0) for one in configuration.get("source", []) if one["kind"] == name]
    config = SourceConfig(name, Share(1, 1), held_out=min(shares, default=1.0))
    shown = held_out_mask(config, ids)
    for column, value in (("nongalaxy_list", "1"), ("gz1_class", "dont-know")):
        if column in table:
            shown &= (table[column] != value).to_numpy()
    for image in table["image"][shown]:
        yield Galaxy(partial(open_picture, folder / "images" / image), OF_FIELD[name])


if __name__ == "__main__":
    main()
