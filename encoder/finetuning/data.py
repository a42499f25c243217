"""The labelled galaxies of a fine-tuning, a part of them held out, and the batches of each epoch."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from encoder.finetuning.report import STAGES
from encoder.finetuning.settings import TuningSettings

MIN_TO_HOLD_OUT = 10
"""Labels of the rarest class from which a part is held out."""
HELD_OUT_SHARE = 0.2


@dataclass(frozen=True)
class TuningGalaxies:
    """What is learnt from.

    Attributes:
        pictures: Pictures of n galaxies on the CPU, (n, 3, size, size) uint8.
        shares: Share of a galaxy's votes that each class has, (n, n_classes).
        learnt: Rows of the galaxies that the network learns from.
        held_out: The other rows; empty where a class is too small.
    """

    pictures: Tensor
    shares: NDArray[np.float32]
    learnt: NDArray[np.int64]
    held_out: NDArray[np.int64]


def hold_out(pictures: Tensor, shares: NDArray[np.float32], seed: int) -> TuningGalaxies:
    """Hold out a fifth of each class, none where a class is too small.

    Args:
        pictures: Pictures of n galaxies, (n, 3, size, size) uint8.
        shares: Share of a galaxy's votes that each class has, (n, n_classes).
        seed: Seed of the choice.
    """
    pictures, rows = pictures.cpu(), np.arange(len(shares))
    if min(class_counts(shares)) < MIN_TO_HOLD_OUT:
        return TuningGalaxies(pictures, shares, rows, rows[:0])
    rng = np.random.default_rng(seed)
    truth = shares.argmax(axis=1)
    each = [rng.permutation(np.flatnonzero(truth == k)) for k in range(shares.shape[1])]
    held_out = np.sort(np.concatenate([members[: round(HELD_OUT_SHARE * len(members))] for members in each]))
    return TuningGalaxies(pictures, shares, np.setdiff1d(rows, held_out), held_out)


def class_counts(shares: NDArray[np.float32]) -> list[int]:
    """Galaxies of each class, by the class with most votes; the first of equal ones."""
    return [int(n) for n in np.bincount(shares.argmax(axis=1), minlength=shares.shape[1])]


_MIN_STEPS = 4
"""Minimum number of steps of an epoch: few labels are shown several times in each."""


def steps_of_epoch(n: int, settings: TuningSettings) -> int:
    """Steps in which `n` galaxies are seen once, or more often."""
    return max(_MIN_STEPS, math.ceil(n / settings.batch_size))


def iterate_batches(
    n: int, settings: TuningSettings, stage: str, epoch: int
) -> Iterator[tuple[NDArray[np.int64], torch.Generator]]:
    """Rows of each step of an epoch, and the source of its further randomness."""
    sequence = np.random.SeedSequence([settings.seed, STAGES.index(stage), epoch])
    generator = torch.Generator().manual_seed(int(sequence.generate_state(1)[0]))
    steps, size = steps_of_epoch(n, settings), min(settings.batch_size, n)
    times = math.ceil(steps * size / n)
    order = torch.cat([torch.randperm(n, generator=generator) for _ in range(times)])
    for rows in torch.split(order[: steps * size], size):
        yield rows.numpy(), generator
