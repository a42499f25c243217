"""Figures of votes, each against a slow plain reference."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.stats import betabinom, dirichlet_multinomial

from encoder.model.posterior import interval_widths
from encoder.training.head.sources import folds_of
from encoder.training.head.vote_figures import (
    bootstrap,
    constant_of_folds,
    constant_of_others,
    fit_constant,
    vote_figures,
)

QUESTION = "disk-edge-on"


def draw_votes(n: int) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
    """Right concentrations, votes drawn from them, and folds."""
    rng = np.random.default_rng(2)
    yes = rng.beta(0.6, 0.6, n)
    alpha = (8 * np.stack([yes, 1 - yes], axis=1) + 0.2).astype(np.float32)
    voters = rng.integers(3, 40, n)
    votes = np.stack([rng.multinomial(m, rng.dirichlet(a)) for m, a in zip(voters, alpha, strict=True)])
    return alpha, votes.astype(np.float32), rng.integers(0, 5, n)


def test_figures_are_those_of_a_slow_reference() -> None:
    alpha, votes, folds = draw_votes(400)
    every = np.ones(400, np.bool_)
    figures = vote_figures(QUESTION, alpha, votes, constant_of_folds(QUESTION, votes, folds, every))
    assert figures is not None
    errors, of_constant, inside, scores, deviations = [], [], [], [], []
    for i in range(400):
        n = votes[i].sum()
        if n < 5:
            continue
        observed, said = votes[i] / n, alpha[i] / alpha[i].sum()
        others = [
            votes[j] / votes[j].sum() for j in range(400) if folds[j] != folds[i] and votes[j].sum() >= 5
        ]
        errors.append(np.abs(said - observed).mean())
        deviations.append(said - observed)
        of_constant.append(np.abs(np.mean(others, axis=0) - observed).mean())
        scores.append(dirichlet_multinomial.logpmf(votes[i].astype(int), alpha[i], int(n)))
        low, high = betabinom.ppf([0.05, 0.95], int(n), *alpha[i])
        inside.append(low <= votes[i, 0] <= high)
    assert figures.galaxies == len(errors)
    assert figures.error == pytest.approx(np.mean(errors), rel=1e-5)
    assert figures.constant == pytest.approx(np.mean(of_constant), rel=1e-5)
    assert figures.ratio.value == pytest.approx(np.mean(errors) / np.mean(of_constant), rel=1e-5)
    assert figures.ratio.low < figures.ratio.value < figures.ratio.high
    assert figures.log_score == pytest.approx(np.mean(scores), rel=1e-4)
    assert abs(figures.bias.value) == pytest.approx(np.abs(np.mean(deviations, axis=0)).max(), abs=1e-5)
    assert figures.coverage.value == pytest.approx(0.9, abs=0.03)
    assert figures.coverage.value <= np.mean(inside)  # counts on an edge are inside by part
    assert figures.gain.low > 0  # a right posterior beats the constant
    assert figures.width < figures.constant_width


def test_the_constant_is_the_dirichlet_that_votes_were_drawn_from() -> None:
    rng = np.random.default_rng(3)
    right = np.array([2.0, 0.7, 0.1])
    votes = np.stack([rng.multinomial(40, rng.dirichlet(right)) for _ in range(3000)]).astype(np.float32)
    np.testing.assert_allclose(fit_constant(votes), right, rtol=0.1)
    others = constant_of_others(QUESTION, votes[:50])
    expected = np.stack([np.delete(votes[:50] / 40, i, axis=0).mean(axis=0) for i in range(50)])
    np.testing.assert_allclose(others.fractions, expected, rtol=1e-5)


def test_widths_are_the_distance_of_quantiles_of_counts_spread_evenly() -> None:
    rng = np.random.default_rng(4)
    alpha, totals = rng.uniform(0.05, 9, (20, 3)), rng.integers(3, 60, 20)
    widths = interval_widths(alpha, totals, 0.9)
    for i in range(20):
        for k in range(3):
            cumulative = np.r_[
                0,
                betabinom.cdf(np.arange(totals[i] + 1), totals[i], alpha[i, k], alpha[i].sum() - alpha[i, k]),
            ]
            low, high = np.interp([0.05, 0.95], cumulative, np.arange(totals[i] + 2))
            assert widths[i, k] == pytest.approx((high - low) / (totals[i] + 1), abs=1e-6)


def test_the_interval_of_a_mean_is_twice_its_standard_error_to_either_side() -> None:
    values = np.random.default_rng(5).normal(2, 3, 900)
    found = bootstrap(900, lambda i: float(values[i].mean()))
    assert found.value == pytest.approx(values.mean())
    assert found.high - found.low == pytest.approx(2 * 1.96 * values.std() / 30, rel=0.1)
    assert found == bootstrap(900, lambda i: float(values[i].mean()))


def test_a_question_that_nobody_answered_has_no_figures() -> None:
    alpha, votes, folds = draw_votes(60)
    constant = constant_of_folds(QUESTION, votes, folds, np.ones(60, np.bool_))
    assert vote_figures(QUESTION, alpha, np.minimum(votes, 1), constant) is None


def test_pictures_that_are_mostly_sky_are_in_many_folds_and_a_picture_given_twice_in_one() -> None:
    rng = np.random.default_rng(6)
    faint = rng.normal(20, 2, (60, 3, 32, 32)).round().astype(np.uint8)
    for i, picture in enumerate(faint):
        picture[:, 14 : 16 + i % 4, 14:18] += 40 + i  # a galaxy of few pixels
    images = [torch.from_numpy(picture) for picture in [*faint, *faint[:20]]]
    found = folds_of("faint", [str(i) for i in range(80)], images)
    assert np.bincount(found, minlength=5).min() >= 5
    np.testing.assert_array_equal(found[60:], found[:20])
