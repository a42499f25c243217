"""A head for a frozen network: the linear layer under which the votes surprise least."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from encoder.gz_tree import Tree
from encoder.loss import dirichlet_multinomial_loss
from encoder.network import concentrations

_STEPS = 400
_RATE = 0.02
_DECAY = 0.01
_FLAT = 0.01
"""Of the widest spread: what varies less is not blown up to the same."""


def fit_head(head: nn.Linear, embedding: NDArray[np.float32], votes: NDArray[np.float32], tree: Tree) -> None:
    """Fit a head in place; the same one every time.

    It is fitted on standardised vectors, so that its weight decay means the same for every network, and is
    returned to their own scale.

    Args:
        head: From d numbers to the tree's answers.
        embedding: (n, d) vectors of the frozen network.
        votes: (n, n_answers) of the same galaxies.
        tree: Of the votes.
    """
    mean, spread = embedding.mean(axis=0), embedding.std(axis=0)
    deviation = np.maximum(spread, _FLAT * spread.max() + np.finfo(np.float32).tiny)
    vectors = torch.from_numpy((embedding - mean) / deviation)
    counts = torch.from_numpy(votes)
    layer = nn.Linear(embedding.shape[1], tree.n_answers)
    nn.init.zeros_(layer.weight)
    nn.init.constant_(layer.bias, -3.0)  # concentrations near 6, far from both ends of the sigmoid
    optimiser = torch.optim.AdamW(layer.parameters(), lr=_RATE, weight_decay=_DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, _STEPS)
    for _ in range(_STEPS):
        loss = dirichlet_multinomial_loss(concentrations(layer(vectors)), counts, tree.slices)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    with torch.no_grad():
        weight = layer.weight / torch.from_numpy(deviation)
        head.weight.copy_(weight)
        head.bias.copy_(layer.bias - weight @ torch.from_numpy(mean))
