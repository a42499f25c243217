"""Losses on the vectors themselves, beside that of the votes: which galaxies are to lie close together.

The votes only ask that a linear head can tell answers apart; a search compares whole vectors. The two losses
are softened forms of supervised contrastive learning (Khosla et al. 2020, arXiv:2004.11362) and of SimCLR
(Chen et al. 2020, arXiv:2002.05709).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

_TEMPERATURE = 0.1
_UNLIKE = 0.175
"""Root mean square difference of traits, each 0..1, at which likeness has fallen to exp(-1/2)."""
_MIN_SHARED_TRAITS = 4
"""Known of both galaxies, or nobody knows whether they are alike."""
_AGREEMENT_TEMPERATURE = 0.2
_HIDDEN, _PROJECTED = 512, 128


def likeness_loss(embedding: Tensor, traits: Tensor) -> Tensor:
    """How far the neighbours of each galaxy in the batch are from those that its traits ask for, in nats.

    Kullback-Leibler divergence of two distributions over the other galaxies: by the cosine of the vectors,
    and by the difference of the traits. 0 for a batch where no galaxy is like another.

    Args:
        embedding: Vectors of n galaxies, (n, d).
        traits: Traits of the galaxies, (n, k), each 0..1, NaN where unknown.
    """
    others = ~torch.eye(len(embedding), dtype=torch.bool, device=embedding.device)
    known = traits.isfinite()
    both = (known[:, None] & known).float()
    n_known = both.sum(dim=2)
    values = traits.nan_to_num()
    squares = ((values[:, None] - values) ** 2 * both).sum(dim=2) / n_known.clamp(min=1)
    comparable = others & (n_known >= _MIN_SHARED_TRAITS)
    alike = torch.exp(-squares / (2 * _UNLIKE**2)) * comparable
    total = alike.sum(dim=1, keepdim=True)
    wanted = alike / total.clamp(min=torch.finfo(torch.float32).tiny)
    unit = functional.normalize(embedding, dim=1)
    cosine = (unit @ unit.T / _TEMPERATURE).masked_fill(~comparable, -torch.inf)
    rows = total[:, 0] > torch.finfo(torch.float32).eps
    if not rows.any():
        return embedding.sum() * 0
    found = cosine[rows].log_softmax(dim=1).masked_fill(~comparable[rows], 0)
    wanted = wanted[rows]
    divergence: Tensor = (torch.special.xlogy(wanted, wanted) - wanted * found).sum(dim=1)
    return divergence.mean()


class AgreementLoss(nn.Module):
    """How well the second picture of a galaxy is told from those of all others; of training only.

    The vectors go through a small network of its own, which may forget what differs between two pictures of
    one galaxy (zoom, colour) so that the vectors need not.

    Args:
        dimension: Width of the vectors.
    """

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self._projector = nn.Sequential(
            nn.Linear(dimension, _HIDDEN), nn.ReLU(), nn.Linear(_HIDDEN, _PROJECTED)
        )

    def forward(self, embedding: Tensor) -> Tensor:
        """The mean cross entropy, nats.

        Args:
            embedding: Vectors of the first pictures of n galaxies, then in the same order of their second
                ones, (2 n, d).
        """
        unit = functional.normalize(self._projector(embedding), dim=1)
        n = len(unit) // 2
        itself = torch.eye(2 * n, dtype=torch.bool, device=unit.device)
        cosine = (unit @ unit.T / _AGREEMENT_TEMPERATURE).masked_fill(itself, -torch.inf)
        partner = torch.arange(2 * n, device=unit.device).roll(n)
        return functional.cross_entropy(cosine, partner)
