"""What a calibration does to the posterior of one question: log alpha becomes t log alpha + b.

The temperature t says how much more or less sure of its order the network should be, the shifts b, one an
answer, what it over- and underrates. This is the Dirichlet calibration of Kull et al. 2019 (NeurIPS 32) with
one temperature, on the parameters of a Dirichlet instead of its mean, so that the width of the posterior is
calibrated with it. It is the identity at t = 1 and b = 0.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

LOWEST, HIGHEST = -4.0, 8.0
"""Of a calibrated log alpha, as the database has them too: no posterior becomes as sharp as a point."""
SMALLEST = 1e-6
"""Of an alpha before its logarithm is taken."""


@dataclass(frozen=True)
class Calibration:
    """The calibration of one question with k answers.

    Attributes:
        temperature: Factor of log alpha, above 0.
        shifts: Added to log alpha of each answer, (k,).
    """

    temperature: float
    shifts: NDArray[np.float64]

    def apply(self, alpha: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Calibrate the Dirichlet parameters of some galaxies.

        Args:
            alpha: The network's, (n, k), each above 0.

        Returns:
            The calibrated parameters, in the shape of the given ones.
        """
        logarithm = self.temperature * log_alpha(alpha) + self.shifts
        calibrated: NDArray[np.float64] = np.exp(np.clip(logarithm, LOWEST, HIGHEST))
        return calibrated


def log_alpha(alpha: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Logarithm of Dirichlet parameters, of the same shape."""
    logarithm: NDArray[np.float64] = np.log(np.maximum(alpha.astype(np.float64), SMALLEST))
    return logarithm
