"""Search vectors of a million galaxies, drawn around those of 22,000: a mixture of as many Gaussians.

Each has the covariance of a galaxy's nearest neighbours, so it is as flat as the data are there. How alike
the drawn and the real ones are is printed: intrinsic dimension, distances to the nearest, hubness.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from benchmarks.encoder.encoder_vectors import encoder_vectors
from encoder.model.encoder import load_encoder
from encoder.model.gz_tree import GZD5

NEIGHBOURS = 24
WIDTH = 0.75
"""Of a Gaussian, in units of its neighbours' spread: chosen so that the printed numbers agree."""
HELD_OUT = 400


@dataclass(frozen=True)
class Sample:
    """Real vectors of the shipped encoder.

    Attributes:
        full: The full vectors of the encoder, (n, 1280) float32.
        search: The search vectors, (n, 40) float32.
        fractions: Vote fractions of the answers, (n, 34) float32.
        concentrations: Concentrations of the questions, (n, 10) float32.
        near: (n, NEIGHBOURS) indices of the nearest.
        queries_full: (HELD_OUT, 1280), of galaxies that nothing is drawn around.
        queries: Search vectors of the galaxies that are searched for, (HELD_OUT, 40) float32.
    """

    full: NDArray[np.float32]
    search: NDArray[np.float32]
    fractions: NDArray[np.float32]
    concentrations: NDArray[np.float32]
    near: NDArray[np.int64]
    queries_full: NDArray[np.float32]
    queries: NDArray[np.float32]


@dataclass(frozen=True)
class Grown:
    """Drawn galaxies.

    Attributes:
        parents: (n,) the galaxy each was drawn around.
        weights: (n, NEIGHBOURS + 1) of that galaxy and its neighbours, which sum to 1.
        search: The search vectors, (n, 40) float32.
    """

    parents: NDArray[np.int64]
    weights: NDArray[np.float32]
    search: NDArray[np.float32]

    def full(self, sample: Sample, rows: slice) -> NDArray[np.float32]:
        """The full-width vectors of some of them, whose projections `search` are."""
        own, weights = self.parents[rows], self.weights[rows]
        near = sample.full[sample.near[own]]
        return weights[:, :1] * sample.full[own] + np.einsum("ij,ijd->id", weights[:, 1:], near)


def real_sample() -> Sample:
    """Encode, or read, and project."""
    encoder, encoded = load_encoder(), encoder_vectors()
    search = encoder.projection.apply(encoded.embedding)
    own = slice(HELD_OUT, None)
    near = NearestNeighbors(n_neighbors=NEIGHBOURS + 1).fit(search[own]).kneighbors(search[own])[1][:, 1:]
    alpha = encoded.concentrations_alpha[own]
    return Sample(
        full=encoded.embedding[own],
        search=search[own],
        fractions=GZD5.fractions(alpha),
        concentrations=GZD5.concentrations(alpha),
        near=near,
        queries_full=encoded.embedding[:HELD_OUT],
        queries=search[:HELD_OUT],
    )


def grow(sample: Sample, n: int, seed: int) -> Grown:
    """Draw n galaxies; the same seed begins with the same ones."""
    rng = np.random.default_rng(seed)
    parts = [_draw(sample, min(20_000, n - start), rng) for start in range(0, n, 20_000)]
    return Grown(*(np.concatenate([part[i] for part in parts]) for i in range(3)))  # type: ignore[arg-type]


def likeness(vectors: NDArray[np.float32]) -> str:
    """Intrinsic dimension (Levina-Bickel, 20 neighbours), distances to the 1st and 10th nearest, hubness.

    Hubness is the skewness of how often a galaxy is among the 10 nearest of others.
    """
    distance, near = NearestNeighbors(n_neighbors=21).fit(vectors).kneighbors(vectors)
    distance, near = np.maximum(distance[:, 1:], 1e-9), near[:, 1:]
    dimension = 1 / np.mean(np.mean(np.log(distance[:, -1:] / distance[:, :-1]), axis=1))
    often = np.bincount(near[:, :10].ravel(), minlength=len(vectors))
    hubness = np.mean(((often - often.mean()) / often.std()) ** 3)
    first, tenth = np.percentile(distance[:, 0], [10, 50, 90]), np.median(distance[:, 9])
    half = len(vectors) // 2
    pair = np.linalg.norm(vectors[:half] - vectors[half : 2 * half], axis=1)
    return (
        f"dimension {dimension:5.1f}, nearest {first[1]:.3f} ({first[0]:.3f} to {first[2]:.3f}), "
        f"10th {tenth:.3f}, random pair {pair.mean():.2f}, hubness {hubness:.1f}"
    )


def _draw(
    sample: Sample, n: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    parents = rng.integers(0, len(sample.search), n)
    # Weights that sum to nothing, on neighbours of which each has a variance of 1 / NEIGHBOURS.
    normal = rng.normal(size=(n, NEIGHBOURS)) * WIDTH / np.sqrt(NEIGHBOURS)
    others = normal - normal.mean(axis=1, keepdims=True)
    weights = np.concatenate([np.ones((n, 1)), others], axis=1).astype(np.float32)
    near = sample.search[sample.near[parents]]
    search = sample.search[parents] + np.einsum("ij,ijd->id", weights[:, 1:], near)
    return parents, weights, search.astype(np.float32)


if __name__ == "__main__":
    real = real_sample()
    print(f"real  {likeness(real.search)}")
    print(f"drawn {likeness(grow(real, len(real.search), 1).search)}")
