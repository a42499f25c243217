"""Simulated galaxies as training pictures: drawn once, stretched, kept on disk and read through a map."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from encoder.cutouts.stretch import to_rgb
from encoder.model.gz_tree import GZD5
from encoder.simulation.cutouts import draw_cutouts, expected_fractions
from encoder.simulation.truth import SurveyParameters

DRAWN_PX = 384
"""Pixels across the whole field of a simulated cutout ..."""
KEPT_PX = 288
"""... of which the centre is kept: what is outside no recipe crops to."""
KEPT_SHARE = KEPT_PX / DRAWN_PX
CHUNK = 100
"""Galaxies that are drawn together."""


@dataclass(frozen=True)
class SimulatedGalaxies:
    """Pictures on disk and the votes they were given.

    Attributes:
        pictures: The central KEPT_SHARE of each galaxy's field, (n, 3, KEPT_PX, KEPT_PX) uint8, mapped from
            disk.
        votes: Votes on each answer, (n, 34) float32.
    """

    pictures: NDArray[np.uint8]
    votes: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, i: int) -> Tensor:
        return torch.from_numpy(np.array(self.pictures[i]))


def draw_galaxies(
    n: int, seed: int, cache: Path, survey: SurveyParameters | None = None
) -> SimulatedGalaxies:
    """Simulated pictures with votes; drawn the first time, mapped from the cache afterwards.

    Args:
        n: Number of galaxies to draw.
        seed: The same seed gives the same galaxies.
        cache: Folder that the pictures are kept in (250 kB each).
        survey: Ranges to draw from; without it, the usual ones.
    """
    cache.mkdir(parents=True, exist_ok=True)
    survey = survey or SurveyParameters()
    usual = survey == SurveyParameters()
    other = "" if usual else "-" + hashlib.sha256(repr(survey).encode()).hexdigest()[:8]
    pictures, votes = (cache / f"simulated-{seed}-{n}{other}-{what}.npy" for what in ("pictures", "votes"))
    if not votes.exists():  # written last
        _draw(n, seed, survey, pictures, votes)
    return SimulatedGalaxies(np.load(pictures, mmap_mode="r"), np.load(votes))


def true_fractions(n: int, seed: int, survey: SurveyParameters | None = None) -> NDArray[np.float32]:
    """Mean vote fractions of the galaxies of `draw_galaxies`, (n, 34): what knowing the truth foretells.

    Args:
        n: The number of galaxies that was given to `draw_galaxies`.
        seed: The seed that was given to it.
        survey: The ranges that were given to it; None for the usual ones.
    """
    parts = [
        expected_fractions(min(CHUNK, n - start), _chunk_seed(seed, start), survey)
        for start in range(0, n, CHUNK)
    ]
    return np.concatenate(parts)


def draw_pictures(
    n: int, seed: int, start: int, survey: SurveyParameters | None = None
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Galaxies start to start + n of a seed, drawn now.

    Args:
        n: Number of galaxies to draw.
        seed: The same seed and start give the same galaxies.
        start: Number of the first galaxy, counted from 0.
        survey: Ranges to draw from; without it, the usual ones.

    Returns:
        Pictures (n, 3, KEPT_PX, KEPT_PX) uint8, and votes (n, 34).
    """
    margin = (DRAWN_PX - KEPT_PX) // 2
    cutouts = draw_cutouts(n, _chunk_seed(seed, start), DRAWN_PX, survey)
    # g, r, z become blue, green, red; rows grow to the north, a picture's rows to the south.
    flux = torch.from_numpy(cutouts.flux).flip(1).flip(2)
    rgb = to_rgb(flux)[:, :, margin:-margin, margin:-margin]
    return (rgb * 255).round().to(torch.uint8).numpy(), cutouts.votes.astype(np.float32)


def _chunk_seed(seed: int, start: int) -> int:
    return seed * 1_000_003 + start


def _draw(n: int, seed: int, survey: SurveyParameters, pictures_file: Path, votes_file: Path) -> None:
    shape = (n, 3, KEPT_PX, KEPT_PX)
    pictures = np.lib.format.open_memmap(pictures_file, mode="w+", dtype=np.uint8, shape=shape)
    votes = np.zeros((n, GZD5.n_answers), np.float32)
    for start in range(0, n, CHUNK):
        chunk = slice(start, min(start + CHUNK, n))
        pictures[chunk], votes[chunk] = draw_pictures(chunk.stop - start, seed, start, survey)
    pictures.flush()
    unfinished = votes_file.with_name(f".{votes_file.name}.part.npy")
    np.save(unfinished, votes)
    unfinished.replace(votes_file)
