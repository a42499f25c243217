import math

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest, RandomForestRegressor

from encoder.errors import EvaluationError
from encoder.evaluation.anomalies.astronomaly import (
    PERCENTILES,
    astronomaly_scores,
    ellipse_features,
    isolation_score,
    neighbour_score,
)
from encoder.evaluation.anomalies.ellipses import Ellipse, draw_ellipse, fit_ellipse

SIZE = 128


@pytest.mark.parametrize("angle_deg", [0.0, 25.0, 90.0, 155.0])
def test_the_ellipse_of_a_drawn_ellipse_is_found_again(angle_deg: float) -> None:
    true = Ellipse(60.3, 70.8, 30.0, 15.0, angle_deg)
    found = fit_ellipse(draw_ellipse(true, (SIZE, SIZE)))
    assert found is not None
    assert (found.row, found.column) == pytest.approx((true.row, true.column), abs=0.1)
    assert (found.major, found.minor) == pytest.approx((true.major, true.minor), abs=0.4)
    assert abs((found.angle_deg - angle_deg + 90) % 180 - 90) < 1


def test_the_fit_is_as_good_as_any_near_it() -> None:
    rng = np.random.default_rng(0)
    region = draw_ellipse(Ellipse(64, 64, 30, 18, 40), (SIZE, SIZE)) | draw_ellipse(
        Ellipse(50, 60, 20, 15, 0), (SIZE, SIZE)
    )
    found = fit_ellipse(region)
    assert found is not None
    missed = (draw_ellipse(found, region.shape) != region).sum()
    others = [
        Ellipse(*(np.array([found.row, found.column, found.major, found.minor, found.angle_deg]) + shift))
        for shift in rng.normal(0, [3, 3, 3, 3, 10], size=(100, 5))
    ]
    assert missed < np.quantile(
        [(draw_ellipse(other, region.shape) != region).sum() for other in others], 0.1
    )


def test_what_has_no_ellipse_has_none() -> None:
    line = np.zeros((20, 20), np.bool_)
    line[4, 3:15] = True
    dot = np.zeros((20, 20), np.bool_)
    dot[4:6, 4:6] = True
    assert [fit_ellipse(region) for region in (line, dot, np.zeros((20, 20), np.bool_))] == [None] * 3


@pytest.mark.parametrize(("ratio", "angle_deg"), [(0.8, 0.0), (0.5, 30.0), (0.4, 120.0)])
def test_a_galaxy_of_elliptic_isophotes_has_no_residuals_offsets_or_twists(
    ratio: float, angle_deg: float
) -> None:
    residuals, offsets, ratios, turns = _by_feature(_galaxy(64, 64, ratio, angle_deg)[None])
    assert residuals.max() < 0.01
    assert offsets.max() < 0.2
    np.testing.assert_allclose(ratios, 1, atol=0.08)
    assert turns[0] == 0
    assert turns.max() < 4


def test_offset_axis_ratio_and_angle_are_those_of_the_isophotes_that_were_drawn() -> None:
    # Two steps: five levels see the bright round one, the lowest the faint long one around it.
    inner, outer = Ellipse(60, 66, 20, 16, 10), Ellipse(64, 63, 30, 15, 50)
    bright, faint = draw_ellipse(inner, (SIZE, SIZE)), draw_ellipse(outer, (SIZE, SIZE))
    slope = 0.01 * _galaxy(60, 66, 0.8, 10)
    picture = np.where(bright, 1 + slope, np.where(faint, 0.5 + slope, 0)).astype(np.float32)
    share = bright.sum() / (bright | faint).sum()
    assert 0.5 < share < 0.9
    _, offsets, ratios, turns = _by_feature(picture[None])
    union = fit_ellipse(bright | faint)
    assert union is not None
    core = fit_ellipse((picture > np.quantile(picture[picture > 0], 0.9)) & bright)
    assert core is not None
    assert offsets[-1] == pytest.approx(math.hypot(union.row - 60, union.column - 66), abs=0.2)
    assert ratios[-1] == pytest.approx(union.major / union.minor * core.minor / core.major, abs=0.01)
    assert turns[-1] == pytest.approx(abs(union.angle_deg - 10), abs=3)


def test_a_turned_picture_has_the_same_features() -> None:
    pictures = np.stack([_draw_disturbed(seed) for seed in range(3)])
    turned = np.rot90(pictures, axes=(1, 2)).copy()
    np.testing.assert_allclose(ellipse_features(turned), ellipse_features(pictures), rtol=1e-3, atol=1e-3)


def test_a_disturbed_galaxy_has_larger_residuals_than_a_regular_one() -> None:
    regular = ellipse_features(np.stack([_galaxy(64, 64, 0.6, angle) for angle in (0.0, 40.0, 80.0)]))
    disturbed = ellipse_features(np.stack([_draw_disturbed(seed) for seed in range(3)]))
    n = len(PERCENTILES)
    assert disturbed[:, :n].sum(axis=1).min() > 2 * regular[:, :n].sum(axis=1).max()


def test_a_neighbour_in_the_field_and_a_hole_in_the_galaxy_change_nothing() -> None:
    clean = _galaxy(64, 64, 0.6, 30) * draw_ellipse(Ellipse(64, 64, 20, 12, 30), (SIZE, SIZE))
    crowded = clean + 0.5 * draw_ellipse(Ellipse(12, 110, 6, 6, 0), (SIZE, SIZE)).astype(np.float32)
    np.testing.assert_array_equal(ellipse_features(crowded[None]), ellipse_features(clean[None]))
    disk = draw_ellipse(Ellipse(64, 64, 30, 20, 0), (SIZE, SIZE))
    ring = disk & ~draw_ellipse(Ellipse(64, 64, 10, 6, 0), (SIZE, SIZE))
    brightness = np.linspace(1, 1.1, SIZE)[None]
    solid, hollow = (ellipse_features((m * brightness).astype(np.float32)[None])[0] for m in (disk, ring))
    assert 0 < solid[5] == hollow[5] < 0.01


