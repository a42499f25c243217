import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit, log_softmax, softmax
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from encoder.errors import LearningError
from encoder.heads.answers import Answers
from encoder.heads.calibration import fit_calibration, probabilities
from encoder.heads.fit import TaskHead, fit_head
from encoder.heads.laplace import probability_deviations, weight_posterior
from encoder.heads.logistic import Logistic, fit_logistic, out_of_fold_logits
from encoder.heads.report import calibration_error, measure_head
from encoder.model.projection import fit_projection

RING = ("no ring", "ring")
SHAPES = ("round", "disc", "merger")


def test_few_labels_give_the_logits_of_scikit_learn_at_a_root_mean_square_of_1() -> None:
    vectors, truth = _galaxies([4, 9])
    head = fit_head(vectors, _votes(truth), RING)
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(C=1e-3, class_weight="balanced"))
    logits = pipeline.fit(vectors.astype(np.float64), truth).decision_function(vectors.astype(np.float64))
    squares = (np.mean(logits[truth == 0] ** 2) + np.mean(logits[truth == 1] ** 2)) / 2
    expected = expit(logits / np.sqrt(squares))
    np.testing.assert_allclose(head.score(vectors).probability, np.stack([1 - expected, expected], 1), 1e-4)
    assert not head.report.is_calibrated
    assert (head.report.folds, head.report.auc, head.report.accuracy, head.report.ece) == (
        0,
        None,
        None,
        None,
    )
    assert head.report.per_class == (4, 9)


def test_a_component_that_only_one_galaxy_has_spoils_nothing_but_itself() -> None:
    vectors, truth = _galaxies([40, 20])
    rare = np.random.default_rng(6).normal(0, 1e-6, (60, 30)).astype(np.float32)
    rare[np.arange(30), np.arange(30)] = 2.0  # as of a network that hardly uses it
    both = np.concatenate([vectors, rare], axis=1)
    plain, mixed = (fit_head(each, _votes(truth), RING) for each in (vectors, both))
    assert plain.report.auc is not None
    assert mixed.report.auc == pytest.approx(plain.report.auc, abs=0.05)
    said = mixed.score(both).probability
    assert np.corrcoef(said[:, 1], plain.score(vectors).probability[:, 1])[0, 1] > 0.95
    unseen = fit_logistic(both[1:].astype(np.float64), Answers(_votes(truth)[1:]), 1e-3)
    logits = np.abs(unseen.logits(both.astype(np.float64)))
    assert logits[0, 0] < 2 * logits[1:].max()


def test_few_labels_of_several_classes_give_the_softmax_of_scikit_learn() -> None:
    vectors, truth = _galaxies([3, 6, 4])
    head = fit_head(vectors, _votes(truth), SHAPES)
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(C=1e-3, class_weight="balanced"))
    logits = pipeline.fit(vectors.astype(np.float64), truth).decision_function(vectors.astype(np.float64))
    unit = np.sqrt(np.mean([np.mean(logits[truth == one] ** 2) for one in range(3)]))
    expected = softmax(logits / unit, axis=1)
    np.testing.assert_allclose(head.score(vectors).probability, expected, 1e-4)
    assert head.weight.shape == (3, vectors.shape[1])


def test_a_galaxy_on_which_people_disagree_counts_for_each_answer_by_its_share() -> None:
    vectors, truth = _galaxies([10, 10])
    votes = _votes(truth)
    votes[3] = [1, 3]
    answers = Answers(votes / votes.sum(axis=1, keepdims=True))
    model = fit_logistic(vectors.astype(np.float64), answers, 0.01)
    scaled = (vectors - vectors.mean(axis=0)) / vectors.std(axis=0)
    rows = np.concatenate([scaled, scaled[3:4]])
    people = np.concatenate([np.ones(20), [0.75]])
    people[3] = 0.25
    said = np.concatenate([truth, [1]])
    said[3] = 0
    sums = np.array([people[said == 0].sum(), people[said == 1].sum()])
    by_hand = LogisticRegression(C=0.01).fit(rows, said, sample_weight=people * (10 / sums)[said])
    np.testing.assert_allclose(model.weight, by_hand.coef_, rtol=1e-3, atol=1e-5)
    report = fit_head(vectors, votes, RING).report
    assert report.per_class == (9.25, 10.75)
    assert report.contradictory == 1
    assert report.galaxies == 20


