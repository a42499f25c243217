import copy

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr
from torch import nn

from encoder.model.gz_tree import GZD5
from encoder.model.loss import dirichlet_multinomial_loss
from encoder.simulation.simulate import draw_cutouts
from encoder.training.linear_head import fit_vote_head, refit_vote_head

_TAUGHT = 300


def test_a_fitted_head_says_the_votes_that_the_vectors_tell() -> None:
    vectors, votes = _vectors_that_tell_the_first_question()
    head = nn.Linear(20, 34)
    fit_vote_head(head, vectors[:_TAUGHT], votes[:_TAUGHT], GZD5)
    said = _said(head, vectors[_TAUGHT:])
    voted = votes[_TAUGHT:, :3] / votes[_TAUGHT:, :3].sum(axis=1, keepdims=True)
    assert spearmanr(said[:, 0], voted[:, 0]).statistic > 0.95
    assert np.abs(said[:, :3] - voted).mean() < 0.04


def test_a_head_that_is_too_sure_is_less_so_when_it_is_fitted_again() -> None:
    vectors, votes = _vectors_that_tell_the_first_question(noise=7.0)
    few = slice(0, 40)
    head = nn.Linear(20, 34)
    fit_vote_head(head, vectors[few], votes[few] * 8, GZD5)  # as if eight times as many had voted
    sure = copy.deepcopy(head)
    refit_vote_head(head, [(vectors[:_TAUGHT], votes[:_TAUGHT])], GZD5)
    assert (
        _loss(head, vectors[_TAUGHT:], votes[_TAUGHT:]) < _loss(sure, vectors[_TAUGHT:], votes[_TAUGHT:]) - 1
    )
    assert _total(head, vectors[_TAUGHT:]).mean() < _total(sure, vectors[_TAUGHT:]).mean()


def test_what_nobody_voted_on_stays_as_it_was() -> None:
    vectors, votes = _vectors_that_tell_the_first_question()
    head = _random_head()
    before = copy.deepcopy(head)
    first_alone = votes.copy()
    first_alone[:, 3:] = 0
    refit_vote_head(head, [(vectors - 100, first_alone)], GZD5)
    torch.testing.assert_close(head.weight[3:], before.weight[3:])
    torch.testing.assert_close(head.bias[3:], before.bias[3:])
    assert (head.weight[:3] - before.weight[:3]).abs().max() > 0.05


def test_a_small_group_weighs_as_much_as_a_large_one() -> None:
    vectors = np.random.default_rng(4).normal(size=(330, 20)).astype(np.float32)
    votes = np.zeros((330, 34), np.float32)
    votes[:300, 0], votes[300:, 1] = 20, 20
    head = _random_head()
    refit_vote_head(head, [(vectors[:300], votes[:300]), (vectors[300:], votes[300:])], GZD5)
    smooth, featured, _ = _said(head, vectors)[:, :3].mean(axis=0)
    assert abs(smooth - featured) < 0.2  # counted one by one, ten to one


def _random_head() -> nn.Linear:
    torch.manual_seed(3)
    return nn.Linear(20, 34)


def _vectors_that_tell_the_first_question(
    noise: float = 0.0,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Vectors (400, 20) and votes (400, 34)."""
    votes = draw_cutouts(400, 5, 32).votes.astype(np.float32)
    rng = np.random.default_rng(2)
    fractions = votes[:, :3] / votes[:, :3].sum(axis=1, keepdims=True)
    vectors = fractions @ rng.normal(size=(3, 20)) * 7 + 100 + noise * rng.normal(size=(400, 20))
    return vectors.astype(np.float32), votes


@torch.inference_mode()
def _alpha(head: nn.Linear, vectors: NDArray[np.float32]) -> torch.Tensor:
    return 100 * torch.sigmoid(head(torch.from_numpy(vectors))) + 1


def _said(head: nn.Linear, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return GZD5.fractions(_alpha(head, vectors).numpy())


def _total(head: nn.Linear, vectors: NDArray[np.float32]) -> torch.Tensor:
    return _alpha(head, vectors)[:, :3].sum(dim=1)


def _loss(head: nn.Linear, vectors: NDArray[np.float32], votes: NDArray[np.float32]) -> float:
    return float(dirichlet_multinomial_loss(_alpha(head, vectors), torch.from_numpy(votes), GZD5.slices))
