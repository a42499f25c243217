"""The Dirichlet-multinomial loss: how surprising the volunteers' votes are under the predicted posterior.

Walmsley et al. 2020, MNRAS 491, 1554 (section 3.2) for one question; 2022 for the whole tree.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional


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
    used = max(question.stop for question in questions)
    alpha, votes = alpha[:, :used], votes[:, :used]
    columns = _columns(questions, used).to(alpha.device)
    total, concentration = _sum(votes, columns), _sum(alpha, columns)
    ways = torch.lgamma(total + 1) - _sum(torch.lgamma(votes + 1), columns)
    normalisation = torch.lgamma(concentration) - torch.lgamma(total + concentration)
    answers = _sum(torch.lgamma(votes + alpha) - torch.lgamma(alpha), columns)
    return -(ways + normalisation + answers)


def _columns(questions: Sequence[slice], n_answers: int) -> Tensor:
    """Columns of each question's answers; a shorter question ends with `n_answers`, a column of zeros."""
    longest = max(question.stop - question.start for question in questions)
    rows = [[*range(n_answers)[question], *[n_answers] * longest][:longest] for question in questions]
    return torch.tensor(rows)


def _sum(values: Tensor, columns: Tensor) -> Tensor:
    """Sums over the answers of each question, (n, n_questions)."""
    # Ten small sums, and ten of every other step, take three times as long where the galaxies are few.
    of_questions = functional.pad(values, (0, 1)).index_select(1, columns.flatten())
    return of_questions.view(len(values), *columns.shape).sum(dim=2)