def test_unseen_logits_come_from_regressions_without_the_galaxy() -> None:
    vectors, truth = _galaxies([12, 15])
    answers = Answers(_votes(truth))
    before = out_of_fold_logits(vectors.astype(np.float64), answers, 1e-3)
    moved = vectors.astype(np.float64)
    moved[7] += 3
    after = out_of_fold_logits(moved, answers, 1e-3)
    slopes = (after[7] - before[7]) / 3
    moved[7] += 3  # linear in a vector that the regression does not see
    np.testing.assert_allclose(out_of_fold_logits(moved, answers, 1e-3)[7] - after[7], 3 * slopes, rtol=1e-9)


def test_the_calibration_is_plain_logistic_regression_on_the_logits_with_platts_targets() -> None:
    truth = np.repeat([0, 1], [60, 25])
    logits = _rng().normal(size=(85, 1)) + 0.8 * truth[:, None] - 2
    ours = fit_calibration(logits, Answers(_votes(truth)))
    target = np.where(truth == 1, 26 / 27, 1 / 62)
    model = LogisticRegression(C=np.inf, tol=1e-10)
    model.fit(np.tile(logits, (2, 1)), np.repeat([0, 1], 85), np.concatenate([1 - target, target]))
    assert ours.slope == pytest.approx(float(model.coef_[0, 0]), rel=1e-4)
    np.testing.assert_allclose(ours.shift, model.intercept_, rtol=1e-4)


def test_the_calibration_of_several_classes_cannot_be_improved_by_a_step() -> None:
    truth = np.repeat([0, 1, 2], [40, 20, 30])
    logits = 0.1 * _rng().normal(size=(90, 3)) + 0.05 * np.eye(3)[truth]
    ours = fit_calibration(logits, Answers(_votes(truth)))
    per_class = np.array([40, 20, 30])
    targets = np.array(
        [[(per_class[t] + 1 if t == c else 1) / (per_class[t] + 3) for c in range(3)] for t in truth]
    )

    def loss(slope: float, shift: NDArray[np.float64]) -> float:
        return float(-(targets * log_softmax(slope * logits + shift, axis=1)).sum())

    least = loss(ours.slope, ours.shift)
    assert all(loss(ours.slope * by, ours.shift) > least for by in (0.98, 1.02))
    assert all(loss(ours.slope, ours.shift + by * one) > least for by in (-0.02, 0.02) for one in np.eye(3))


def test_separable_classes_and_logits_that_point_the_wrong_way_keep_a_finite_positive_slope() -> None:
    truth = np.repeat([0, 1], [6, 6])
    separable = fit_calibration(truth[:, None] - 0.5, Answers(_votes(truth)))
    assert probabilities(separable.apply(np.array([[0.5]])))[0, 1] == pytest.approx(7 / 8, rel=1e-4)
    wrong = fit_calibration(0.5 - truth[:, None], Answers(_votes(truth)))
    assert wrong.slope == pytest.approx(0.02)


def test_the_calibration_error_is_the_mean_gap_of_bins_of_equal_count() -> None:
    rng = _rng()
    probability = rng.random(205)
    share = (rng.random(205) < probability**2).astype(np.float64)
    order = np.argsort(probability)
    sizes, start, gaps = [21] * 5 + [20] * 5, 0, 0.0
    for size in sizes:
        rows = order[start : start + size]
        gaps += size / 205 * abs(probability[rows].mean() - share[rows].mean())
        start += size
    ours = calibration_error(np.stack([1 - probability, probability], 1), np.stack([1 - share, share], 1))
    assert ours == pytest.approx(gaps)


