import math

import numpy as np
import pytest
import torch
from scipy.stats import dirichlet_multinomial

from encoder.model.gz_tree import GZD5
from encoder.model.loss import dirichlet_multinomial_loss, question_losses


def test_every_question_agrees_with_scipy() -> None:
    alpha, votes = _galaxies(20, seed=1)
    ours = question_losses(torch.from_numpy(alpha), torch.from_numpy(votes), GZD5.slices).numpy()
    for n in range(20):
        for i, question in enumerate(GZD5.slices):
            counts = votes[n, question].astype(int)
            expected = -dirichlet_multinomial.logpmf(counts, alpha[n, question], counts.sum())
            assert ours[n, i] == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_the_loss_is_the_mean_over_galaxies_of_drawing_the_votes_one_by_one() -> None:
    alpha, votes = _galaxies(6, seed=2)
    slow = 0.0
    for n in range(6):
        for question in GZD5.slices:
            slow += _polya_urn(alpha[n, question].tolist(), votes[n, question].astype(int).tolist())
    fast = dirichlet_multinomial_loss(torch.from_numpy(alpha), torch.from_numpy(votes), GZD5.slices)
    assert float(fast) == pytest.approx(slow / 6, rel=1e-9)


def test_a_question_without_votes_adds_exactly_nothing_and_teaches_nothing() -> None:
    alpha, votes = _galaxies(4, seed=3)
    bar = GZD5.questions[3].slice
    votes[:, bar] = 0
    predicted = torch.from_numpy(alpha).float().requires_grad_()
    losses = question_losses(predicted, torch.from_numpy(votes).float(), GZD5.slices)
    losses.sum().backward()
    assert torch.equal(losses[:, 3], torch.zeros(4))
    assert predicted.grad is not None
    assert torch.equal(predicted.grad[:, bar], torch.zeros(4, 3))
    assert (predicted.grad[:, GZD5.questions[0].slice] != 0).all()


def test_a_certain_right_posterior_is_cheaper_than_a_certain_wrong_one() -> None:
    votes = torch.zeros(1, 34)
    votes[0, 0] = 40
    right, wrong = torch.full((1, 34), 1.0), torch.full((1, 34), 1.0)
    right[0, 0], wrong[0, 1] = 101, 101
    assert dirichlet_multinomial_loss(right, votes, GZD5.slices) < 1.5
    assert dirichlet_multinomial_loss(wrong, votes, GZD5.slices) > 40


def test_float32_is_precise_enough_for_the_largest_alphas_and_totals() -> None:
    alpha, votes = _galaxies(50, seed=4)
    exact = question_losses(torch.from_numpy(alpha), torch.from_numpy(votes), GZD5.slices)
    single = question_losses(torch.from_numpy(alpha).float(), torch.from_numpy(votes).float(), GZD5.slices)
    assert float((single - exact).abs().max()) < 2e-3


def _polya_urn(alpha: list[float], votes: list[int]) -> float:
    """-log probability of the counts, the votes drawn from an urn that each vote adds one ball to."""
    urn = list(alpha)
    log_p = math.lgamma(sum(votes) + 1) - sum(math.lgamma(k + 1) for k in votes)
    for answer, count in enumerate(votes):
        for _ in range(count):
            log_p += math.log(urn[answer] / sum(urn))
            urn[answer] += 1
    return -log_p


def _galaxies(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.uniform(1, 101, (n, 34)), rng.integers(0, 40, (n, 34)).astype(np.float64)
