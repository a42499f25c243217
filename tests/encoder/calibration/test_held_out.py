"""What held-out votes say: a real shift is used with its gain told, all else is refused with its reason."""

import numpy as np
import pytest

from encoder.calibration.fit import Problem, log_score
from encoder.calibration.held_out import MIN_GALAXIES, compare, judge, mean_fraction_error
from tests.encoder.calibration.made_votes import shifted


def test_a_shift_is_seen_and_held_out_figures_get_better() -> None:
    alpha, votes = shifted(120, [-1.5, 1.0, 0.5], 0.7, seed=1)
    found = judge(alpha, votes)
    assert found.refused is None
    assert found.held_out is not None
    gains = log_score(found.held_out, votes) - log_score(alpha, votes)
    assert found.gain == pytest.approx(gains.mean())
    assert found.gain_error == pytest.approx(gains.std(ddof=1) / np.sqrt(120))
    assert found.gain > 5 * found.gain_error
    before, after, error = compare(alpha, votes, found)
    assert after is not None
    assert error is not None
    assert after.error < 0.7 * before.error
    assert abs(after.coverage - 0.9) < 0.05 < abs(before.coverage - 0.9)
    observed = (votes / votes.sum(axis=1, keepdims=True)).mean(axis=0)
    assert np.abs(after.mean - observed).max() < 3 * np.abs(error).max() + 0.02


def test_too_few_galaxies_one_answer_alone_and_no_gain_are_refused() -> None:
    alpha, votes = shifted(MIN_GALAXIES - 1, [-1.5, 1.0])
    assert judge(alpha, votes).refused == "39 galaxies have votes, 40 are needed"
    assert judge(alpha[:0], votes[:0]).refused == "0 galaxies have votes, 40 are needed"
    alpha, votes = shifted(60, [0.0, 0.0])
    alone = votes * np.array([1.0, 0.0]) + np.array([1.0, 0.0])
    assert judge(alpha, alone).refused == "all votes are for one answer"
    right = judge(alpha, votes)
    assert right.refused is not None
    assert right.refused.startswith("no gain on votes held out: ")


def test_the_error_of_a_mean_fraction_is_that_of_other_votes() -> None:
    means, told = [], []
    for seed in range(12):
        problem = Problem(*shifted(80, [-0.6, 0.6], seed=100 + seed), "shifts")
        solution = problem.solve()
        calibration, covariance = problem.calibration(solution), problem.covariance(solution)
        asked, _ = shifted(400, [0.0, 0.0], seed=7)
        calibrated = calibration.apply(asked)
        means.append((calibrated / calibrated.sum(axis=1, keepdims=True)).mean(axis=0)[0])
        told.append(mean_fraction_error(asked, calibration, covariance)[0])
    assert 0.4 < np.mean(told) / np.std(means, ddof=1) < 2.5
