"""Logistic regression on standardised vectors, and its logits for galaxies it has not seen."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from encoder.heads.answers import Answers
from encoder.heads.scaler import VectorScaler

_FOLDS = 5
_MAX_STEPS = 3000


@dataclass(frozen=True)
class Logistic:
    """A fitted regression; k is 1 for two classes, the logit of the second, else their number (softmax).

    Attributes:
        mean: Mean of the labelled vectors, (d,) float64.
        scale: Standard deviations of the labelled vectors, (d,) float64; never below a tenth of their median.
        weight: Weights of the standardised vectors, (k, d) float64.
        bias: What is added to each of the k logits, (k,) float64.
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    weight: NDArray[np.float64]
    bias: NDArray[np.float64]

    def standardise(self, vectors: NDArray[np.float64]) -> NDArray[np.float64]:
        """The vectors as the weights expect them, (m, d)."""
        return (vectors - self.mean) / self.scale

    def logits(self, vectors: NDArray[np.float64]) -> NDArray[np.float64]:
        """The logits, (m, k), of vectors (m, d)."""
        return self.standardise(vectors) @ self.weight.T + self.bias


def fit_logistic(vectors: NDArray[np.float64], answers: Answers, inverse_penalty: float) -> Logistic:
    """Maximise the class-balanced likelihood under an L2 penalty on the weights, not on the bias.

    Args:
        vectors: Vectors of the n labelled galaxies, (n, d).
        answers: What people answered about the n galaxies.
        inverse_penalty: C of scikit-learn: the prior variance of each weight.
    """
    scaler = VectorScaler().fit(vectors)
    galaxy, answer = np.nonzero(answers.share)
    model = LogisticRegression(C=inverse_penalty, max_iter=_MAX_STEPS)
    weights = answers.balanced_weights()[galaxy, answer]
    model.fit(scaler.transform(vectors)[galaxy], answer, sample_weight=weights)
    return Logistic(scaler.mean_, scaler.scale_, model.coef_, model.intercept_)


def split_folds(answers: Answers) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Rows to learn from and rows to score, 5 times; fewer where the rarest class has fewer galaxies.

    Args:
        answers: The most frequent class of 2 galaxies at least, each.
    """
    split = StratifiedKFold(min(_FOLDS, answers.rarest), shuffle=True, random_state=0)
    return list(split.split(answers.majority, answers.majority))


def out_of_fold_logits(
    vectors: NDArray[np.float64], answers: Answers, inverse_penalty: float
) -> NDArray[np.float64]:
    """Logits of every galaxy from a regression that has not seen it, (n, k).

    Under a strong penalty logits grow with the number of galaxies learnt from; the penalty of a fold is
    lowered in proportion, so that its logits are on the scale of the regression on all galaxies.

    Args:
        vectors: Vectors of the n labelled galaxies, (n, d).
        answers: What people answered about the n galaxies.
        inverse_penalty: Inverse penalty of the regression on all galaxies.
    """
    n, n_classes = answers.share.shape
    logits = np.empty((n, 1 if n_classes == 2 else n_classes))  # noqa: PLR2004 - two classes, one logit
    for learnt, scored in split_folds(answers):
        model = fit_logistic(vectors[learnt], answers.of(learnt), inverse_penalty * n / len(learnt))
        logits[scored] = model.logits(vectors[scored])
    return logits
