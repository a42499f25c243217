"""How many principal components a catalogue should search: what they hold, and what they find."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from encoder.evaluation.figures.retrieval import AT_PRECISION, nearest, retrieval

NUMBERS = (2, 5, 10, 20, 30, 40, 60, 80, 120, 200, 320)


@dataclass(frozen=True)
class ComponentFigures:
    """What the first `components` principal directions do.

    Attributes:
        components: How many.
        variance: Share of the fitted sample's variance that they hold.
        precision: Mean P@10 over the tags when they alone are searched.
    """

    components: int
    variance: float
    precision: float


def by_components(
    fitted: NDArray[np.float32], searched: NDArray[np.float32], tags: Mapping[str, NDArray[np.bool_]]
) -> list[ComponentFigures]:
    """Variance and retrieval for growing numbers of components, and last for all of them.

    Args:
        fitted: (m, d) vectors that the components are fitted on.
        searched: (n, d) other galaxies.
        tags: (n,) each.
    """
    most = min(fitted.shape)
    pca = PCA(svd_solver="full").fit(fitted.astype(np.float64))
    projected = pca.transform(searched.astype(np.float64))
    held = np.cumsum(pca.explained_variance_ratio_)
    figures = []
    for k in (*(k for k in NUMBERS if k < most), most):
        neighbours = nearest(projected[:, :k], AT_PRECISION)
        precision = np.mean([retrieval(neighbours, tagged).precision for tagged in tags.values()])
        figures.append(ComponentFigures(k, float(held[k - 1]), float(precision)))
    return figures
