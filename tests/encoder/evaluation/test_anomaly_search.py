"""Searches for anomalies replayed step by step, and their figures counted galaxy by galaxy."""

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from encoder.anomalies.acquisition import expected_improvement
from encoder.anomalies.gaussian_process import fit_interest
from encoder.evaluation.anomalies.astronomaly import astronomaly_scores, isolation_score
from encoder.evaluation.anomalies.methods import ASTRONOMALY, GP, list_methods, prepare_search
from encoder.evaluation.anomalies.search import (
    SearchPolicy,
    SearchProblem,
    SimulatedSearchResult,
    make_astronomaly_search,
    make_gaussian_process_search,
    make_random_label_search,
    make_score_search,
    search_at_random,
)
from encoder.evaluation.anomalies.table import AnomalySet, Method, draw_half, figures, measure, summarise
from encoder.evaluation.report.task_report import target_table
from encoder.model.baselines import IMAGENET

N, BATCHES = 240, 3


def test_each_batch_has_the_highest_expected_improvement_of_the_ratings_before() -> None:
    vectors, question = _galaxies()
    found = make_gaussian_process_search(vectors)(question, 4)
    first = found.rated[:10]
    assert question.pool[found.rated].all()
    assert len(set(found.rated.tolist())) == 10 * BATCHES
    for n in (10, 20):
        rated = found.rated[:n]
        model = fit_interest(vectors[rated], np.where(question.anomalous[rated], 5.0, 0.0))
        gain = expected_improvement(*model.predict(vectors), model.best)
        allowed = [i for i in np.flatnonzero(question.pool) if i not in rated]
        best = sorted(allowed, key=lambda i: -gain[i])[:10]
        assert found.rated[n : n + 10].tolist() == best
    model = fit_interest(vectors[found.rated], np.where(question.anomalous[found.rated], 5.0, 0.0))
    np.testing.assert_array_equal(found.score, model.predict(vectors)[0])
    assert set(make_gaussian_process_search(vectors)(question, 5).rated[:10]) != set(first)
    np.testing.assert_array_equal(make_gaussian_process_search(vectors)(question, 4).rated, found.rated)


def test_a_seeded_search_begins_with_the_highest_scores_of_the_pool() -> None:
    vectors, question = _galaxies()
    score = np.random.default_rng(8).random(N).astype(np.float32)
    found = make_gaussian_process_search(vectors, score)(question, 0)
    pool = np.flatnonzero(question.pool)
    assert found.rated[:10].tolist() == sorted(pool, key=lambda i: -score[i])[:10]


def test_chosen_ratings_find_more_than_random_ones() -> None:
    vectors, question = _galaxies()
    hits = {
        name: np.mean([question.anomalous[policy(question, seed).rated].sum() for seed in range(4)])
        for name, policy in {
            "chosen": make_gaussian_process_search(vectors),
            "random": search_at_random,
        }.items()
    }
    assert hits["chosen"] > 1.5 * hits["random"]


def test_the_model_of_random_ratings_is_that_of_the_galaxies_it_says_it_rated() -> None:
    vectors, question = _galaxies()
    found = make_random_label_search(vectors)(question, 3)
    assert len(set(found.rated.tolist())) == 10 * BATCHES
    assert question.pool[found.rated].all()
    model = fit_interest(vectors[found.rated], np.where(question.anomalous[found.rated], 5.0, 0.0))
    np.testing.assert_array_equal(found.score, model.mean(vectors))


def test_astronomaly_rates_what_the_forest_isolates_first_and_scores_the_rest_by_it() -> None:
    vectors, question = _galaxies()
    found = make_astronomaly_search(vectors)(question, 2)
    machine = isolation_score(vectors, 2)
    pool = np.flatnonzero(question.pool)
    rated = np.array(sorted(pool, key=lambda i: -machine[i])[: 10 * BATCHES])
    np.testing.assert_array_equal(found.rated, rated)
    ratings = np.where(question.anomalous[rated], 5.0, 0.0)
    np.testing.assert_array_equal(found.score, astronomaly_scores(vectors, machine, rated, ratings, 2))


