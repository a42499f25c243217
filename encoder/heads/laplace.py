"""How uncertain a logit is: the Gaussian posterior of the regression's weights (Laplace approximation)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import svd

from encoder.heads.answers import Answers
from encoder.heads.calibration import probabilities
from encoder.heads.logistic import Logistic

_MAX_DIRECTIONS = 1000


@dataclass(frozen=True)
class WeightPosterior:
    """The variance of a logit over the posterior of the weights, as a function of the vector.

    Along the directions that the labelled galaxies span the variance is reduced; in all others it is the
    prior's. This is Woodbury's identity: r directions in place of a (d, d) matrix.

    Attributes:
        centre: Vector at which the variance is least, (d,) float32.
        scale: What a vector less the centre is divided by, (d,) float32.
        directions: Orthonormal directions, (r, d) float32, r at most 1,000.
        variances: Variance of the logit per unit length squared along each direction, (r,) float32.
        outside: Variance per unit length squared in every other direction; 0 where there is none.
        min_variance: Variance at the centre.
    """

    centre: NDArray[np.float32]
    scale: NDArray[np.float32]
    directions: NDArray[np.float32]
    variances: NDArray[np.float32]
    outside: float
    min_variance: float

    def logit_variance(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        """The variance of the logit of vectors (m, d), (m,), in memory of O(m d)."""
        standard = (vectors - self.centre) / self.scale
        squares = (standard @ self.directions.T) ** 2
        rest = np.einsum("md,md->m", standard, standard) - squares.sum(axis=1)
        variance: NDArray[np.float32] = squares @ self.variances + self.outside * np.maximum(rest, 0)
        return variance.astype(np.float64) + self.min_variance


def weight_posterior(
    model: Logistic, vectors: NDArray[np.float64], answers: Answers, inverse_penalty: float, slope: float
) -> WeightPosterior:
    """The Laplace approximation at the maximum; the bias has a flat prior.

    For two classes it is exact. For several, a galaxy's curvature is taken as the same for every contrast of
    classes, its mean; exact where the classes are equally likely, as under a strong penalty they nearly are.
    Galaxies beyond 1,000 directions only make it too large: the directions that reduce it least are left out.
    Calibration stretches the posterior with the logits, but a flat slope means that the labels taught little,
    not that the weights are known: the prior's logit of a typical galaxy keeps a deviation of 1 at least.
    MacKay (1992), Neural Computation 4, 720.

    Args:
        model: The regression whose weights are uncertain.
        vectors: Vectors that the regression was fitted on, (n, d).
        answers: What people answered about the n galaxies.
        inverse_penalty: The prior variance of each weight.
        slope: Slope of the calibration that the logits go through.
    """
    standard = model.standardise(vectors)
    curvature = _curvature(model.logits(vectors)) * answers.balanced_weights().sum(axis=1)
    centre = np.average(standard, axis=0, weights=curvature)
    root = np.sqrt(curvature)[:, None] * (standard - centre)
    _, lengths, directions = svd(root, full_matrices=False, overwrite_a=True)
    lengths, directions = lengths[:_MAX_DIRECTIONS], directions[:_MAX_DIRECTIONS]
    prior = max(slope**2 * inverse_penalty, 1 / vectors.shape[1])
    return WeightPosterior(
        centre=(model.mean + model.scale * centre).astype(np.float32),
        scale=model.scale.astype(np.float32),
        directions=directions.astype(np.float32),
        variances=(prior / (1 + prior * (lengths / slope) ** 2)).astype(np.float32),
        outside=prior if len(directions) < vectors.shape[1] else 0.0,
        min_variance=float(slope**2 / curvature.sum()),
    )


def probability_deviations(
    probability: NDArray[np.float64], variance: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Standard deviation of each probability, (m, n_classes).

    The delta method, v, where it is small; towards large variances it saturates as v b / (v + b) at
    b = p (1 - p), the largest variance that a number between 0 and 1 of mean p can have.

    Args:
        probability: Probability of each class for m galaxies, (m, n_classes).
        variance: Variance of each galaxy's logit, (m,); for several classes of the part of each logit that
            differs between classes.
    """
    rest = 1 - probability
    if probability.shape[1] == 2:  # noqa: PLR2004 - one logit
        gradient = probability * rest
    else:
        others = (probability**2).sum(axis=1, keepdims=True) - probability**2
        gradient = probability * np.sqrt(rest**2 + np.maximum(others, 0))
    delta = gradient**2 * variance[:, None]
    largest = np.maximum(probability * rest, np.finfo(np.float64).tiny)
    return np.sqrt(delta / (1 + delta / largest))


def _curvature(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """The curvature, (n,): p (1 - p) of two classes, the mean eigenvalue across contrasts of several."""
    probability = probabilities(logits)
    together: NDArray[np.float64] = (probability * (1 - probability)).sum(axis=1)
    k = logits.shape[1]
    return together / 2 if k == 1 else together / (k - 1)
