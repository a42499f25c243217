import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score
from sklearn.neighbors import NearestNeighbors

from encoder.gz_tree import GZD5
from encoder.training.held_out import balanced_accuracy, fraction_errors, precision_at_10


def test_precision_at_10_is_that_of_an_exact_search_without_the_galaxy_itself() -> None:
    rng = np.random.default_rng(0)
    search = rng.normal(size=(200, 6)).astype(np.float32)
    tagged = search[:, 0] > 1
    _, nearest = NearestNeighbors(n_neighbors=11).fit(search).kneighbors(search)
    expected = np.mean([tagged[[k for k in nearest[i] if k != i]].mean() for i in np.flatnonzero(tagged)])
    assert precision_at_10(search, tagged) == pytest.approx(expected)


def test_balanced_accuracy_is_sklearns() -> None:
    rng = np.random.default_rng(1)
    truth, answer = rng.random(300) < 0.2, rng.random(300) < 0.4
    assert balanced_accuracy(answer, truth) == pytest.approx(balanced_accuracy_score(truth, answer))


def test_a_perfect_predictor_has_the_error_of_the_vote_noise_and_the_mean_that_of_the_constant() -> None:
    rng = np.random.default_rng(2)
    true, votes = _galaxies(rng, 3000)
    constant = np.tile(_mean_fractions(votes), (3000, 1))
    perfect = fraction_errors(true, votes, votes, GZD5)
    mean = fraction_errors(constant, votes, votes, GZD5)
    for question in GZD5.questions:
        errors = perfect[question.name]
        assert errors["error"] == pytest.approx(errors["vote_noise"], rel=0.12)
        assert errors["error"] < errors["constant"]
        assert mean[question.name]["error"] == pytest.approx(mean[question.name]["constant"], rel=1e-3)


def test_questions_that_fewer_than_5_people_answered_do_not_count() -> None:
    rng = np.random.default_rng(3)
    true, votes = _galaxies(rng, 50)
    bar = GZD5.questions[3].slice
    votes[:, bar] = 0
    votes[0, bar] = [0, 0, 5]
    votes[1, bar] = [4, 0, 0]
    errors = fraction_errors(true, votes, votes, GZD5)
    expected = np.abs(true[0, bar] - [0, 0, 1]).mean()
    assert errors["bar"]["error"] == pytest.approx(float(expected), abs=1e-4)
    votes[0, bar] = 0
    assert "bar" not in fraction_errors(true, votes, votes, GZD5)


def _galaxies(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    true, votes = np.empty((n, 34), np.float32), np.empty((n, 34), np.float32)
    for question in GZD5.slices:
        k = question.stop - question.start
        true[:, question] = rng.dirichlet(np.full(k, 2.0), n)
        votes[:, question] = [rng.multinomial(40, p / p.sum()) for p in true[:, question].astype(float)]
    return true, votes


def _mean_fractions(votes: np.ndarray) -> np.ndarray:
    sums = votes.sum(axis=0)
    return np.concatenate([sums[q] / sums[q].sum() for q in GZD5.slices]).astype(np.float32)
