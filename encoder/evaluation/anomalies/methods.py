"""The ways to search for anomalies that are compared."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from encoder.anomalies.gaussian_process import standardise
from encoder.anomalies.score import fit_anomaly
from encoder.evaluation.anomalies.search import (
    make_astronomaly_search,
    make_gaussian_process_search,
    make_random_label_search,
    make_score_search,
    search_at_random,
)
from encoder.evaluation.anomalies.table import Method
from encoder.model.baselines import IMAGENET
from encoder.model.projection import fit_projection

GP = "GP"
SEEDED = "GP, first batch by anomaly score"
OF_RANDOM = "GP, random labels"
SCORE = "anomaly score"
ASTRONOMALY = "Astronomaly"
RANDOM = "random"


@dataclass(frozen=True)
class SearchInput:
    """Galaxies as a search sees them.

    Attributes:
        standard_vectors: Standardised searched vectors of n galaxies, (n, 40) float32.
        anomaly_score: Score of each galaxy that needs no rating, (n,) float32.
    """

    standard_vectors: NDArray[np.float32]
    anomaly_score: NDArray[np.float32]


def prepare_search(embedding: NDArray[np.float32], reference: NDArray[np.float32]) -> SearchInput:
    """Searched vectors and anomaly scores.

    Args:
        embedding: Vectors of the n galaxies to search, (n, d).
        reference: Vectors of galaxies that are judged nowhere, (m, d), which projection and score are fitted
            on.
    """
    projection = fit_projection(reference)
    search = projection.apply(embedding)
    score = fit_anomaly(projection.apply(reference)).score(search)
    return SearchInput(standardise(search, projection.deviations), score)


def list_methods(
    own: str, vectors: Mapping[str, SearchInput], isophotes: NDArray[np.float32]
) -> list[Method]:
    """Every way, the release's first.

    Args:
        own: Name of the release.
        vectors: Its own, and ImageNet's where there are such.
        isophotes: Features of the isophotes of n galaxies, (n, 24), finite.
    """
    mine = vectors[own]
    ways = [
        Method(own, GP, make_gaussian_process_search(mine.standard_vectors)),
        Method(own, SEEDED, make_gaussian_process_search(mine.standard_vectors, mine.anomaly_score)),
        Method(own, OF_RANDOM, make_random_label_search(mine.standard_vectors)),
    ]
    if IMAGENET in vectors:
        ways.append(Method(IMAGENET, GP, make_gaussian_process_search(vectors[IMAGENET].standard_vectors)))
    return [
        *ways,
        Method("", ASTRONOMALY, make_astronomaly_search(isophotes)),
        Method(own, SCORE, make_score_search(mine.anomaly_score)),
        Method("", RANDOM, search_at_random),
    ]
