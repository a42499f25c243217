"""The measures, each against a slow plain reference or scikit-learn."""

from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import betabinom
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from sklearn.neighbors import NearestNeighbors

from encoder.evaluation.figures.few_labels import RING_TASK
from encoder.evaluation.figures.fractions import fraction_figures, reliability
from encoder.evaluation.figures.retrieval import find_nearest, measure_components, measure_retrieval
from encoder.evaluation.figures.tuned_rings import measure_tuned
from encoder.evaluation.report.picture_map import map_cells
from encoder.finetuning.finetune import TuningSettings, finetune
from encoder.heads.probe import (
    cross_validated_auc,
    draw_labels,
    few_label_accuracy,
    make_classifier,
    possible_labels,
)
from encoder.inference.embed import encode_pictures
from encoder.model.encoder import load_encoder
from encoder.model.gz_tree import GZD5
from encoder.model.projection import fit_projection
from tests.encoder.releases import galaxies, random_release


def test_retrieval_is_that_of_an_exact_search_without_the_galaxy_itself() -> None:
    rng = np.random.default_rng(0)
    search = rng.normal(size=(300, 6)).astype(np.float32)
    search[7] = search[8]  # twins find each other, not themselves
    tagged = search[:, 0] > 1
    _, order = NearestNeighbors(n_neighbors=102).fit(search).kneighbors(search)
    others = [[k for k in order[i] if k != i] for i in range(300)]
    found = measure_retrieval(find_nearest(search), tagged)
    rows, n = np.flatnonzero(tagged), int(tagged.sum())
    assert found.precision == pytest.approx(np.mean([tagged[others[i][:10]].mean() for i in rows]))
    assert found.recall == pytest.approx(np.mean([tagged[others[i][:100]].sum() / (n - 1) for i in rows]))
    assert (found.tagged, found.share, found.recall_of_chance) == (n, n / 300, 100 / 299)


def test_fewer_galaxies_than_100_are_all_found() -> None:
    search = np.random.default_rng(1).normal(size=(30, 3)).astype(np.float32)
    found = measure_retrieval(find_nearest(search), np.arange(30) < 12)
    assert (found.recall, found.recall_of_chance) == (1, 1)


def test_components_hold_and_find_what_a_projection_to_as_many_does() -> None:
    rng = np.random.default_rng(2)
    vectors = (rng.normal(size=(400, 25)) * np.linspace(3, 0.1, 25)).astype(np.float32)
    fitted, searched = vectors[:250], vectors[250:]
    tags = {"a": searched[:, 0] > 2, "b": searched[:, 3] < -2}
    figures = {f.components: f for f in measure_components(fitted, searched, tags)}
    assert list(figures) == [2, 5, 10, 20, 25]
    projection = fit_projection(fitted, 10)
    neighbours = find_nearest(projection.apply(searched))
    expected = np.mean([measure_retrieval(neighbours, tag).precision for tag in tags.values()])
    centred = fitted - fitted.mean(axis=0)
    variance = np.sort(np.linalg.eigvalsh(centred.T @ centred))[::-1]
    assert figures[10].precision == pytest.approx(expected)
    assert figures[10].variance == pytest.approx(variance[:10].sum() / variance.sum(), rel=1e-4)
    assert figures[25].variance == pytest.approx(1)


def test_draws_are_balanced_disjoint_the_same_every_time_and_different_each_time() -> None:
    truth = np.arange(200) % 4 == 0
    first, again = (list(draw_labels(truth, 10, 6)) for _ in range(2))
    for (learnt, tested), (same, _) in zip(first, again, strict=True):
        assert truth[learnt].sum() == 10
        assert len(learnt) == 20
        np.testing.assert_array_equal(np.sort(np.concatenate([learnt, tested])), np.arange(200))
        np.testing.assert_array_equal(learnt, same)
    assert len({tuple(learnt) for learnt, _ in first}) == 6
    assert possible_labels(truth) == [5, 10, 33]


def test_ring_accuracy_is_that_of_models_fitted_one_by_one() -> None:
    rng = np.random.default_rng(3)
    truth = rng.random(150) < 0.4
    vectors = (rng.normal(size=(150, 8)) + truth[:, None] * 0.8).astype(np.float32)
    scores = []
    for learnt, tested in draw_labels(truth, 10, 4):
        said = make_classifier().fit(vectors[learnt], truth[learnt]).predict(vectors[tested])
        scores.append(balanced_accuracy_score(truth[tested], said))
    measured = few_label_accuracy(vectors, truth, 10, 4)
    assert (measured.mean, measured.deviation) == (
        pytest.approx(np.mean(scores)),
        pytest.approx(np.std(scores)),
    )
    assert 0.75 < measured.mean < 1


