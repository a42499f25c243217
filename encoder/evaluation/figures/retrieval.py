"""Search by example: how many of a tagged galaxy's neighbours have its tag, and how many are found so.

The same for growing numbers of principal components, beside the variance that they hold.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from sklearn.decomposition import PCA

PRECISION_AT = 10
RECALL_AT = 100


@dataclass(frozen=True)
class Retrieval:
    """How well a tag is found again, means over its galaxies.

    Attributes:
        tagged: Galaxies with the tag.
        share: Share of all galaxies that have the tag: the precision of chance.
        precision: Share of the 10 nearest that have the tag.
        recall: Share of all others with the tag that are among the 100 nearest.
        recall_of_chance: The same share among galaxies drawn at random.
    """

    tagged: int
    share: float
    precision: float
    recall: float
    recall_of_chance: float


def find_nearest(search: NDArray[np.float32], k: int = RECALL_AT) -> NDArray[np.int64]:
    """The k nearest others of each galaxy by Euclidean distance, nearest first, (n, k).

    Args:
        search: Searched vectors of n galaxies, (n, d).
        k: Number of neighbours; all others are returned where there are fewer.
    """
    distance = cdist(search, search)
    np.fill_diagonal(distance, np.inf)  # nobody is his own neighbour, not even among twins
    order: NDArray[np.int64] = np.argsort(distance, axis=1, kind="stable")[:, : min(k, len(search) - 1)]
    return order


def measure_retrieval(neighbours: NDArray[np.int64], tagged: NDArray[np.bool_]) -> Retrieval:
    """How well one tag is found.

    Args:
        neighbours: Rows of each galaxy's k nearest others, (n, k), as `find_nearest` gives them.
        tagged: Whether each galaxy has the tag, (n,); two have it at least.
    """
    found = tagged[neighbours[tagged]]
    n, others = len(tagged), int(tagged.sum()) - 1
    return Retrieval(
        tagged=others + 1,
        share=float(tagged.mean()),
        precision=float(found[:, :PRECISION_AT].mean()),
        recall=float(found.sum(axis=1).mean() / others),
        recall_of_chance=found.shape[1] / (n - 1),
    )


COMPONENT_COUNTS = (2, 5, 10, 20, 30, 40, 60, 80, 120, 200, 320)


@dataclass(frozen=True)
class ComponentFigures:
    """What the first `components` principal directions do.

    Attributes:
        components: Number of components that are kept.
        variance: Share of the fitted sample's variance that they hold.
        precision: Mean P@10 over the tags when they alone are searched.
    """

    components: int
    variance: float
    precision: float


def measure_components(
    fitted: NDArray[np.float32], searched: NDArray[np.float32], tags: Mapping[str, NDArray[np.bool_]]
) -> list[ComponentFigures]:
    """Variance and retrieval for growing numbers of components, and last for all of them.

    Args:
        fitted: Vectors that the components are fitted on, (m, d).
        searched: Vectors of n other galaxies, among which the tags are sought, (n, d).
        tags: Whether each of the n galaxies has the tag, (n,), by the tag's name.
    """
    n_max = min(fitted.shape)
    pca = PCA(svd_solver="full").fit(fitted.astype(np.float64))
    projected = pca.transform(searched.astype(np.float64))
    held = np.cumsum(pca.explained_variance_ratio_)
    figures = []
    for k in (*(k for k in COMPONENT_COUNTS if k < n_max), n_max):
        neighbours = find_nearest(projected[:, :k], PRECISION_AT)
        precision = np.mean([measure_retrieval(neighbours, tagged).precision for tagged in tags.values()])
        figures.append(ComponentFigures(k, float(held[k - 1]), float(precision)))
    return figures