def test_the_areas_and_accuracies_of_classes_are_averaged() -> None:
    share = _votes(np.repeat([0, 1, 2], [30, 20, 10]))
    raw = softmax(_rng().normal(size=(60, 3)) + share, axis=1)
    report = measure_head(Answers(share), raw, raw, 5)
    truth = share.argmax(axis=1)
    recalls = [np.mean(raw[truth == one].argmax(axis=1) == one) for one in range(3)]
    assert report.auc == pytest.approx(roc_auc_score(truth, raw, multi_class="ovr"))
    assert report.accuracy == pytest.approx(np.mean(recalls))


@pytest.mark.parametrize("n", [8, 60])
@pytest.mark.parametrize("slope", [0.3, 40.0])
def test_the_variance_of_a_logit_is_that_of_the_dense_covariance_of_weights_and_bias(
    n: int, slope: float
) -> None:
    vectors, truth = _galaxies([n // 2 - 1, n // 2 + 1])
    answers, penalty = Answers(_votes(truth)), 1e-3
    model = fit_logistic(vectors.astype(np.float64), answers, penalty)
    posterior = weight_posterior(model, vectors.astype(np.float64), answers, penalty, slope)
    new = _galaxies([20, 20], seed=5)[0]
    p = expit(model.logits(vectors.astype(np.float64))[:, 0])
    curvature = np.where(truth == 0, n / 2 / (n // 2 - 1), n / 2 / (n // 2 + 1)) * p * (1 - p)
    d = vectors.shape[1]
    design = np.column_stack([model.standardise(vectors.astype(np.float64)), np.ones(n)])
    prior = max(slope**2 * penalty, 1 / d)
    precision = (design.T * curvature) @ design / slope**2 + np.diag([1 / prior] * d + [0])
    scored = np.column_stack([model.standardise(new.astype(np.float64)), np.ones(40)])
    expected = np.diag(scored @ np.linalg.inv(precision) @ scored.T)
    np.testing.assert_allclose(posterior.logit_variance(new), expected, rtol=1e-3)
    assert len(posterior.directions) == min(n, d)


def test_the_uncertainty_of_several_classes_is_that_of_the_dense_multinomial_covariance() -> None:
    vectors, truth = _galaxies([20, 30, 25])
    answers, penalty, slope = Answers(_votes(truth)), 1e-3, 8.0
    double = vectors.astype(np.float64)
    model = fit_logistic(double, answers, penalty)
    new = _galaxies([10, 10, 10], seed=5)[0]
    calibrated = probabilities(slope * model.logits(new.astype(np.float64)))
    posterior = weight_posterior(model, double, answers, penalty, slope)
    variance = posterior.logit_variance(new)
    covariance = _multinomial_covariance(model, double, answers, penalty)
    scored = np.column_stack([model.standardise(new.astype(np.float64)), np.ones(30)])
    expected = np.empty((30, 3))
    for row, (x, p) in enumerate(zip(scored, calibrated, strict=True)):
        gradient = slope * (np.diag(p) - np.outer(p, p))
        of_logits = np.kron(np.eye(3), x) @ covariance @ np.kron(np.eye(3), x).T
        delta = np.diag(gradient @ of_logits @ gradient.T)
        expected[row] = np.sqrt(delta * p * (1 - p) / (delta + p * (1 - p)))
    np.testing.assert_allclose(probability_deviations(calibrated, variance), expected, rtol=0.03)


def test_the_uncertainty_is_the_delta_method_for_small_variances_and_bounded_for_large_ones() -> None:
    probability = np.array([[0.7, 0.3], [0.5, 0.5], [1.0, 0.0]])
    small = probability_deviations(probability, np.full(3, 1e-8))
    np.testing.assert_allclose(small, np.array([[0.21e-4] * 2, [0.25e-4] * 2, [0.0] * 2]), rtol=1e-4)
    large = probability_deviations(probability, np.full(3, 1e12))
    np.testing.assert_allclose(large[:2], np.sqrt([[0.21, 0.21], [0.25, 0.25]]), rtol=1e-4)


def test_a_galaxy_unlike_all_labelled_ones_is_more_uncertain() -> None:
    vectors, truth = _galaxies([30, 30])
    head = fit_head(vectors, _votes(truth), RING)
    variances = head.posterior.logit_variance(np.stack([vectors.mean(axis=0), vectors[0], 5 * vectors[0]]))
    assert (np.diff(variances) > 0).all()


def test_many_labels_are_recognised_with_probabilities_that_hold_for_new_galaxies() -> None:
    vectors, chance = _well_specified(1500, seed=1)
    truth = (_rng().random(1500) < chance).astype(np.int64)
    head = fit_head(vectors, _votes(truth), RING)
    new, expected = _well_specified(4000, seed=2)
    scores = head.score(new)
    error = scores.probability[:, 1] - expected
    assert head.report.folds == 5
    assert head.report.ece is not None
    assert head.report.ece < 0.04
    assert (
        calibration_error(scores.probability.astype(np.float64), np.stack([1 - expected, expected], 1)) < 0.03
    )
    assert head.report.auc == pytest.approx(
        roc_auc_score(_rng().random(4000) < expected, scores.probability[:, 1]), abs=0.03
    )
    assert 0.5 < np.sqrt(np.mean((error / scores.uncertainty[:, 1]) ** 2)) < 2


def test_labels_without_meaning_are_reported_as_chance() -> None:
    vectors = _galaxies([100, 100])[0]
    head = fit_head(vectors, _votes(_rng().permutation(np.repeat([0, 1], 100))), RING)
    assert head.report.auc == pytest.approx(0.5, abs=0.12)
    assert head.report.accuracy == pytest.approx(0.5, abs=0.12)
    new = _galaxies([50, 50], seed=3)[0]
    np.testing.assert_allclose(head.score(new).probability, 0.5, atol=0.2)


def test_the_logits_of_searched_vectors_are_exact_within_the_components() -> None:
    sample = _galaxies([100, 100], seed=4)[0]
    projection = fit_projection(sample, 6)
    vectors, truth = _galaxies([8, 8])
    head = fit_head(vectors, _votes(truth), RING)
    weight, bias = head.project(projection)
    inside = projection.mean + _rng().normal(size=(50, 6)).astype(np.float32) @ projection.components
    expected = inside @ head.weight.T + head.bias
    np.testing.assert_allclose(projection.apply(inside) @ weight.T + bias, expected, rtol=1e-3, atol=1e-4)
    outside = np.linalg.svd(projection.components)[2][-1] * 100
    np.testing.assert_allclose(
        projection.apply(inside + outside) @ weight.T + bias, expected, rtol=1e-2, atol=1e-3
    )


def test_a_head_is_read_back_exactly_and_the_same_labels_give_the_same_bytes() -> None:
    vectors, truth = _galaxies([20, 12, 9])
    head = fit_head(vectors, _votes(truth), SHAPES)
    content = head.to_bytes()
    again = TaskHead.from_bytes(content)
    assert again.to_bytes() == content
    assert (again.classes, again.report) == (head.classes, head.report)
    np.testing.assert_array_equal(again.score(vectors).probability, head.score(vectors).probability)
    np.testing.assert_array_equal(again.score(vectors).uncertainty, head.score(vectors).uncertainty)
    assert fit_head(vectors.copy(), _votes(truth), SHAPES).to_bytes() == content


def test_bytes_that_are_no_head_are_an_error_of_one_line() -> None:
    vectors, truth = _galaxies([4, 4])
    content = fit_head(vectors, _votes(truth), RING).to_bytes()
    other = content.replace(b"galcat-head-1", b"galcat-head-9")
    for wrong in (b"", b"no head at all", content[:-5]):
        with pytest.raises(LearningError, match=r"^a stored head cannot be read: [^\n]+$"):
            TaskHead.from_bytes(wrong)
    with pytest.raises(
        LearningError, match="a stored head is of format 'galcat-head-9', not 'galcat-head-1'"
    ):
        TaskHead.from_bytes(other)


def test_scores_are_of_the_shape_and_type_that_is_stored() -> None:
    vectors, truth = _galaxies([6, 7, 5])
    scores = fit_head(vectors, _votes(truth), SHAPES).score(vectors.astype(np.float16))
    assert scores.probability.shape == scores.uncertainty.shape == (18, 3)
    assert scores.probability.dtype == scores.uncertainty.dtype == np.float32
    np.testing.assert_allclose(scores.probability.sum(axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize(
    ("votes", "line"),
    [
        (
            [[1, 0], [1, 0], [1, 0]],
            "all labelled galaxies are 'no ring': label galaxies of another class too",
        ),
        ([[1, 0], [1, 0], [0, 1]], "class 'ring' has 1 labelled galaxies; it needs 2 at least"),
        ([[1, 0], [1, 1], [0, 1]], "class 'no ring' has 1.5 labelled galaxies; it needs 2 at least"),
        ([[1, 0], [0, 0], [0, 1]], "labelled galaxy 1 has no vote"),
        ([[1, 0], [2, -1], [0, 1]], "the votes of labelled galaxy 1 are not all numbers of people"),
        ([[1, 0], [2, 0], [0, np.nan]], "the votes of labelled galaxy 2 are not all numbers of people"),
    ],
)
def test_labels_that_teach_nothing_are_an_error_of_one_line(votes: list[list[float]], line: str) -> None:
    with pytest.raises(LearningError, match=f"^{line}$"):
        fit_head(_galaxies([2, 1])[0], np.array(votes, np.float64), RING)


def test_vectors_that_are_not_finite_or_do_not_differ_are_an_error_of_one_line() -> None:
    vectors, truth = _galaxies([6, 6])
    head = fit_head(vectors, _votes(truth), RING)
    broken = vectors.copy()
    broken[4, 2] = np.nan
    with pytest.raises(LearningError, match="the vector of labelled galaxy 4 is not finite"):
        fit_head(broken, _votes(truth), RING)
    with pytest.raises(LearningError, match="the vector of galaxy 4 to score is not finite"):
        head.score(broken)
    for n in (4, 12):
        with pytest.raises(LearningError, match="do not differ in what tells the classes apart"):
            fit_head(np.ones((n, 3), np.float32), _votes(np.arange(n) % 2), RING)


def test_no_label_or_a_class_named_twice_is_an_error_of_one_line() -> None:
    with pytest.raises(LearningError, match="no galaxy is labelled; each of no ring, ring needs 2 at least"):
        fit_head(np.ones((0, 3), np.float32), np.ones((0, 2)), RING)
    with pytest.raises(LearningError, match="two classes of different names at least, not 'ring, ring'"):
        fit_head(np.ones((4, 3), np.float32), np.ones((4, 2)), ("ring", "ring"))
    with pytest.raises(ValueError, match=r"votes \(4, 2\) are not of 4 galaxies and 3 classes"):
        fit_head(np.ones((4, 3), np.float32), np.ones((4, 2)), SHAPES)


def _multinomial_covariance(
    model: Logistic, vectors: NDArray[np.float64], answers: Answers, penalty: float
) -> NDArray[np.float64]:
    design = np.column_stack([model.standardise(vectors), np.ones(len(vectors))])
    d, k = vectors.shape[1], answers.share.shape[1]
    precision = np.diag(np.tile([1 / penalty] * d + [1e-9], k))  # the biases' common shift has no likelihood
    weights = answers.balanced_weights().sum(axis=1)
    for x, p, weight in zip(design, softmax(model.logits(vectors), axis=1), weights, strict=True):
        precision += weight * np.kron(np.diag(p) - np.outer(p, p), np.outer(x, x))
    return np.linalg.inv(precision)


def _well_specified(n: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    vectors = np.random.default_rng(seed).normal(size=(n, 16))
    return vectors.astype(np.float32), expit(vectors @ np.linspace(-1, 1, 16) - 1)


def _galaxies(per_class: list[int], seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    truth = np.repeat(np.arange(len(per_class)), per_class)
    centres = np.random.default_rng(42).normal(size=(len(per_class), 24))
    scale = np.geomspace(3, 0.3, 24)
    return ((rng.normal(size=(len(truth), 24)) + centres[truth]) * scale + 1).astype(np.float32), truth


def _votes(truth: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.eye(int(truth.max()) + 1)[truth]


def _rng() -> np.random.Generator:
    return np.random.default_rng(11)
