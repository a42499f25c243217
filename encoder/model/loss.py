"""The Dirichlet-multinomial loss: how surprising the volunteers' votes are under the predicted posterior.

Walmsley et al. 2020, MNRAS 491, 1554 (section 3.2) for one question; 2022 for the whole tree.
"""

from collections.abc import Sequence

import torch
from torch import Tensor


def dirichlet_multinomial_loss(alpha: Tensor, votes: Tensor, questions: Sequence[slice]) -> Tensor:
    """Mean over galaxies of the sum over questions of -log P(votes | alpha).

    A question nobody answered adds exactly 0, so tables that answer different questions mix in one batch.

    Args:
        alpha: Predicted concentrations, (n, n_answers), each > 0.
        votes: Vote counts, (n, n_answers); fractions of a vote are allowed.
        questions: One slice of the answer axis for each question.

    Returns:
        A scalar, in nats a galaxy.
    """
    return question_losses(alpha, votes, questions).sum(dim=1).mean()


def question_losses(alpha: Tensor, votes: Tensor, questions: Sequence[slice]) -> Tensor:
    """-log DirichletMultinomial(votes | alpha) of each question of each galaxy.

    Returns:
        Loss of each question, (n, n_questions), in nats; 0 where the question has no votes.
    """
    return torch.stack([_surprise(alpha[:, q], votes[:, q]) for q in questions], dim=1)


def _surprise(alpha: Tensor, votes: Tensor) -> Tensor:
    total = votes.sum(dim=1)
    concentration = alpha.sum(dim=1)
    ways = torch.lgamma(total + 1) - torch.lgamma(votes + 1).sum(dim=1)
    normalisation = torch.lgamma(concentration) - torch.lgamma(total + concentration)
    answers = (torch.lgamma(votes + alpha) - torch.lgamma(alpha)).sum(dim=1)
    return -(ways + normalisation + answers)
