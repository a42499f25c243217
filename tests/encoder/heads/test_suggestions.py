import numpy as np
from numpy.typing import NDArray

from encoder.heads.fit import Scores
from encoder.heads.suggestions import suggest


def test_without_near_copies_the_largest_entropies_come_first() -> None:
    rng = np.random.default_rng(1)
    probability = rng.dirichlet(np.ones(3), 300).astype(np.float32)
    scores = Scores(probability, rng.random((300, 3)).astype(np.float32))
    far_apart = np.arange(300, dtype=np.float32)[:, None] * np.ones(40, np.float32)
    entropy = [-sum(float(p) * np.log(float(p)) for p in row) for row in probability]
    np.testing.assert_array_equal(suggest(scores, far_apart, 12), np.argsort(entropy)[::-1][:12])


def test_each_suggestion_is_the_largest_entropy_times_distance_to_those_before() -> None:
    rng = np.random.default_rng(2)
    scores = _scores(rng.random(200))
    search = rng.normal(0, 0.04, size=(200, 40)).astype(np.float32)
    entropy = _entropy(scores)
    expected = [int(entropy.argmax())]
    while len(expected) < 10:
        gains = [
            0.0
            if row in expected
            else entropy[row]
            * min(1, 2 * min(np.linalg.norm(search[row].astype(float) - search[one]) for one in expected))
            for row in range(200)
        ]
        expected.append(int(np.argmax(gains)))
    assert set(expected) != set(np.argsort(-entropy)[:10])
    np.testing.assert_array_equal(suggest(scores, search, 10), expected)


def test_near_copies_of_the_best_galaxy_wait_for_less_certain_ones() -> None:
    search = np.zeros((60, 40), np.float32)
    search[50:] = np.eye(40)[:10]
    search[:50] += np.linspace(0, 0.001, 50, dtype=np.float32)[:, None]
    scores = _scores(np.concatenate([np.full(50, 0.5), np.full(10, 0.3)]))
    ours = suggest(scores, search, 11)
    assert ours[0] == 0
    np.testing.assert_array_equal(ours[1:], range(50, 60))
    np.testing.assert_array_equal(suggest(scores, search, 11), ours)


def test_of_equal_probabilities_the_more_uncertain_comes_first() -> None:
    scores = Scores(np.full((3, 2), 0.5, np.float32), np.array([[0.1] * 2, [0.3] * 2, [0.2] * 2], np.float32))
    np.testing.assert_array_equal(suggest(scores, np.eye(3, 40, dtype=np.float32), 3), [1, 2, 0])


def test_all_galaxies_are_suggested_once_where_there_are_fewer_than_asked_for() -> None:
    ours = suggest(_scores(np.array([0.5, 0.5, 0.5])), np.zeros((3, 40), np.float32), 10)
    assert ours.dtype == np.int64
    assert sorted(ours) == [0, 1, 2]


def test_a_galaxy_that_the_head_is_sure_of_comes_last() -> None:
    ours = suggest(_scores(np.array([0.0, 0.1])), np.eye(2, 40, dtype=np.float32), 2)
    np.testing.assert_array_equal(ours, [1, 0])


def _scores(probability: NDArray[np.float64]) -> Scores:
    both = np.stack([1 - probability, probability], axis=1).astype(np.float32)
    return Scores(both, np.full_like(both, 0.1))


def _entropy(scores: Scores) -> NDArray[np.float64]:
    probability = scores.probability.astype(np.float64)
    entropy: NDArray[np.float64] = -(probability * np.log(probability)).sum(axis=1)
    return entropy
