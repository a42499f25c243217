"""Posteriors of a network that is wrong in a known way, and votes of volunteers who are right."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def shifted(n: int, shifts: list[float], temperature: float = 1.0, seed: int = 0) -> tuple[Floats, Floats]:
    """Alphas that a calibration of these parameters would put right, and votes of 30 voters.

    Returns:
        The network's alpha (n, k) and votes (n, k).
    """
    rng = np.random.default_rng(seed)
    network = np.exp(rng.uniform(0, 4, (n, len(shifts))))
    right = np.exp(temperature * np.log(network) + np.array(shifts))
    truth = np.array([rng.dirichlet(alpha) for alpha in right])
    return network, np.array([rng.multinomial(30, p) for p in truth]).astype(np.float64)
