"""Which galaxies to label next: those that the head cannot place, and no near-copies of each other."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr

from encoder.heads.fit import Scores

_POOL = 10_000
_POOL_A_SUGGESTION = 50
_APART = 0.5  # half the mean distance of two random galaxies, see encoder/model/projection.py


def suggest(scores: Scores, search: NDArray[np.float32], n: int) -> NDArray[np.int64]:
    """The n galaxies to label next, the best first; always the same ones.

    Each in turn is the one of the largest entropy times its distance to the nearest one already suggested,
    in units of half the mean distance of random galaxies and at most 1. Of equals the more uncertain comes
    first. The uncertainty decides no more than that: a calibrated probability is already the mean over what
    the weights may be, and weighing its deviation in once more favours outliers.

    Args:
        scores: What a head says of m galaxies without label.
        search: Searched vectors of the same galaxies, (m, 40).
        n: Number of galaxies to suggest; all where there are fewer.

    Returns:
        Rows of the suggested galaxies, (n,).
    """
    entropy = entr(scores.probability.astype(np.float64)).sum(axis=1)
    order = np.lexsort((-scores.uncertainty.max(axis=1), -entropy))
    pool = order[: max(_POOL, _POOL_A_SUGGESTION * n)]
    value, position = entropy[pool], search[pool].astype(np.float64)
    spread = np.ones(len(pool))
    chosen: list[int] = []
    for _ in range(min(n, len(pool))):
        gain = value * spread
        gain[chosen] = -1
        best = int(gain.argmax())
        chosen.append(best)
        distance = np.linalg.norm(position - position[best], axis=1)
        spread = np.minimum(spread, distance / _APART)
    return pool[chosen].astype(np.int64)
