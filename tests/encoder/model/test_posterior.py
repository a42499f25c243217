import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from encoder.model.gz_tree import GZD5
from encoder.model.posterior import coverage

SIZES = [len(q.answers) for q in GZD5.questions]


def test_coverage_is_that_of_scipys_beta_binomial() -> None:
    alpha, rng = _alphas(6), np.random.default_rng(2)
    votes = rng.integers(0, 9, (6, 34))
    share = coverage(alpha, votes, GZD5)
    for n in range(6):
        for question in GZD5.questions:
            own, counts = alpha[n, question.slice].astype(float), votes[n, question.slice]
            foretold = stats.betabinom(counts.sum(), own, own.sum() - own)
            below, chance = foretold.cdf(counts - 1), foretold.pmf(counts)
            inside = np.minimum(below + chance, 0.95) - np.maximum(below, 0.05)
            wanted = np.clip(inside, 0, None) / chance
            np.testing.assert_allclose(share[n, question.slice], wanted, rtol=1e-6, atol=1e-9)


def test_drawn_volunteers_fall_into_the_intervals_as_often_as_they_say() -> None:
    n = 6000
    alpha, votes = _alphas(n), _draw_votes(n)
    totals = np.stack([votes[:, q.slice].sum(axis=1) for q in GZD5.questions], axis=1)
    asked = np.repeat(totals, SIZES, axis=1) > 0
    share = coverage(alpha, votes, GZD5)
    np.testing.assert_array_equal(np.isnan(share), ~asked)
    assert (share[asked] > 0).mean() > 0.92  # whole counts that touch the interval: more than it says
    # However few the votes; five standard errors of independent galaxies.
    for least, most in ((1, 2), (3, 8), (9, 40)):
        rows = (totals[:, 8] >= least) & (totals[:, 8] <= most)
        expected = pytest.approx(0.9, abs=5 * 0.3 / np.sqrt(rows.sum()))
        assert share[rows, GZD5.questions[8].slice].mean() == expected
    wide = coverage(alpha / 8 + 0.2, votes, GZD5)
    narrow = coverage(alpha * 8, votes, GZD5)
    assert np.nanmean(narrow) < 0.88
    assert np.nanmean(wide) > 0.92


def test_a_count_is_covered_by_the_part_of_it_that_lies_inside() -> None:
    alpha = np.ones((1, 34), np.float32)
    votes = np.zeros((1, 34), np.int64)
    votes[0, 3] = 1  # disk-edge-on: yes 1, no 0, each as likely: 0 spans 0..0.5 and 1 spans 0.5..1
    share = coverage(alpha, votes, GZD5)
    np.testing.assert_allclose(share[0, 3:5], [0.9, 0.9])
    assert np.isnan(np.delete(share[0], [3, 4])).all()


def _alphas(n: int) -> NDArray[np.float32]:
    return np.random.default_rng(7).uniform(1, 60, (n, 34)).astype(np.float32)


def _draw_votes(n: int) -> NDArray[np.int64]:
    """Fractions drawn from each question's Dirichlet, volunteers from the fractions."""
    alpha, rng = _alphas(n), np.random.default_rng(8)
    votes = np.zeros((n, 34), np.int64)
    for question in GZD5.questions:
        for row in range(n):
            fractions = rng.dirichlet(alpha[row, question.slice])
            votes[row, question.slice] = rng.multinomial(rng.integers(0, 41), fractions)
    return votes