def test_a_picture_without_a_source_has_no_features_and_cannot_be_scored() -> None:
    features = ellipse_features(np.stack([_galaxy(64, 64, 0.6, 0), np.zeros((SIZE, SIZE), np.float32)]))
    assert features.shape == (2, 24)
    assert features.dtype == np.float32
    assert np.isfinite(features[0]).all()
    assert np.isnan(features[1]).all()
    with pytest.raises(EvaluationError, match="galaxy 1 has no ellipse features: leave it out"):
        isolation_score(features, seed=0)


def test_no_picture_has_no_features() -> None:
    assert ellipse_features(np.empty((0, SIZE, SIZE), np.float32)).shape == (0, 24)


def test_the_machine_score_is_the_isolation_forest_between_0_and_5() -> None:
    features = _random_features()
    scaled = (features - features.mean(axis=0)) / features.std(axis=0)
    depths = IsolationForest(n_estimators=100, random_state=3).fit(scaled).score_samples(scaled)
    expected = 5 * (depths.max() - depths) / (depths.max() - depths.min())
    ours = isolation_score(features.astype(np.float32), seed=3)
    np.testing.assert_allclose(ours, expected, atol=0.2)
    assert (ours.min(), ours.max()) == (0, 5)
    assert np.corrcoef(ours, expected)[0, 1] > 0.995


def test_the_neighbour_score_is_that_of_a_slow_plain_reference() -> None:
    features = _random_features()
    machine = np.random.default_rng(1).uniform(0, 5, len(features))
    labelled, ratings = np.arange(0, 60, 3), np.random.default_rng(2).integers(0, 6, 20).astype(float)
    scaled = (features - features.mean(axis=0)) / features.std(axis=0)
    forest = RandomForestRegressor(n_estimators=100, random_state=3).fit(scaled[labelled], ratings)
    nearest = [min(math.dist(row, scaled[i]) for i in labelled) for row in scaled]
    mean = sum(nearest) / len(nearest)
    expected = [
        score * math.tanh(math.exp(far / mean) - 1 + math.atanh(0.1 + 0.85 * rating / 5))
        for score, far, rating in zip(machine, nearest, forest.predict(scaled), strict=True)
    ]
    ours = astronomaly_scores(features.astype(np.float32), machine, labelled, ratings, seed=3)
    np.testing.assert_allclose(ours, expected, rtol=0.02, atol=0.01)
    again = astronomaly_scores(features.astype(np.float32), machine, labelled, ratings, seed=3)
    np.testing.assert_array_equal(again, ours)


def test_a_rating_lowers_a_score_nearby_and_leaves_it_far_away() -> None:
    machine, foretold = np.full(4, 2.0), np.array([0.0, 5.0, 0.0, 5.0])
    scores = neighbour_score(machine, foretold, np.array([0.0, 0.0, 40.0, 40.0]))
    np.testing.assert_allclose(scores[:2], [2 * 0.1, 2 * 0.95])
    np.testing.assert_allclose(scores[2:], 2, rtol=1e-2)
    assert (scores <= machine).all()


def test_ratings_that_cannot_be_learnt_are_an_error_of_one_line() -> None:
    features, machine = _random_features().astype(np.float32), np.ones(150)
    with pytest.raises(EvaluationError, match="no galaxy is rated"):
        astronomaly_scores(features, machine, np.array([], np.int64), np.array([]), seed=0)
    with pytest.raises(EvaluationError, match=r"rating 5.5 is not in 0\.\.5"):
        astronomaly_scores(features, machine, np.array([1]), np.array([5.5]), seed=0)
    with pytest.raises(EvaluationError, match="all 150 galaxies are rated"):
        astronomaly_scores(features, machine, np.arange(150), np.ones(150), seed=0)
    with pytest.raises(EvaluationError, match="all 3 galaxies have the same features"):
        isolation_score(np.ones((3, 24), np.float32), seed=0)


def _by_feature(pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    features: NDArray[np.float32] = ellipse_features(pictures)[0].reshape(4, len(PERCENTILES))
    return features


def _galaxy(row: float, column: float, ratio: float, angle_deg: float) -> NDArray[np.float32]:
    """An exponential disk that fills much of the picture."""
    y, x = np.ogrid[:SIZE, :SIZE]
    turn = math.radians(angle_deg)
    along = (x - column) * math.cos(turn) + (y - row) * math.sin(turn)
    across = ((y - row) * math.cos(turn) - (x - column) * math.sin(turn)) / ratio
    light: NDArray[np.float32] = np.exp(-np.hypot(along, across) / 12).astype(np.float32)
    return light


def _draw_disturbed(seed: int) -> NDArray[np.float32]:
    """A galaxy with a companion and a tail."""
    at = np.random.default_rng(seed).uniform(-1, 1, 2)
    companion = 0.6 * _galaxy(44 + 3 * at[0], 84 + 3 * at[1], 0.7, 120 + 20 * at[0])
    tail = 0.4 * _galaxy(82, 50, 0.15, 130)
    light: NDArray[np.float32] = (_galaxy(64, 64, 0.6, 20) + companion + tail).astype(np.float32)
    return light


def _random_features() -> NDArray[np.float64]:
    return np.random.default_rng(0).normal(size=(150, 24)) * np.geomspace(0.01, 50, 24)