@pytest.mark.parametrize("name", ["chosen", "random model", "astronomaly", "order", "random"])
def test_what_the_hidden_half_holds_has_no_say(name: str) -> None:
    vectors, question = _galaxies()
    policies: dict[str, SearchPolicy] = {
        "chosen": make_gaussian_process_search(vectors),
        "random model": make_random_label_search(vectors),
        "astronomaly": make_astronomaly_search(vectors),
        "order": make_score_search(vectors[:, 0]),
        "random": search_at_random,
    }
    other = SearchProblem(
        np.where(question.pool, question.anomalous, ~question.anomalous), question.pool, BATCHES
    )
    one, same = (policies[name](asked, 1) for asked in (question, other))
    np.testing.assert_array_equal(one.score, same.score)
    np.testing.assert_array_equal(one.rated, same.rated)


def test_half_of_the_anomalies_and_of_the_others_are_in_each_half() -> None:
    anomalous = np.arange(200) % 20 == 0
    halves = [draw_half(anomalous, seed) for seed in range(5)]
    assert [(int(one.sum()), int(one[anomalous].sum())) for one in halves] == [(100, 5)] * 5
    assert len({one.tobytes() for one in halves}) == 5
    np.testing.assert_array_equal(draw_half(anomalous, 3), halves[3])


def test_figures_are_those_counted_galaxy_by_galaxy() -> None:
    rng = np.random.default_rng(5)
    anomalous, pool = rng.random(400) < 0.2, rng.random(400) < 0.6
    score = rng.random(400) + 0.3 * anomalous
    rated = rng.permutation(np.flatnonzero(pool))[:70]
    found = figures(SearchProblem(anomalous, pool), SimulatedSearchResult(score, rated))
    hidden = sorted(np.flatnonzero(~pool), key=lambda i: -score[i])
    there = sum(anomalous[i] for i in hidden)
    assert found["average_precision"] == pytest.approx(
        sum(sum(anomalous[hidden[: k + 1]]) / (k + 1) for k in range(len(hidden)) if anomalous[hidden[k]])
        / there
    )
    assert found["precision_10"] == pytest.approx(np.mean([anomalous[i] for i in hidden[:10]]))
    assert found["precision_all"] == pytest.approx(np.mean([anomalous[i] for i in hidden[:there]]))
    rating = {i: 9.0 if anomalous[i] else -9.0 for i in rated}
    listed = sorted(np.flatnonzero(pool), key=lambda i: -rating.get(i, score[i]))
    total, hits = sum(anomalous[listed]), sum(anomalous[rated])
    assert (found["anomalies"], found["found"]) == (total, hits)
    for name, n in (("50", 50), ("200", 200), ("all", total)):
        assert found[f"paper_{name}"] == pytest.approx(sum(anomalous[listed[:n]]) / n)
        assert found[f"ceiling_{name}"] == pytest.approx(sum(sorted(anomalous[listed])[::-1][:n]) / n)
        assert found[f"labels_{name}"] == pytest.approx(min(hits, n) / n)
    rest = [i for i in listed if i not in rating]
    assert found["unrated_average_precision"] == average_precision_score(anomalous[rest], score[rest])


def test_more_anomalies_are_asked_for_in_no_half_than_it_has() -> None:
    anomalous = np.arange(60) < 24
    question = SearchProblem(anomalous, draw_half(anomalous, 0), 1)
    assert {k for k in figures(question, search_at_random(question, 0)) if k.startswith("precision")} == {
        "precision_10",
        "precision_all",
    }
    everything = SearchProblem(anomalous, np.ones(60, np.bool_), 6)
    found = figures(everything, search_at_random(everything, 0))
    assert "average_precision" not in found
    assert "paper_200" not in found
    assert np.isnan(found["unrated_average_precision"])


