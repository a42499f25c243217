"""A person's interest: a Gaussian process that turns a few ratings of galaxies into one of every galaxy.

The model of Walmsley et al. (2022, MNRAS 513, 1581): a rational quadratic kernel with white noise on
standardised principal components. Everything is float64 inside, so that the cheap limits and the exact
predictions agree; it costs little, as torch's log1p is no faster in float32.
"""

import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, RationalQuadratic, WhiteKernel
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped] # it ships no types
from torch import Tensor

from encoder.errors import LearningError

MIN_RATING, MAX_RATING = 0.0, 5.0
"""Ratings: 0 is of no interest."""
MAX_FITTED = 500
"""Ratings, drawn at random, that the kernel is fitted to where there are more; all are used to predict."""
_BOUNDING = 128  # the first ratings, which bound the deviation at a small part of its cost
_ROWS = 2000  # galaxies at a time: 16 MB of kernel at 1,000 ratings

# Start and bounds. Two random galaxies are about 9 apart: a length below 3 learns nothing but the rated
# galaxies themselves, and ten ratings alone may choose it. The least noise is the rounding to whole
# ratings, the most the variance of a rating that is 0 or 5 by chance.
_AMPLITUDE = (1.0, (0.25, 25.0))
_LENGTH_SCALE = (10.0, (3.0, 30.0))
_ALPHA = (1.0, (0.1, 100.0))
_NOISE = (0.5, (1 / 12, 6.25))


