"""Intervals hold the votes of as many galaxies as they promise, whatever the head's own concentrations."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import betabinom

from encoder.model.gz_tree import GZD5
from encoder.training.campaigns import Campaigns
from encoder.training.head.fit import cross_scale
from encoder.training.head.scales import MIN_GALAXIES, measure_scales

CAMPAIGNS = Campaigns.load(("gzd5",))
SMOOTH, EDGE_ON = (question.slice for question in GZD5.questions[:2])
BAR = next(question for question in GZD5.questions if question.name == "bar")


def draw_votes(n: int, too_sure: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Concentrations that are `too_sure` times the right ones, and votes drawn from the right ones."""
    rng = np.random.default_rng(4)
    right = np.ones((n, GZD5.n_answers), np.float32)
    right[:, SMOOTH] = rng.uniform(1, 12, (n, 3))
    right[:, BAR.slice] = rng.uniform(1, 5, (n, 3))
    votes = np.zeros((n, CAMPAIGNS.n_columns), np.float32)
    for row in range(n):
        votes[row, SMOOTH] = rng.multinomial(40, rng.dirichlet(right[row, SMOOTH]))
        strong, weak, no = rng.dirichlet(right[row, BAR.slice])
        votes[row, 34:36] = rng.multinomial(20, [strong + weak, no])
    return right * np.float32(too_sure), votes


def test_a_head_that_is_three_times_too_sure_is_scaled_to_a_third() -> None:
    alpha, votes = draw_votes(1500, 3.0)
    scales = measure_scales(alpha, votes, CAMPAIGNS)
    assert scales.measured == ("smooth-or-featured", "bar")
    by_name = dict(zip((q.name for q in GZD5.questions), scales.factors, strict=True))
    assert by_name["smooth-or-featured"] == pytest.approx(1 / 3, rel=0.15)
    assert by_name["bar"] == pytest.approx(1 / 3, rel=0.15)
    usual = np.sqrt(by_name["smooth-or-featured"] * by_name["bar"])
    assert by_name["merging"] == pytest.approx(usual, rel=1e-3)


def test_scaled_intervals_hold_nine_tenths_of_the_counts_and_the_fractions_stay() -> None:
    alpha, votes = draw_votes(1500, 5.0)
    folds = np.arange(1500) % 5
    folds[:100] = -1
    alpha[:100] = np.nan
    scaled = cross_scale(alpha, folds, votes, CAMPAIGNS)
    assert np.isnan(scaled[:100]).all()
    np.testing.assert_allclose(GZD5.fractions(scaled[100:]), GZD5.fractions(alpha[100:]), rtol=1e-5)
    own = scaled[100:, SMOOTH]
    low, high = (
        betabinom.ppf(p, 40, own[:, 0], own[:, 1] + own[:, 2]) for p in (0.05, 0.95)
    )  # of whole counts: a little wider than 90 %
    counts = votes[100:, SMOOTH.start]
    assert 0.89 < ((counts >= low) & (counts <= high)).mean() < 0.96


def test_too_few_voted_galaxies_leave_the_concentrations_as_they_are() -> None:
    alpha, votes = draw_votes(MIN_GALAXIES - 1, 3.0)
    scales = measure_scales(alpha, votes, CAMPAIGNS)
    assert scales.factors == (1.0,) * len(GZD5.questions)
    assert scales.measured == ()
