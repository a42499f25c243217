"""Rings from few labels: who is learnt from and tested on, and figures of models fitted one by one."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from encoder.errors import LearningError
from encoder.evaluation.figures.few_labels import (
    FROZEN,
    FROZEN_HEAD,
    LabelSet,
    decals_rings_labels,
    efigi_rings,
    frozen_table,
    splits,
)
from encoder.evaluation.figures.tuned_few_labels import tuned_few_labels_table
from encoder.evaluation.sets.real import EfigiSet, RingSet
from encoder.evaluation.sets.samples import Sample
from encoder.finetuning.finetune import TunedTask, TuningSettings, compare_tuning
from encoder.heads.fit import fit_head
from encoder.heads.probe import make_classifier
from encoder.model.baselines import IMAGENET, SCRATCH
from encoder.model.encoder import load_encoder
from tests.encoder.releases import galaxies, random_release

BLOBS = galaxies(44)
SAMPLE = Sample("blobs", [str(i) for i in range(44)], "1", lambda i, _: BLOBS[i])


def test_efigi_is_learnt_from_the_training_split_and_tested_on_the_other() -> None:
    rng = np.random.default_rng(0)
    value = np.where(rng.random(1200) < 0.4, 0.5, 0.25)
    table = pd.DataFrame({"Inner_Ring": value, "Outer_Ring": 0.0, "Pseudo_Ring": 0.0})
    tested = rng.random(1200) < 0.4
    one = efigi_rings(EfigiSet(SAMPLE, table, tested))
    ringed = value >= 0.5
    assert one.labels == (5, 10, 33, 79, 197)
    assert one.tested == (ringed & tested).sum()
    for split in splits(one, 3):
        assert not tested[split.learnt].any()
        assert tested[split.tested].all()


def test_labels_are_nested_balanced_never_tested_and_other_ones_each_time() -> None:
    ringed = np.arange(338) % 2 == 0
    one = decals_rings_labels(RingSet(SAMPLE, ringed))
    assert (one.labels, one.tested) == ((5, 10, 33, 79), 90)
    each, again = (list(splits(one, 5)) for _ in range(2))
    for split, same in zip(each, again, strict=True):
        np.testing.assert_array_equal(split.tested, same.tested)
        np.testing.assert_array_equal(split.learnt, same.learnt)
        assert len(set(split.tested.tolist()) | set(split.learnt.ravel().tolist())) == 180 + 158
        assert ringed[split.tested].sum() == 90
        for n in one.labels:
            rows = split.first(n)
            assert (len(rows), ringed[rows].sum()) == (2 * n, n)
            assert set(split.first(5).tolist()) <= set(rows.tolist())
    assert len({split.tested.tobytes() for split in each}) == 5


def test_frozen_rows_are_those_of_models_fitted_one_by_one() -> None:
    one, vectors = _set(), _vectors()
    done: list[int] = []
    table = frozen_table(one, {"own": vectors, "other": vectors[:, ::-1] * 2}, "own", done.append, 3)
    assert sum(done) == len(table)
    assert table[["encoder", "method", "labels"]].to_numpy().tolist() == [
        *(["own", FROZEN, n] for n in one.labels),
        *(["own", FROZEN_HEAD, n] for n in one.labels),
        *(["other", FROZEN, n] for n in one.labels),
    ]
    for row in table.itertuples():
        x = vectors if row.encoder == "own" else vectors[:, ::-1] * 2
        accuracies, areas = [], []
        for split in splits(one, 3):
            rows = split.first(row.labels)
            if row.method == FROZEN:
                said = make_classifier().fit(x[rows], one.ringed[rows]).decision_function(x[split.tested])
            else:
                votes = np.eye(2)[one.ringed[rows].astype(int)]
                said = fit_head(x[rows], votes, ("no", "yes")).score(x[split.tested]).probability[:, 1] - 0.5
            truth = one.ringed[split.tested]
            accuracies.append(np.mean((said > 0) == truth))
            areas.append(roc_auc_score(truth, said))
        assert (row.tested, row.repeats) == (24, 3)
        assert (row.accuracy, row.accuracy_deviation) == pytest.approx(
            (np.mean(accuracies), np.std(accuracies))
        )
        assert (row.auc, row.auc_deviation) == pytest.approx((np.mean(areas), np.std(areas)))


def test_deep_rows_are_those_of_the_comparison_and_are_trained_once(tmp_path: Path) -> None:
    encoder = load_encoder(random_release(tmp_path), "cpu")
    one, settings, skipped = _set((5,)), TuningSettings(depth=1, fixed_steps=4, batch_size=8), list[str]()
    done: list[int] = []

    def rows(quick: TuningSettings) -> pd.DataFrame:
        return tuned_few_labels_table(one, "own", encoder, tmp_path, skipped.append, done.append, 1, quick)

    table = rows(settings)
    (split,) = splits(one, 1)
    galaxy_rows = np.concatenate([split.first(5), split.tested])
    pictures = (BLOBS[galaxy_rows] * 255).round().byte()
    votes = np.eye(2, dtype=np.float32)[one.ringed[galaxy_rows].astype(int)]
    tested = np.arange(len(galaxy_rows)) >= 10
    task = TunedTask("ring", "Has the galaxy a ring?", ("no ring", "ring"))
    expected = compare_tuning(encoder, pictures, votes, task, tested, skipped.append, settings).set_index(
        "method"
    )
    of = {"own": "deep", SCRATCH: SCRATCH, IMAGENET: IMAGENET}
    assert table["encoder"].tolist() == list(of)
    for row in table.itertuples():
        assert (row.accuracy, row.auc) == tuple(expected.loc[of[row.encoder], ["balanced_accuracy", "auc"]])
        assert (row.method, row.labels, row.repeats, row.tested) == ("deep", 5, 1, 24)
    assert (skipped, done) == ([], [1])
    (kept,) = tmp_path.glob("tuned-*.json")
    written = kept.stat().st_mtime_ns
    pd.testing.assert_frame_equal(rows(settings), table)
    assert kept.stat().st_mtime_ns == written
    with pytest.raises(LearningError, match="depth 99"):  # other settings are another training
        rows(TuningSettings(depth=99))


def _set(labels: tuple[int, ...] = (5, 10)) -> LabelSet:
    every = np.ones(44, np.bool_)
    return LabelSet("blobs", SAMPLE, np.arange(44) % 2 == 0, every, every, labels, 12)


def _vectors() -> NDArray[np.float32]:
    rng = np.random.default_rng(2)
    vectors = rng.normal(size=(44, 12)).astype(np.float32)
    vectors[::2, 0] += 1.5
    return vectors