def test_auc_is_near_that_of_the_true_direction_and_half_without_any() -> None:
    rng = np.random.default_rng(4)
    truth = rng.random(400) < 0.5
    vectors = rng.normal(size=(400, 5)).astype(np.float32)
    assert abs(cross_validated_auc(vectors, truth, 3).mean - 0.5) < 0.08
    vectors[:, 2] += truth
    best = roc_auc_score(truth, vectors[:, 2])
    assert cross_validated_auc(vectors, truth, 3).mean == pytest.approx(best, abs=0.04)


def test_a_right_posterior_has_the_error_of_its_noise_and_covers_nine_tenths() -> None:
    rng = np.random.default_rng(5)
    alpha, votes = _galaxies(rng, 3000)
    figures = fraction_figures(alpha, votes, GZD5)
    assert [f.question for f in figures] == [q.name for q in GZD5.questions]
    for one in figures:
        assert one.coverage == pytest.approx(0.9, abs=0.015)
        assert one.vote_noise < one.error < one.constant
    sharp = fraction_figures(alpha * 20, votes, GZD5)
    assert all(one.coverage < 0.75 for one in sharp)


def test_fraction_figures_are_those_of_a_slow_reference() -> None:
    rng = np.random.default_rng(6)
    alpha, votes = _galaxies(rng, 60)
    votes[:, GZD5.questions[3].slice] = 0  # bar: nobody was asked ...
    votes[:4, GZD5.questions[3].slice] = [[1, 1, 3], [0, 4, 0], [0, 0, 30], [2, 8, 0]]  # ... but four
    truth = GZD5.fractions(_galaxies(rng, 60)[0])
    figures = {f.question: f for f in fraction_figures(alpha, votes, GZD5, truth)}
    for question in GZD5.questions:
        numbers = list(astuple(figures[question.name])[1:])
        assert numbers == pytest.approx(_slow(alpha, votes, truth, question.slice), abs=1e-6, nan_ok=True)
    assert (figures["bar"].galaxies, figures["bar"].confident_galaxies) == (3, 2)
    votes[:, GZD5.questions[3].slice] = 0
    assert "bar" not in {f.question for f in fraction_figures(alpha, votes, GZD5)}


def test_reliability_is_the_mean_of_each_step() -> None:
    said = np.repeat([0.05, 0.31, 1.0], [20, 5, 10]).astype(np.float32)
    observed = np.concatenate([np.full(20, 0.2), np.zeros(5), np.linspace(0, 1, 10)]).astype(np.float32)
    np.testing.assert_allclose(reliability(said, observed), [(0.05, 0.2), (1.0, 0.5)], rtol=1e-5)


def test_the_map_shows_one_galaxy_a_cell() -> None:
    search = np.random.default_rng(7).normal(size=(2000, 4)).astype(np.float32)
    chosen = map_cells(search)
    low, high = np.percentile(search[:, :2], [0.5, 99.5], axis=0)
    place = search[:, :2] / ((high - low) / 26)
    cells = [tuple(cell) for cell in np.floor(place).astype(int).tolist()]
    assert set(chosen) == set(cells)
    for cell, row in chosen.items():
        inside = [i for i in range(2000) if cells[i] == cell]
        assert row == min(inside, key=lambda i: np.hypot(*(place[i] - cell - 0.5)))


