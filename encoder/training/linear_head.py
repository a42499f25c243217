"""A head for a frozen network: the linear layer under which the votes surprise least."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from encoder.model.gz_tree import Tree
from encoder.model.loss import dirichlet_multinomial_loss
from encoder.model.network import concentrations

_STEPS = 400
_RATE = 0.02
_DECAY = 0.01
_REFIT_RATE = 0.005
_PULL = 0.01
"""Pull of the weights back to where a refit began: what the votes say little of stays as it was."""
_MIN_RELATIVE_DEVIATION = 0.01
"""Minimum deviation that a component is divided by, as a share of the largest one."""


def fit_vote_head(
    head: nn.Linear, embedding: NDArray[np.float32], votes: NDArray[np.float32], tree: Tree
) -> None:
    """Fit a head in place, whatever it was before; the same one every time.

    It is fitted on standardised vectors, so that its weight decay means the same for every network, and is
    returned to their own scale.

    Args:
        head: From d numbers to the tree's answers.
        embedding: Vectors of n galaxies from the frozen network, (n, d).
        votes: Votes of the same galaxies, (n, n_answers).
        tree: The tree whose answers the votes' columns are.
    """
    standard = _Standardiser(embedding)
    layer = nn.Linear(embedding.shape[1], tree.n_answers)
    nn.init.zeros_(layer.weight)
    nn.init.constant_(layer.bias, -3.0)  # concentrations near 6, far from both ends of the sigmoid
    optimiser = torch.optim.AdamW(layer.parameters(), lr=_RATE, weight_decay=_DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, _STEPS)
    vectors, counts = standard.apply(embedding), torch.from_numpy(votes)
    for _ in range(_STEPS):
        _step(optimiser, dirichlet_multinomial_loss(concentrations(layer(vectors)), counts, tree.slices))
        schedule.step()
    standard.write(layer, head)


def refit_vote_head(
    head: nn.Linear, groups: Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]], tree: Tree
) -> None:
    """Fit a trained head in place, going on from what it is; the same one every time.

    Args:
        head: From d numbers to the tree's answers.
        groups: Of galaxies, which weigh the same however many are in them: (n, d) vectors of the frozen
            network and (n, n_answers) votes.
        tree: The tree whose answers the votes' columns are.
    """
    standard = _Standardiser(np.concatenate([embedding for embedding, _ in groups]))
    layer = standard.read(head)
    start = layer.weight.detach().clone()
    parts = [(standard.apply(embedding), torch.from_numpy(votes)) for embedding, votes in groups]
    optimiser = torch.optim.Adam(layer.parameters(), lr=_REFIT_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, _STEPS)
    for _ in range(_STEPS):
        loss = _PULL * (layer.weight - start).square().sum()
        for vectors, votes in parts:
            loss = loss + dirichlet_multinomial_loss(concentrations(layer(vectors)), votes, tree.slices)
        _step(optimiser, loss)
        schedule.step()
    standard.write(layer, head)


class _Standardiser:
    """Brings vectors to the mean 0 and the spread 1 of a sample, (n, d), and heads with them."""

    def __init__(self, sample: NDArray[np.float32]) -> None:
        self._mean, spread = sample.mean(axis=0), sample.std(axis=0)
        self._deviation = np.maximum(
            spread, _MIN_RELATIVE_DEVIATION * spread.max() + np.finfo(np.float32).tiny
        )

    def apply(self, vectors: NDArray[np.float32]) -> Tensor:
        """Vectors (n, d) so."""
        return torch.from_numpy((vectors - self._mean) / self._deviation)

    @torch.no_grad()
    def read(self, head: nn.Linear) -> nn.Linear:
        """The head for these vectors that answers as another for vectors as they came."""
        layer = nn.Linear(head.in_features, head.out_features)
        layer.weight.copy_(head.weight * torch.from_numpy(self._deviation))
        layer.bias.copy_(head.bias + head.weight @ torch.from_numpy(self._mean))
        return layer

    @torch.no_grad()
    def write(self, layer: nn.Linear, head: nn.Linear) -> None:
        """Turn a head for these vectors into one for vectors as they came."""
        weight = layer.weight / torch.from_numpy(self._deviation)
        head.weight.copy_(weight)
        head.bias.copy_(layer.bias - weight @ torch.from_numpy(self._mean))


def _step(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
