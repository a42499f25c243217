"""Standardising of vectors before a regression, safe where a network hardly uses a component."""

from typing import Self

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import StandardScaler

LEAST_DEVIATION = 0.1
"""Of the median of all components: one that is nearly the same for all labelled galaxies, as those are that
the network hardly uses, would else be blown up, and with it the logit of the one galaxy where it differs."""


class VectorScaler(StandardScaler):  # type: ignore[misc] # scikit-learn ships no types
    """Scikit-learn's `StandardScaler`, whose deviations are never below a tenth of their median."""

    scale_: NDArray[np.float64]

    def fit(
        self,
        X: NDArray[np.floating],  # noqa: N803 - as scikit-learn calls it
        y: object = None,
        sample_weight: NDArray[np.floating] | None = None,
    ) -> Self:
        """Learn means and deviations.

        Args:
            X: The vectors, (n, d).
            y: Not used; pipelines hand it over.
            sample_weight: How much each vector counts, (n,).
        """
        super().fit(X, y, sample_weight)
        self.scale_ = np.maximum(self.scale_, LEAST_DEVIATION * np.median(self.scale_))
        return self
