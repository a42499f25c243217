"""The labelled galaxies of a training, a part of them held out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

FEWEST_FOR_HOLDING_OUT = 10
"""Labels of the rarest class from which a part is held out."""
HELD_OUT = 0.2


@dataclass(frozen=True)
class Galaxies:
    """What is learnt from.

    Attributes:
        pictures: (n, 3, size, size) uint8 on the CPU.
        shares: Of the votes, (n, n_classes).
        learnt: Rows to learn from.
        held_out: The other rows; empty where a class is too small.
    """

    pictures: Tensor
    shares: NDArray[np.float32]
    learnt: NDArray[np.int64]
    held_out: NDArray[np.int64]


def split(pictures: Tensor, shares: NDArray[np.float32], seed: int) -> Galaxies:
    """Hold out a fifth of each class, none where a class is too small.

    Args:
        pictures: (n, 3, size, size) uint8.
        shares: (n, n_classes).
        seed: Of the choice.
    """
    pictures, rows = pictures.cpu(), np.arange(len(shares))
    if min(class_counts(shares)) < FEWEST_FOR_HOLDING_OUT:
        return Galaxies(pictures, shares, rows, rows[:0])
    rng = np.random.default_rng(seed)
    truth = shares.argmax(axis=1)
    each = [rng.permutation(np.flatnonzero(truth == k)) for k in range(shares.shape[1])]
    held_out = np.sort(np.concatenate([of[: round(HELD_OUT * len(of))] for of in each]))
    return Galaxies(pictures, shares, np.setdiff1d(rows, held_out), held_out)


def class_counts(shares: NDArray[np.float32]) -> list[int]:
    """Galaxies of each class, by the class with most votes; the first of equal ones."""
    return [int(n) for n in np.bincount(shares.argmax(axis=1), minlength=shares.shape[1])]