def test_fine_tuning_starts_at_the_probe_and_moves_the_last_stages_alone(tmp_path: Path) -> None:
    encoder = load_encoder(random_release(tmp_path), "cpu")
    rgb = galaxies(24, encoder.recipe.size)
    truth = np.arange(24) % 2 == 0
    rgb[truth] *= 0.4
    pictures = (rgb * 255).round().to(torch.uint8)
    frozen = encode_pictures(encoder, pictures)
    votes = np.stack([~truth, truth], axis=1).astype(np.float32)
    few = np.arange(18)  # so few that none is held out, and the first stage is the probe as it is
    probe = finetune(encoder, pictures[few], votes[few], RING_TASK, TuningSettings(depth=0)).head
    with torch.inference_mode():
        both = probe(torch.from_numpy(frozen[few])).numpy()
    logits = both[:, 1] - both[:, 0]
    expected = make_classifier().fit(frozen[few], truth[few]).decision_function(frozen[few])
    assert np.corrcoef(logits, expected)[0, 1] == pytest.approx(1, abs=1e-4)
    assert logits.std() == pytest.approx(1, rel=1e-3)
    tuned = finetune(encoder, pictures[few], votes[few], RING_TASK, TuningSettings(fixed_steps=8))
    before, after = encoder._network.state_dict(), tuned.encoder._network.state_dict()
    moved = {key for key in before if not torch.equal(before[key], after[key])}
    assert "backbone.conv_stem.weight" not in moved
    assert "backbone.conv_head.weight" in moved
    last = sum(before[key].numel() for key in moved)
    assert 0.75 <= last / sum(p.numel() for p in encoder._network.backbone.parameters()) < 0.9
    said = tuned.probability(pictures.float() / 255)[:, 1] > 0.5
    assert (said == truth).mean() > 0.9


def test_the_figure_of_a_tuned_network_is_that_of_the_tuning_that_users_have(tmp_path: Path) -> None:
    encoder = load_encoder(random_release(tmp_path), "cpu")
    rgb = galaxies(24, encoder.recipe.size)
    truth = np.arange(24) % 2 == 0
    rgb[truth] *= 0.8
    pictures = (rgb * 255).round().to(torch.uint8)
    learnt, tested = np.arange(10), np.arange(10, 24)
    votes = np.stack([~truth, truth], axis=1).astype(np.float32)
    quick = TuningSettings(fixed_steps=4)
    tuned = finetune(encoder, pictures[learnt], votes[learnt], RING_TASK, quick)
    said = tuned.probability(pictures[tested].float() / 255).argmax(axis=1) == 1
    right = [np.mean(said[truth[tested] == answer] == answer) for answer in (True, False)]
    assert measure_tuned(encoder, pictures, truth, learnt, tested, quick) == pytest.approx(np.mean(right))


def _slow(alpha: np.ndarray, votes: np.ndarray, truth: np.ndarray, q: slice) -> list[float]:
    """The figures of one question, galaxy by galaxy and answer by answer."""
    rows = [i for i in range(len(votes)) if votes[i, q].sum() >= 5]
    errors, constants, noises, knowing, sure, inside = [], [], [], [], [], []
    everything = votes[rows, q].sum(axis=0) / votes[rows, q].sum()
    for i in rows:
        own, a = votes[i, q].astype(float), alpha[i, q].astype(float)
        total = own.sum()
        others = votes[[j for j in rows if j != i], q].sum(axis=0)
        errors.append(np.mean(np.abs(a / a.sum() - own / total)))
        constants.append(np.mean(np.abs(others / others.sum() - own / total)))
        p = (own + everything) / (total + 1)
        noises.append(np.mean(np.sqrt(2 / np.pi * p * (1 - p) / total)))
        knowing.append(np.mean(np.abs(truth[i, q] - own / total)))
        sure.append((own / total).max() >= 0.8)
        for count, mine in zip(own, a, strict=True):
            upto = betabinom.cdf(count, total, mine, a.sum() - mine)
            before = betabinom.cdf(count - 1, total, mine, a.sum() - mine)
            inside.append(max(0, min(upto, 0.95) - max(before, 0.05)) / (upto - before))
    sure_rows = np.array(sure)
    return [
        len(rows),
        float(np.mean(errors)),
        float(np.mean(constants)),
        float(np.mean(noises)),
        float(np.mean(knowing)),
        int(sure_rows.sum()),
        float(np.array(errors)[sure_rows].mean()) if sure_rows.any() else np.nan,
        float(np.array(constants)[sure_rows].mean()) if sure_rows.any() else np.nan,
        float(np.mean(inside)),
    ]


def _galaxies(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Posteriors, and votes drawn from them."""
    alpha, votes = np.empty((n, 34), np.float32), np.empty((n, 34), np.float32)
    for question in GZD5.slices:
        k = question.stop - question.start
        alpha[:, question] = rng.dirichlet(np.full(k, 1.5), n) * rng.uniform(5, 30, (n, 1)) + 0.5
        for i in range(n):
            p = rng.dirichlet(alpha[i, question].astype(float))
            votes[i, question] = rng.multinomial(40, p)
    return alpha, votes
