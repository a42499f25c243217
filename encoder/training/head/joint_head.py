"""A head for a frozen network, fitted to the end on galaxies of several kinds at once.

Vectors are brought to their principal components, all divided by the spread of the first: a penalty on the
weights then holds back the directions in which galaxies hardly differ, and a few hundred galaxies do for a
thousand dimensions. The loss is minimised by L-BFGS until it does not fall. Fewer steps of a gradient descent
leave the means of an answer wrong by more than a tenth.
"""

from collections.abc import Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Group:
    """Galaxies of one kind; a galaxy that is shown in several pictures has several rows.

    Attributes:
        vectors: Vectors of the frozen network, (n, d).
        votes: Votes of the same galaxies, (n, n_columns of the campaigns).
        weight: How much the mean loss of the group counts beside those of the others, however many galaxies
            are in it.
    """

    vectors: NDArray[np.float32]
    votes: NDArray[np.float32]
    weight: float = 1.0


def fit_joint_head(
    head: nn.Linear,
    groups: Sequence[Group],
    campaigns: Campaigns,
    penalty: float = PENALTY,
    alpha_floor: float = 1.0,
) -> None:
    """Fit a head in place, whatever it was before; the same one every time.

    Args:
        head: Linear layer from a vector of d numbers to the answers of all campaigns.
        groups: The galaxies to fit on.
        campaigns: The trees of the votes.
        penalty: Weight of the squared weights.
        alpha_floor: The least concentration of an answer, as the network will have it.
    """
    components = _Components(np.concatenate([group.vectors for group in groups]))
    parts = [
        (
            components.apply(group.vectors),
            torch.from_numpy(group.votes),
            group.weight,
            _voted(group, campaigns),
        )
        for group in groups
    ]
    layer = nn.Linear(components.width, head.out_features)
    nn.init.zeros_(layer.weight)
    nn.init.constant_(layer.bias, _FIRST_OUTPUT)
    optimiser = torch.optim.LBFGS(layer.parameters(), max_iter=_STEPS, line_search_fn="strong_wolfe")

    def loss_and_gradient() -> Tensor:
        optimiser.zero_grad()
        loss = penalty * layer.weight.square().sum()
        for vectors, votes, weight, questions in parts:
            alpha = campaigns.with_sums(concentrations(layer(vectors), alpha_floor))
            loss = loss + weight * dirichlet_multinomial_loss(alpha, votes, questions)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimiser.step(loss_and_gradient)  # type: ignore[no-untyped-call]
    components.write(layer, head)


def _voted(group: Group, campaigns: Campaigns) -> Sequence[slice]:
    """The questions on which the group has votes: any other adds exactly 0 to the loss, and takes as long."""
    voted = [question for question in campaigns.slices if group.votes[:, question].any()]
    return voted or campaigns.slices


class _Components:
    """Principal components of a sample of vectors, (n, d), and what brings vectors to them."""

    def __init__(self, sample: NDArray[np.float32]) -> None:
        self._mean = sample.mean(axis=0)
        centred = sample - self._mean
        # Of thousands of rows the small matrix of products is decomposed, several times faster than the rows.
        variance, directions = np.linalg.eigh((centred.T @ centred).astype(np.float64) / len(sample))
        kept = min(MAX_COMPONENTS, len(sample))
        largest = max(float(variance[-1]), float(np.finfo(np.float32).tiny))
        self._matrix = (directions[:, ::-1][:, :kept] / np.sqrt(largest)).astype(np.float32)

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
