"""A head for a frozen network, fitted to the end on galaxies of several kinds at once.

Vectors are brought to their principal components, all divided by the spread of the first: a penalty on the
weights then holds back the directions in which galaxies hardly differ, and a few hundred galaxies do for a
thousand dimensions. The loss is minimised by L-BFGS until it does not fall. Fewer steps of a gradient descent
leave the means of an answer wrong by more than a tenth.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from encoder.model.loss import dirichlet_multinomial_loss
from encoder.model.network import concentrations
from encoder.training.campaigns import Campaigns

MAX_COMPONENTS = 400
PENALTY = 0.003
"""Of the squared weights, beside the loss in nats a galaxy: chosen by folds of the real training galaxies."""
_STEPS = 100
_FIRST_OUTPUT = -2.0
"""Concentrations near 13: far from both ends of the sigmoid."""

Group = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Vectors (n, d) and votes (n, n_columns) of one kind of galaxies."""


def fit_joint_head(
    head: nn.Linear, groups: Sequence[Group], campaigns: Campaigns, penalty: float = PENALTY
) -> None:
    """Fit a head in place, whatever it was before; the same one every time.

    Args:
        head: From d numbers to the answers of all campaigns.
        groups: Of galaxies, which weigh the same however many are in them.
        campaigns: The trees of the votes.
        penalty: Weight of the squared weights.
    """
    components = _Components(np.concatenate([vectors for vectors, _ in groups]))
    parts = [(components.apply(vectors), torch.from_numpy(votes)) for vectors, votes in groups]
    layer = nn.Linear(components.width, head.out_features)
    nn.init.zeros_(layer.weight)
    nn.init.constant_(layer.bias, _FIRST_OUTPUT)
    optimiser = torch.optim.LBFGS(layer.parameters(), max_iter=_STEPS, line_search_fn="strong_wolfe")

    def loss_and_gradient() -> Tensor:
        optimiser.zero_grad()
        loss = penalty * layer.weight.square().sum()
        for vectors, votes in parts:
            alpha = campaigns.with_sums(concentrations(layer(vectors)))
            loss = loss + dirichlet_multinomial_loss(alpha, votes, campaigns.slices)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimiser.step(loss_and_gradient)  # type: ignore[no-untyped-call]
    components.write(layer, head)


class _Components:
    """Principal components of a sample of vectors, (n, d), and what brings vectors to them."""

    def __init__(self, sample: NDArray[np.float32]) -> None:
        self._mean = sample.mean(axis=0)
        _, spread, directions = np.linalg.svd(sample - self._mean, full_matrices=False)
        scale = max(float(spread[0]), float(np.finfo(np.float32).tiny)) / np.sqrt(len(sample))
        self._matrix = (directions[:MAX_COMPONENTS].T / scale).astype(np.float32)

    @property
    def width(self) -> int:
        return len(self._matrix.T)

    def apply(self, vectors: NDArray[np.float32]) -> Tensor:
        return torch.from_numpy((vectors - self._mean) @ self._matrix)

    @torch.no_grad()
    def write(self, layer: nn.Linear, head: nn.Linear) -> None:
        """Turn a head for components into one for vectors as they came."""
        weight = layer.weight @ torch.from_numpy(self._matrix.T)
        head.weight.copy_(weight)
        head.bias.copy_(layer.bias - weight @ torch.from_numpy(self._mean))
