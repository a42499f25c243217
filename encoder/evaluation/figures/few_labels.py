"""Rings from few labels: the same labelled and the same balanced test galaxies for every method."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from encoder.evaluation.sets.real import EfigiSet, RingSet
from encoder.evaluation.sets.samples import Sample
from encoder.finetuning.settings import TunedTask
from encoder.heads.fit import fit_head
from encoder.heads.probe import LABELS, Spread, make_classifier, possible_labels
from encoder.training.labels.efigi import has_ring

REPEATS = 20
MORE_LABELS = (*LABELS, 197)
"""The paper's numbers, as many as a set can have."""
FROZEN = "frozen"
FROZEN_HEAD = "frozen, calibrated head"
CLASSES = ("no ring", "ring")
RING_TASK = TunedTask("ring", "Has the galaxy a ring?", CLASSES)
_COLUMNS = ["set", "encoder", "method", "labels", "tested", "repeats"]


@dataclass(frozen=True)
class LabelSet:
    """Galaxies to learn rings from, and galaxies to test on.

    Attributes:
        title: Name of the set in tables.
        sample: The n galaxies and their pictures.
        ringed: Whether each galaxy has a ring, (n,).
        learnable: Whether each galaxy may be labelled, (n,).
        testable: Whether each galaxy may be tested on, (n,); one that may be both is used for one of them
            in a repeat.
        labels: Numbers of labels a class, rising.
        tested: Galaxies of each class that are tested on.
    """

    title: str
    sample: Sample
    ringed: NDArray[np.bool_]
    learnable: NDArray[np.bool_]
    testable: NDArray[np.bool_]
    labels: tuple[int, ...]
    tested: int


@dataclass(frozen=True)
class Split:
    """The galaxies of one repeat, as rows.

    Attributes:
        learnt: Rows of the galaxies to learn from, (2, labels): the ringed ones, then the others; where fewer
            labels are wanted, the first of each are taken.
        tested: Rows of the galaxies to test on, (2 * tested,), as many of each class.
    """

    learnt: NDArray[np.int64]
    tested: NDArray[np.int64]

    def first(self, n: int) -> NDArray[np.int64]:
        """The rows to learn from with n labels of each class, (2 n,)."""
        return self.learnt[:, :n].ravel()


def efigi_rings(efigi: EfigiSet) -> LabelSet:
    """Expert labels: learnt from the encoder's training split, tested on all ringed test galaxies."""
    ringed = has_ring(efigi.table)
    learnable = _rarer(ringed[~efigi.tested])
    labels = tuple(n for n in MORE_LABELS if n <= learnable)
    title = "EFIGI rings"
    return LabelSet(
        title, efigi.sample, ringed, ~efigi.tested, efigi.tested, labels, _rarer(ringed[efigi.tested])
    )


def decals_rings_labels(rings: RingSet) -> LabelSet:
    """Volunteers' labels of real DECaLS galaxies; what the most labels leave is tested on."""
    every = np.ones(len(rings.ringed), np.bool_)
    labels = tuple(possible_labels(rings.ringed))
    tested = _rarer(rings.ringed) - max(labels, default=0)
    return LabelSet("Galaxy Zoo DECaLS rings", rings.sample, rings.ringed, every, every, labels, tested)


def splits(label_set: LabelSet, repeats: int) -> Iterator[Split]:
    """The galaxies of each repeat; the same ones on every call."""
    for repeat in range(repeats):
        rng = np.random.default_rng([repeat, 3])
        learnt, tested = [], []
        for members in (label_set.ringed, ~label_set.ringed):
            test = rng.permutation(np.flatnonzero(members & label_set.testable))[: label_set.tested]
            rest = rng.permutation(np.setdiff1d(np.flatnonzero(members & label_set.learnable), test))
            learnt.append(rest[: max(label_set.labels)])
            tested.append(test)
        yield Split(np.stack(learnt), np.concatenate(tested))


def frozen_table(
    label_set: LabelSet,
    vectors: Mapping[str, NDArray[np.float32]],
    own: str,
    advance: Callable[[int], None],
    repeats: int = REPEATS,
) -> pd.DataFrame:
    """Logistic regression on frozen vectors; on the release's own also the calibrated head of the catalogue.

    Args:
        label_set: Galaxies to learn rings from and to test on.
        vectors: Vectors of all n galaxies, (n, d), by the encoder's name.
        own: Name of the release.
        advance: Called with the number of rows done since the last call; there is a row for each number of
            labels, encoder and method.
        repeats: Number of splits into labelled and tested galaxies.

    Returns:
        A row an encoder, method and number of labels: mean and deviation of `accuracy` and `auc`.
    """
    rows = []
    for name, embedding in vectors.items():
        for method in (FROZEN, FROZEN_HEAD) if name == own else (FROZEN,):
            for n in label_set.labels:
                scores = [
                    accuracy_and_auc(
                        _ring_chance(embedding, label_set.ringed, split, n, method), label_set, split
                    )
                    for split in splits(label_set, repeats)
                ]
                rows.append(row(label_set, name, method, n, scores))
                advance(1)
    return pd.DataFrame(rows)


def row(
    label_set: LabelSet, encoder: str, method: str, labels: int, scores: list[tuple[float, float]]
) -> Mapping[str, object]:
    """One row of the table, from the accuracy and the area under the curve of each repeat."""
    accuracy, auc = (Spread.of(np.array(values)) for values in zip(*scores, strict=True))
    about = (label_set.title, encoder, method, labels, 2 * label_set.tested, len(scores))
    return dict(zip(_COLUMNS, about, strict=True)) | {
        "accuracy": accuracy.mean,
        "accuracy_deviation": accuracy.deviation,
        "auc": auc.mean,
        "auc_deviation": auc.deviation,
    }


def accuracy_and_auc(chance: NDArray[np.floating], label_set: LabelSet, split: Split) -> tuple[float, float]:
    """Accuracy and area under the ROC curve of the chance (tested,) that each test galaxy has a ring."""
    truth = label_set.ringed[split.tested]
    return float(balanced_accuracy_score(truth, chance > 0.5)), float(roc_auc_score(truth, chance))  # noqa: PLR2004


def _ring_chance(
    embedding: NDArray[np.float32], ringed: NDArray[np.bool_], split: Split, n: int, method: str
) -> NDArray[np.floating]:
    learnt = split.first(n)
    if method == FROZEN:
        model = make_classifier().fit(embedding[learnt], ringed[learnt])
        chance: NDArray[np.floating] = model.predict_proba(embedding[split.tested])[:, 1]
        return chance
    votes = np.stack([~ringed[learnt], ringed[learnt]], axis=1).astype(np.float64)
    return fit_head(embedding[learnt], votes, CLASSES).score(embedding[split.tested]).probability[:, 1]


def _rarer(ringed: NDArray[np.bool_]) -> int:
    return min(int(ringed.sum()), int((~ringed).sum()))
