"""The linear probe: logistic regression on frozen vectors, and what it is worth with few labels.

`probe_to_layer` makes of it the head that a fine-tuning starts from.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from torch import nn

from encoder.heads.scaler import VectorScaler

LABELS = (5, 10, 33, 79)
"""The paper's numbers of labelled rings that a few hundred rings allow, and as many others with each."""
REPEATS = 20
FOLDS = 5
_INVERSE_PENALTY = 1e-3  # fixed beforehand, so that no test label has a say
_MAX_STEPS = 3000
_MIN_TESTED = 5


@dataclass(frozen=True)
class Spread:
    """A figure over repeats.

    Attributes:
        mean: Mean over the repeats.
        deviation: Standard deviation between the repeats.
    """

    mean: float
    deviation: float

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> "Spread":
        """The spread of values of which each repeat gave one."""
        return cls(float(values.mean()), float(values.std()))


def draw_labels(
    truth: NDArray[np.bool_], n: int, repeats: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Rows to learn from, n true and n false ones, and the rows of all others, to test on.

    Args:
        truth: Whether each galaxy is of the class that is sought, (galaxies,).
        n: Number of labels of each class.
        repeats: Number of draws, which are the same ones on every call.
    """
    for repeat in range(repeats):
        rng = np.random.default_rng([repeat, n])
        chosen = [rng.choice(np.flatnonzero(members), n, replace=False) for members in (truth, ~truth)]
        learnt = np.concatenate(chosen)
        yield learnt, np.setdiff1d(np.arange(len(truth)), learnt)


def possible_labels(truth: NDArray[np.bool_]) -> list[int]:
    """The numbers of labels that leave at least 5 galaxies of each class to test on."""
    rarer = min(int(truth.sum()), int((~truth).sum()))
    return [n for n in LABELS if rarer - n >= _MIN_TESTED]


def few_label_accuracy(
    embedding: NDArray[np.float32], truth: NDArray[np.bool_], n: int, repeats: int = REPEATS
) -> Spread:
    """Balanced accuracy from n labels of each class.

    Args:
        embedding: Vectors of the galaxies, (galaxies, d).
        truth: Whether each galaxy is of the class that is sought, (galaxies,).
        n: Number of labels of each class.
        repeats: Number of draws of the labels.
    """
    scores = []
    for learnt, tested in draw_labels(truth, n, repeats):
        model = make_classifier().fit(embedding[learnt], truth[learnt])
        scores.append(balanced_accuracy_score(truth[tested], model.predict(embedding[tested])))
    return Spread.of(np.array(scores))


def cross_validated_auc(
    embedding: NDArray[np.float32], truth: NDArray[np.bool_], repeats: int = REPEATS
) -> Spread:
    """Area under the ROC curve of 5-fold cross-validated scores, over shuffles of the folds.

    Args:
        embedding: Vectors of the galaxies, (galaxies, d).
        truth: Whether each galaxy is of the class that is sought, (galaxies,).
        repeats: How often the folds are shuffled.
    """
    areas = []
    for seed in range(repeats):
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
        scores = cross_val_predict(make_classifier(), embedding, truth, cv=folds, method="decision_function")
        areas.append(roc_auc_score(truth, scores))
    return Spread.of(np.array(areas))


def make_classifier() -> Pipeline:
    """Standardised vectors, logistic regression with a strong fixed penalty."""
    return make_pipeline(VectorScaler(), LogisticRegression(C=_INVERSE_PENALTY, max_iter=_MAX_STEPS))


def fit_probe(embedding: NDArray[np.float32], shares: NDArray[np.float32]) -> Pipeline:
    """The linear probe of vectors (n, d); a galaxy counts for each class by its share of the votes."""
    rows, classes = shares.nonzero()
    weight = shares[rows, classes]
    return make_classifier().fit(
        embedding[rows],
        classes,
        vectorscaler__sample_weight=weight,
        logisticregression__sample_weight=weight,
    )


def probe_to_layer(probe: Pipeline, vectors: NDArray[np.float32]) -> nn.Linear:
    """The probe as one linear layer; over the vectors the logits of two classes differ by 1 (rms)."""
    scaler, regression = (step for _, step in probe.steps)
    weight, bias = regression.coef_ / scaler.scale_, regression.intercept_
    bias = bias - weight @ scaler.mean_
    if len(weight) == 1:  # two classes: one logit, of the second
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    logits = vectors @ weight.T
    centred = logits - logits.mean(axis=1, keepdims=True)
    spread = math.sqrt(2 / (len(weight) - 1) * float(centred.var(axis=0).sum()))
    head = nn.Linear(vectors.shape[1], len(weight))
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(weight / max(spread, 1e-6)))
        head.bias.copy_(torch.from_numpy(bias / max(spread, 1e-6)))
    return head