@dataclass(frozen=True)
class InterestModel:
    """A fitted Gaussian process.

    Attributes:
        points: Standardised vectors of the n rated galaxies, (n, 40) float32.
        weight: Weight of each rated galaxy, (n,) float64: the predicted rating is prior_mean + kernel(x,
            points) @ weight.
        factor: Lower Cholesky factor of kernel(points, points) + noise, (n, n) float64.
        prior_mean: Mean of the ratings, which is predicted far from every rated galaxy.
        amplitude: Prior variance of the interest, in ratings squared.
        length_scale: Length scale of the kernel, in standard deviations of the searched vectors.
        alpha: Shape of the kernel: small where both small and large distances matter.
        noise: Variance of a rating about the interest, in ratings squared.
        best: Highest rating so far.
    """

    points: NDArray[np.float32]
    weight: NDArray[np.float64]
    factor: NDArray[np.float64]
    prior_mean: float
    amplitude: float
    length_scale: float
    alpha: float
    noise: float
    best: float

    def predict(
        self, standard_vectors: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """What this person would rate each galaxy.

        Args:
            standard_vectors: Standardised vectors of m galaxies, (m, 40).

        Returns:
            Mean and standard deviation of each galaxy's predicted rating, (m,) float32 each; the deviation
            leaves out the noise of a rating.
        """
        return self._predict(standard_vectors, len(self.points))

    def predict_quickly(
        self, standard_vectors: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """As `predict`, but the deviation is the one after the first 128 ratings only: never too small.

        Args:
            standard_vectors: Standardised vectors of m galaxies, (m, 40).
        """
        return self._predict(standard_vectors, _BOUNDING)

    def mean(self, standard_vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """The mean of `predict` alone, (m,) float32.

        Args:
            standard_vectors: Standardised vectors of m galaxies, (m, 40).
        """
        return self._predict(standard_vectors, 0)[0]

    def to_bytes(self) -> bytes:
        """Everything, exactly, as a safetensors file."""
        return save({name: np.asarray(value) for name, value in asdict(self).items()})

    @classmethod
    def from_bytes(cls, content: bytes) -> "InterestModel":
        """Read what `to_bytes` wrote.

        Raises:
            LearningError: It is damaged or something else.
        """
        try:
            arrays = load(content)
        except SafetensorError as error:
            raise LearningError(f"a saved interest of {len(content)} bytes cannot be read: {error}") from None
        names = [field.name for field in fields(cls)]
        if sorted(arrays) != sorted(names):
            raise LearningError(f"a saved interest holds {', '.join(sorted(arrays))}, not {', '.join(names)}")
        values: dict[str, Any] = {
            name: array if array.ndim else float(array) for name, array in arrays.items()
        }
        return cls(**values)

    def _predict(
        self, standard_vectors: NDArray[np.float32], ratings: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Means, and deviations after that many of the ratings."""
        points, weight = torch.from_numpy(self.points).double(), torch.from_numpy(self.weight)
        # The factor of the first ratings is the corner of the factor of all.
        factor = torch.from_numpy(self.factor[:ratings, :ratings])
        mean = np.empty(len(standard_vectors), np.float32)
        deviation = np.empty(len(standard_vectors), np.float32)
        for rows in _blocks(len(standard_vectors)):
            x = torch.from_numpy(standard_vectors[rows]).double()
            kernel = _rational_quadratic(x, points, self.amplitude, self.length_scale, self.alpha)
            known = torch.linalg.solve_triangular(factor, kernel[:, :ratings].T, upper=False)
            mean[rows] = (self.prior_mean + kernel @ weight).numpy()
            deviation[rows] = (self.amplitude - known.square().sum(0)).clamp(min=0).sqrt().numpy()
        return mean, deviation


def standardise(search: NDArray[np.float32], deviations: NDArray[np.float32]) -> NDArray[np.float32]:
    """Searched vectors with a variance of 1 along each axis, as by the paper's `StandardScaler`.

    Args:
        search: Searched vectors of m galaxies, (m, 40), which the projection has centred.
        deviations: Standard deviation along each axis of the release's projection, (40,).

    Returns:
        The vectors, each axis divided by its deviation, (m, 40) float32.
    """
    return (search / deviations).astype(np.float32)


def fit_interest(standard_vectors: NDArray[np.float32], ratings: NDArray[np.float64]) -> InterestModel:
    """Learn one person's interest; the same ratings give the same model.

    The kernel is the most likely one within fixed bounds. Ratings that are all equal say nothing about it:
    it is then the one that every fit starts from.

    Args:
        standard_vectors: Standardised vectors of the n rated galaxies, (n, 40).
        ratings: Rating of each galaxy, (n,), 0 to 5.

    Raises:
        LearningError: There are fewer than 2 ratings, or one is not from 0 to 5.
    """
    _check(ratings)
    prior_mean = float(ratings.mean())
    above = ratings.astype(np.float64) - prior_mean
    with threadpool_limits(1):  # matrices this small are waited for longer than worked on
        amplitude, length_scale, alpha, noise = _fit_kernel(standard_vectors, above)
    points = torch.from_numpy(standard_vectors).double()
    kernel = _rational_quadratic(points, points, amplitude, length_scale, alpha)
    factor = torch.linalg.cholesky(kernel + noise * torch.eye(len(points), dtype=torch.float64))
    weight = torch.cholesky_solve(torch.from_numpy(above)[:, None], factor)[:, 0]
    return InterestModel(
        points=np.array(standard_vectors, np.float32),
        weight=weight.numpy(),
        factor=np.ascontiguousarray(factor.numpy()),
        prior_mean=prior_mean,
        amplitude=amplitude,
        length_scale=length_scale,
        alpha=alpha,
        noise=noise,
        best=float(ratings.max()),
    )


def _check(ratings: NDArray[np.float64]) -> None:
    if len(ratings) < 2:  # noqa: PLR2004 - the fewest that can differ
        raise LearningError(
            f"an interest cannot be learnt from fewer than 2 ratings, and there are {len(ratings)}"
        )
    wrong = ratings[~((ratings >= MIN_RATING) & (ratings <= MAX_RATING))]
    if len(wrong):
        raise LearningError(f"rating {wrong[0]:g} is not from {MIN_RATING:g} to {MAX_RATING:g}")


def _fit_kernel(points: NDArray[np.float32], above: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """Amplitude, length scale, alpha and noise of the highest likelihood."""
    if not np.ptp(above):
        return _AMPLITUDE[0], _LENGTH_SCALE[0], _ALPHA[0], _NOISE[0]
    if len(above) > MAX_FITTED:
        drawn = np.random.default_rng(0).choice(len(above), MAX_FITTED, replace=False)
        points, above = points[drawn], above[drawn]
    quadratic = RationalQuadratic(_LENGTH_SCALE[0], _ALPHA[0], _LENGTH_SCALE[1], _ALPHA[1])
    kernel = ConstantKernel(*_AMPLITUDE) * quadratic + WhiteKernel(*_NOISE)
    with warnings.catch_warnings():
        # With few ratings the best value is often a bound: what the bounds are for.
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = GaussianProcessRegressor(kernel, random_state=0).fit(points.astype(np.float64), above).kernel_
    signal, white = found.k1, found.k2
    values = (signal.k1.constant_value, signal.k2.length_scale, signal.k2.alpha, white.noise_level)
    amplitude, length_scale, alpha, noise = map(float, values)
    return amplitude, length_scale, alpha, noise


def _rational_quadratic(x: Tensor, y: Tensor, amplitude: float, length_scale: float, alpha: float) -> Tensor:
    """Amplitude * (1 + |x - y|^2 / (2 alpha length_scale^2)) ** -alpha, (m, n) of (m, 40) and (n, 40)."""
    squared = torch.addmm(y.square().sum(1), x, y.T, alpha=-2)
    squared += x.square().sum(1)[:, None]
    squared.clamp_(min=0).mul_(1 / (2 * alpha * length_scale**2))
    return squared.log1p_().mul_(-alpha).exp_().mul_(amplitude)  # two thirds of the time of pow


def _blocks(n: int) -> Iterator[slice]:
    return (slice(start, start + _ROWS) for start in range(0, n, _ROWS))
