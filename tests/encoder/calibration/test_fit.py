"""A calibration is found again from votes, its slope is right, and a network that is right is left alone."""

from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.stats import dirichlet_multinomial

from encoder.calibration.fit import FORMS, PRIOR_LOG_TEMPERATURE, PRIOR_SHIFT, Form, Problem, log_score
from encoder.calibration.form import HIGHEST, LOWEST, Calibration
from encoder.evaluation.report.calibration_plots import Reliability, plot_calibration
from tests.encoder.calibration.made_votes import shifted


def test_parameters_are_found_again_within_their_errors() -> None:
    alpha, votes = shifted(1_500, [-0.8, 0.4, 0.9], 0.7)
    problem = Problem(alpha, votes, "shifts")
    found = problem.solve()
    errors = np.sqrt(np.diag(problem.covariance(found)))
    assert errors.max() < 0.1
    wrong = (found - np.array([np.log(0.7), -0.8, 0.4, 0.9])) / errors
    assert np.abs(wrong).max() < 3.5


@pytest.mark.parametrize("form", FORMS)
def test_the_slope_is_that_of_the_loss_and_the_loss_that_of_scipy(form: Form) -> None:
    alpha, votes = shifted(20, [0.3, -0.3, 0.1])
    problem = Problem(alpha, votes, form)
    at = np.linspace(-0.2, 0.3, 4 if form == "shifts" else 2)
    value, slope = problem.loss(at)
    np.testing.assert_allclose(slope, approx_fprime(at, lambda x: problem.loss(x)[0], 1e-6), atol=1e-3)
    calibrated = problem.calibration(at).apply(alpha)
    whole = sum(
        dirichlet_multinomial.logpmf(v, a, 30) for v, a in zip(votes.astype(int), calibrated, strict=True)
    )
    ways = sum(dirichlet_multinomial.logpmf(v, np.ones(3), 30) for v in votes.astype(int))
    flat = float(log_score(np.ones((20, 3)), votes).sum())
    prior = at[0] ** 2 / PRIOR_LOG_TEMPERATURE**2 / 2 + (at[1:] ** 2).sum() / PRIOR_SHIFT**2 / 2
    assert value - prior == pytest.approx(-(whole - ways + flat), rel=1e-9)


def test_a_network_that_is_right_is_left_nearly_as_it_is() -> None:
    alpha, votes = shifted(800, [0.0, 0.0])
    calibration = Problem(alpha, votes, "shifts").calibration(Problem(alpha, votes, "shifts").solve())
    assert calibration.temperature == pytest.approx(1, abs=0.1)
    np.testing.assert_allclose(calibration.shifts, 0, atol=0.2)


def test_the_same_votes_give_the_same_calibration() -> None:
    alpha, votes = shifted(100, [0.5, -0.5])
    one, other = (Problem(alpha, votes, "shifts").solve() for _ in range(2))
    np.testing.assert_array_equal(one, other)


def test_calibrated_parameters_stay_within_bounds() -> None:
    alpha = np.array([[1e-9, 1.0], [1e5, 2.0]])
    applied = Calibration(3.0, np.array([1.0, 0.5])).apply(alpha)
    np.testing.assert_allclose(applied, [[np.exp(LOWEST), np.exp(0.5)], [np.exp(HIGHEST), 8 * np.exp(0.5)]])


def test_reliability_is_drawn(tmp_path: Path) -> None:
    alpha, votes = shifted(60, [0.5, -0.5])
    drawn = [Reliability(f"q{i}", votes, alpha, alpha * 1.1 if i else None) for i in range(4)]
    plot_calibration(drawn, "a survey", tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
