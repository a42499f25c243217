"""The Astronomaly baseline: shapes of isophotes, an isolation forest, and ratings learnt from a person.

Lochner & Bassett 2021 (arXiv:2010.11202), in the setting of Walmsley et al. 2022's comparison: 24 features,
100 trees, 0..5 ratings.
"""

import numpy as np
from astropy.stats import sigma_clipped_stats
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import KDTree
from sklearn.ensemble import IsolationForest, RandomForestRegressor
from sklearn.preprocessing import StandardScaler

from encoder.errors import EvaluationError
from encoder.evaluation.anomalies.ellipses import Ellipse, draw_ellipse, fit_ellipse

PERCENTILES = (90, 80, 70, 60, 50, 0)
"""Percentiles of the source's pixels at which isophotes are fitted, innermost first."""
BEST_RATING = 5.0
_TREES = 100
_MIN_TRUST, _TRUST_RANGE = 0.1, 0.85  # the paper's epsilon 1 and 2
_CLIPPED_SIGMA = 3.0
_TOUCHING = np.ones((3, 3), np.bool_)


def ellipse_features(pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    """How far each galaxy's isophotes are from ellipses, and how they shift, stretch and turn outwards.

    For the six levels of `PERCENTILES`: share of the picture's pixels in which isophote and fitted ellipse
    differ; offset of the ellipse's centre from the innermost one's, pixels; axis ratio (major over minor)
    relative to the innermost one's; angle to the innermost one's major axis, degrees in 0..90.

    Args:
        pictures: Grey pictures of n galaxies, (n, size, size).

    Returns:
        Features of each galaxy, (n, 24). A row is NaN where a picture shows no source or an isophote has no
        ellipse: the paper's comparison left such galaxies out, and the scores below refuse them.
    """
    rows = [_features(picture) for picture in pictures]
    return np.array(rows, np.float32).reshape(len(pictures), 4 * len(PERCENTILES))


def isolation_score(features: NDArray[np.float32], seed: int) -> NDArray[np.float64]:
    """Score without any rating: how soon random cuts isolate a galaxy, from 0 (last) to 5 (first).

    Args:
        features: Features of n galaxies, (n, f), n at least 2; each is brought to mean 0 and deviation 1.
        seed: Seed of the random forest.

    Returns:
        The score of each galaxy, (n,).

    Raises:
        EvaluationError: A galaxy has no features, or all have the same.
    """
    scaled = _standardise(features)
    if not scaled.any():
        raise EvaluationError(f"all {len(features)} galaxies have the same features")
    forest = IsolationForest(n_estimators=_TREES, random_state=seed).fit(scaled)
    strangeness = -forest.decision_function(scaled)
    spread: NDArray[np.float64] = (strangeness - strangeness.min()) / np.ptp(strangeness)
    return BEST_RATING * spread


def astronomaly_scores(
    features: NDArray[np.float32],
    machine_score: NDArray[np.float64],
    labelled: NDArray[np.int64],
    ratings: NDArray[np.float64],
    seed: int,
) -> NDArray[np.float64]:
    """Score once some galaxies are rated: a random forest predicts the rating of every galaxy.

    Near rated galaxies the machine's score is multiplied by the predicted rating, far away it stands. A
    rating can only lower a score, never raise it.

    Args:
        features: Features of n galaxies, (n, f); each is brought to mean 0 and deviation 1.
        machine_score: Score of each galaxy without any rating, (n,), such as `isolation_score`'s.
        labelled: Rows of the rated galaxies, (m,).
        ratings: Their ratings, (m,), from 0 (dull) to 5 (of interest).
        seed: Seed of the random forest.

    Returns:
        The score of each galaxy, (n,), the higher the more likely an anomaly.

    Raises:
        EvaluationError: A galaxy has no features, none is rated, a rating is not in 0..5, or no galaxy
            differs from the rated ones.
    """
    if not len(labelled):
        raise EvaluationError("Astronomaly cannot learn: no galaxy is rated")
    for rating in ratings:
        if not 0 <= rating <= BEST_RATING:
            raise EvaluationError(f"rating {rating:g} is not in 0..{BEST_RATING:g}")
    scaled = _standardise(features)
    forest = RandomForestRegressor(n_estimators=_TREES, random_state=seed)
    predicted = forest.fit(scaled[labelled], ratings).predict(scaled)
    distance = KDTree(scaled[labelled]).query(scaled)[0]
    if not distance.any():
        raise EvaluationError(f"all {len(features)} galaxies are rated: there is nothing to rank")
    return neighbour_score(machine_score, predicted, distance)


def neighbour_score(
    machine_score: NDArray[np.float64], predicted: NDArray[np.float64], distance: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The paper's equations 4 and 5, with alpha 1.

    Args:
        machine_score: Score of each galaxy without any rating, (n,), such as `isolation_score`'s.
        predicted: Predicted rating of each galaxy, (n,), 0..5.
        distance: Distance of each galaxy to the nearest rated one, (n,), in any unit; not all 0.

    Returns:
        The score of each galaxy, (n,), the higher the more likely an anomaly.
    """
    trust = _MIN_TRUST + _TRUST_RANGE * predicted / BEST_RATING
    penalty = np.exp(distance / distance.mean())
    score: NDArray[np.float64] = machine_score * np.tanh(penalty - 1 + np.arctanh(trust))
    return score


def _standardise(features: NDArray[np.float32]) -> NDArray[np.float64]:
    unknown = np.flatnonzero(~np.isfinite(features).all(axis=1))
    if len(unknown):
        raise EvaluationError(f"galaxy {unknown[0]} has no ellipse features: leave it out")
    scaled: NDArray[np.float64] = StandardScaler().fit_transform(features.astype(np.float64))
    return scaled


def _features(picture: NDArray[np.float32]) -> list[float]:
    unknown = [np.nan] * (4 * len(PERCENTILES))
    lit = np.where(_source(picture), picture, 0)
    if not (lit > 0).any():
        return unknown
    residuals: list[float] = []
    ellipses: list[Ellipse] = []
    towards = _middle(picture)
    for level in np.percentile(lit[lit > 0], PERCENTILES):
        isophote, centre = _nearest_region(lit > level, towards)
        ellipse = fit_ellipse(isophote)
        if ellipse is None:
            return unknown
        towards = towards if ellipses else centre  # all others about the innermost
        residuals.append(float((draw_ellipse(ellipse, isophote.shape) != isophote).mean()))
        ellipses.append(ellipse)
    return [*residuals, *_relative_to_first(ellipses)]


def _source(picture: NDArray[np.float32]) -> NDArray[np.bool_]:
    """The filled region brighter than the sky, by a deviation, that is nearest to the middle."""
    _, median, deviation = sigma_clipped_stats(picture, sigma=_CLIPPED_SIGMA)
    return _nearest_region(picture > median + deviation, _middle(picture))[0]


def _middle(picture: NDArray[np.float32]) -> tuple[float, float]:
    return (picture.shape[0] - 1) / 2, (picture.shape[1] - 1) / 2


def _nearest_region(
    mask: NDArray[np.bool_], point: tuple[float, float]
) -> tuple[NDArray[np.bool_], tuple[float, float]]:
    """The region of a mask (holes filled) whose centre is nearest to a point, and its (row, column)."""
    outside, _ = ndimage.label(np.pad(~mask, 1, constant_values=True))
    filled = (outside != outside[0, 0])[1:-1, 1:-1]
    regions, n = ndimage.label(filled, _TOUCHING)
    if not n:
        return filled, point
    rows, columns = np.nonzero(regions)
    region = regions[rows, columns]
    sizes = np.bincount(region, minlength=n + 1)[1:]
    centres = [np.bincount(region, axis, n + 1)[1:] / sizes for axis in (rows, columns)]
    nearest = int(np.argmin(np.hypot(centres[0] - point[0], centres[1] - point[1])))
    return regions == nearest + 1, (float(centres[0][nearest]), float(centres[1][nearest]))


def _relative_to_first(ellipses: list[Ellipse]) -> list[float]:
    first = ellipses[0]
    offsets = [float(np.hypot(e.row - first.row, e.column - first.column)) for e in ellipses]
    ratios = [e.major / e.minor * first.minor / first.major for e in ellipses]
    turns = [abs(e.angle_deg - first.angle_deg) % 180 for e in ellipses]
    return [*offsets, *ratios, *(min(turn, 180 - turn) for turn in turns)]
