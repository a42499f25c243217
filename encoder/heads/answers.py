"""What people answered about the labelled galaxies, each galaxy with a total weight of one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from encoder.errors import LearningError

MIN_PER_CLASS = 2
"""Galaxies of a class without which nothing can be learnt of it."""
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Answers:
    """The answers about n galaxies.

    Attributes:
        share: Share of a galaxy's people who gave each class, (n, n_classes) float64; rows add up to 1.
    """

    share: NDArray[np.float64]

    @property
    def per_class(self) -> NDArray[np.float64]:
        """Number of galaxies of each class, (n_classes,); one on which people disagree is shared out."""
        per_class: NDArray[np.float64] = self.share.sum(axis=0)
        return per_class

    @property
    def majority(self) -> NDArray[np.int64]:
        """The most frequent class of each galaxy, (n,), the first of equals."""
        majority: NDArray[np.int64] = self.share.argmax(axis=1)
        return majority

    @property
    def rarest(self) -> int:
        """Galaxies of the class that is the most frequent answer for the fewest."""
        return int(np.bincount(self.majority, minlength=self.share.shape[1]).min())

    def of(self, rows: NDArray[np.int64]) -> "Answers":
        """The answers about some of the galaxies."""
        return Answers(self.share[rows])

    def balanced_weights(self) -> NDArray[np.float64]:
        """Weights of the answers, (n, n_classes), in which every class weighs as much; their sum is n."""
        n, n_classes = self.share.shape
        balanced: NDArray[np.float64] = self.share * (n / (n_classes * self.per_class))
        return balanced


def read_answers(votes: NDArray[np.float64], classes: tuple[str, ...]) -> Answers:
    """Check the votes, and share each galaxy out among its answers.

    Args:
        votes: Number of people who gave each class, (n, n_classes).
        classes: Names of the classes, in the order of the votes' columns.

    Raises:
        LearningError: A vote is no number of people, a galaxy has none, or a class has fewer than 2 galaxies.
    """
    if len(set(classes)) != len(classes) or len(classes) < MIN_PER_CLASS:
        raise LearningError(
            f"a task needs two classes of different names at least, not {', '.join(classes)!r}"
        )
    wrong = ~((votes >= 0) & np.isfinite(votes)).all(axis=1)
    if wrong.any():
        raise LearningError(f"the votes of labelled galaxy {wrong.argmax()} are not all numbers of people")
    people = votes.sum(axis=1, keepdims=True)
    if not people.all():
        raise LearningError(f"labelled galaxy {people.argmin()} has no vote")
    answers = Answers(votes / people)
    _check_classes(answers.per_class, classes)
    return answers


def _check_classes(per_class: NDArray[np.float64], classes: tuple[str, ...]) -> None:
    if not per_class.any():
        raise LearningError(
            f"no galaxy is labelled; each of {', '.join(classes)} needs {MIN_PER_CLASS} at least"
        )
    if np.count_nonzero(per_class) == 1:
        only = classes[int(per_class.argmax())]
        raise LearningError(f"all labelled galaxies are {only!r}: label galaxies of another class too")
    for name, galaxies in zip(classes, per_class, strict=True):
        if galaxies < MIN_PER_CLASS - _ROUNDING:
            raise LearningError(
                f"class {name!r} has {galaxies:g} labelled galaxies; it needs {MIN_PER_CLASS} at least"
            )
