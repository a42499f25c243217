"""Intervals hold the votes of as many galaxies as they promise, whatever the head's own concentrations."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.stats import betabinom

from encoder.model.gz_tree import GZD5
from encoder.training.campaigns import Campaigns
from encoder.training.head.fit import HeadSettings, out_of_fold, out_of_fold_and_scaled
from encoder.training.head.samples import HeadSample, HeadSource
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


def test_scaled_intervals_hold_nine_tenths_of_the_counts_of_other_galaxies() -> None:
    alpha, votes = draw_votes(1500, 5.0)
    sizes = [len(question.answers) for question in GZD5.questions]
    scaled = alpha[700:] * np.repeat(measure_scales(alpha[:700], votes[:700], CAMPAIGNS).factors, sizes)
    own = scaled[:, SMOOTH]
    low, high = (
        betabinom.ppf(p, 40, own[:, 0], own[:, 1] + own[:, 2]) for p in (0.05, 0.95)
    )  # of whole counts: a little wider than 90 %
    counts = votes[700:, SMOOTH.start]
    assert 0.89 < ((counts >= low) & (counts <= high)).mean() < 0.96


def sample_of(votes: NDArray[np.float32], vectors: NDArray[np.float32]) -> HeadSample:
    ids = [str(row) for row in range(len(votes))]
    source = HeadSource("made", ids, [torch.zeros(3, 1, 1)] * len(ids), 1.0, votes)
    return HeadSample(source, vectors[None], np.zeros((0, *vectors.shape), np.float32))


def test_neither_head_nor_factors_know_the_votes_of_the_judged_fold() -> None:
    n = 400
    _, votes = draw_votes(n, 1.0)
    vectors = np.random.default_rng(5).normal(size=(n, 4)).astype(np.float32)
    folds = np.arange(n) % 4 - 1

    def foretold(votes: NDArray[np.float32]) -> NDArray[np.float32]:
        sample = sample_of(votes, vectors)
        return out_of_fold_and_scaled(sample, folds, votes, [], CAMPAIGNS, HeadSettings())

    scaled = foretold(votes)
    plain = out_of_fold(sample_of(votes, vectors), folds, [], CAMPAIGNS, HeadSettings())
    judged = folds >= 0
    assert np.isnan(scaled[~judged]).all()
    np.testing.assert_allclose(
        GZD5.fractions(scaled[judged]), GZD5.fractions(plain[judged]), rtol=1e-4, atol=1e-6
    )
    other = votes.copy()
    other[folds == 1] = other[folds == 1][::-1] * 2
    changed = foretold(other)
    np.testing.assert_array_equal(changed[folds == 1], scaled[folds == 1])
    assert not np.allclose(changed[folds == 0], scaled[folds == 0], rtol=1e-2)


def test_too_few_voted_galaxies_leave_the_concentrations_as_they_are() -> None:
    alpha, votes = draw_votes(MIN_GALAXIES - 1, 3.0)
    scales = measure_scales(alpha, votes, CAMPAIGNS)
    assert scales.factors == (1.0,) * len(GZD5.questions)
    assert scales.measured == ()
