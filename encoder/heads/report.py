"""What a head is worth, measured on the scores of galaxies that it had not seen."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from encoder.heads.answers import Answers

_BINS = 10
_MIN_IN_BIN = 10


@dataclass(frozen=True)
class HeadReport:
    """What was measured while fitting; every score is of a galaxy that its regression had not seen.

    Attributes:
        galaxies: Number of labelled galaxies.
        per_class: Galaxies of each class; one on which people disagree is shared out.
        contradictory: Galaxies on which people disagree.
        folds: Number of folds of the cross-validation; 0 where nothing was measured, as where a class has
            fewer than 5 galaxies.
        auc: Area under the ROC curve; for several classes the mean of each against the rest.
        accuracy: Mean over the classes of the share recognised, before calibration: classes equally likely.
        ece: Expected calibration error of the probabilities, see `calibration_error`.
        is_calibrated: Else logits have a stated spread (`unit_spread`), and probabilities only rank.
    """

    galaxies: int
    per_class: tuple[float, ...]
    contradictory: int
    folds: int
    auc: float | None
    accuracy: float | None
    ece: float | None
    is_calibrated: bool


def report_unmeasured(answers: Answers, *, is_calibrated: bool = False) -> HeadReport:
    """The report where no cross-validation was made: on labels too few for it, or by who needs no figures."""
    report = _report(answers, folds=0, auc=None, accuracy=None, ece=None)
    return replace(report, is_calibrated=is_calibrated)


def measure_head(
    answers: Answers, raw: NDArray[np.float64], calibrated: NDArray[np.float64], folds: int
) -> HeadReport:
    """The report on probabilities of unseen galaxies.

    Args:
        answers: What people answered about the n galaxies.
        raw: Probabilities as if classes were equally likely, (n, n_classes).
        calibrated: Probabilities calibrated on other galaxies, (n, n_classes).
        folds: Number of folds of the cross-validation that gave the probabilities.
    """
    galaxy, answer = np.nonzero(answers.share)
    weight = answers.share[galaxy, answer]
    areas = [
        roc_auc_score(answer == one, raw[galaxy, one], sample_weight=weight)
        for one in _judged_classes(answers.share)
    ]
    accuracy = balanced_accuracy_score(answer, raw.argmax(axis=1)[galaxy], sample_weight=weight)
    ece = calibration_error(calibrated, answers.share)
    return _report(answers, folds=folds, auc=float(np.mean(areas)), accuracy=float(accuracy), ece=ece)


def calibration_error(probability: NDArray[np.float64], share: NDArray[np.float64]) -> float:
    """Expected calibration error: how far the mean probability of similar galaxies is from their share.

    Galaxies are sorted by probability into 10 bins of equal count, fewer where a bin would have fewer than
    10; for several classes it is the mean over the classes. Naeini et al. (2015), AAAI 29, 2901.

    Args:
        probability: Probability of each class for n galaxies, (n, n_classes).
        share: Share of a galaxy's people who gave each class, (n, n_classes).
    """
    n = len(probability)
    bins = max(1, min(_BINS, n // _MIN_IN_BIN))
    errors = []
    for one in _judged_classes(share):
        excess = (probability - share)[:, one]
        parts = np.array_split(np.argsort(probability[:, one], kind="stable"), bins)
        errors.append(sum(abs(excess[part].sum()) for part in parts) / n)
    return float(np.mean(errors))


def _judged_classes(share: NDArray[np.float64]) -> range:
    n_classes = share.shape[1]
    return range(1, 2) if n_classes == 2 else range(n_classes)  # noqa: PLR2004 - the first mirrors the second


def _report(
    answers: Answers, *, folds: int, auc: float | None, accuracy: float | None, ece: float | None
) -> HeadReport:
    return HeadReport(
        galaxies=len(answers.share),
        per_class=tuple(answers.per_class.tolist()),
        contradictory=int(((answers.share > 0).sum(axis=1) > 1).sum()),
        folds=folds,
        auc=auc,
        accuracy=accuracy,
        ece=ece,
        is_calibrated=folds > 0,
    )