def test_tables_are_means_over_searches_of_the_same_pools() -> None:
    question = _galaxies()[1]
    pools: dict[str, list[bytes]] = {"a": [], "b": []}

    def spy(name: str) -> SearchPolicy:
        def search(asked: SearchProblem, seed: int) -> SimulatedSearchResult:
            pools[name].append(asked.pool.tobytes())
            return search_at_random(asked, seed if name == "a" else seed + 50)

        return search

    ways = [Method("", name, spy(name)) for name in ("a", "b")]
    done: list[int] = []
    measured = measure(AnomalySet("q", question.anomalous, halved=True), ways, 3, BATCHES, done.append)
    assert pools["a"] == pools["b"]
    assert len(set(pools["a"])) == sum(done) / 2 == 3
    for way, shift in zip(ways, (0, 50), strict=True):
        asked = [
            SearchProblem(question.anomalous, draw_half(question.anomalous, r), BATCHES) for r in range(3)
        ]
        each = [search_at_random(one, r + shift) for r, one in enumerate(asked)]
        scores = [figures(one, search)["average_precision"] for one, search in zip(asked, each, strict=True)]
        table = summarise(measured.repeats)
        row = table[(table["method"] == way.name) & (table["figure"] == "average_precision")].iloc[0]
        assert (row["repeats"], row["mean"], row["deviation"]) == (
            3,
            pytest.approx(np.mean(scores)),
            pytest.approx(np.std(scores)),
        )
        hits = [[question.anomalous[one.rated[:n]].sum() for one in each] for n in (10, 20, 30)]
        found = measured.found[measured.found["method"] == way.name]
        assert found["rated"].tolist() == [10, 20, 30]
        np.testing.assert_allclose(found["mean"], np.mean(hits, axis=1))
        np.testing.assert_allclose(found["deviation"], np.std(hits, axis=1))


def test_searched_vectors_have_the_variance_1_of_a_reference_that_is_not_judged() -> None:
    rng = np.random.default_rng(6)
    reference, judged = (rng.normal(size=(n, 50)).astype(np.float32) for n in (300, 40))
    np.testing.assert_allclose(
        prepare_search(reference, reference).standard_vectors.std(axis=0), 1, rtol=1e-4
    )
    both = prepare_search(judged, reference)
    np.testing.assert_allclose(
        prepare_search(judged[:7], reference).standard_vectors, both.standard_vectors[:7], atol=1e-5
    )
    far = np.concatenate([judged, judged[:1] * 20])
    assert prepare_search(far, reference).anomaly_score.argmax() == 40


def test_without_imagenet_its_row_alone_is_missing() -> None:
    vectors, _ = _galaxies()
    own = prepare_search(
        np.tile(vectors, (1, 5)), np.random.default_rng(0).normal(size=(80, 200)).astype(np.float32)
    )
    with_it = [(way.encoder, way.name) for way in list_methods("own", {"own": own, IMAGENET: own}, vectors)]
    without = [(way.encoder, way.name) for way in list_methods("own", {"own": own}, vectors)]
    assert set(with_it) - set(without) == {(IMAGENET, GP)}
    assert len(with_it) == len(without) + 1


def test_targets_are_ratios_of_means() -> None:
    rows = [
        ("q", "own", GP, "average_precision", 0.6),
        ("q", IMAGENET, GP, "average_precision", 0.5),
        ("q", "", ASTRONOMALY, "average_precision", 0.3),
        ("s", "own", GP, "paper_50", 1.0),
    ]
    table = target_table(pd.DataFrame(rows, columns=["question", "encoder", "method", "figure", "mean"]))
    assert table["question"].tolist() == ["q", "q", "s"]
    assert table["value"].tolist() == pytest.approx([2.0, 1.2, 1.0])
    assert table["wanted"].tolist() == [1.5, 1.3, 1.0]
    assert table["reached"].tolist() == [True, False, True]


def _galaxies() -> tuple[NDArray[np.float32], SearchProblem]:
    """Vectors (N, 40) in which 24 anomalies lie together, half of all in the pool."""
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(N, 40)).astype(np.float32)
    anomalous = np.arange(N) % 10 == 0
    vectors[anomalous, :4] += 2
    return vectors, SearchProblem(anomalous, draw_half(anomalous, 0), BATCHES)
