"""A Galaxy Zoo decision tree, read from a data file: its questions, answers and who is asked what.

The order of the answers is the order of the network's outputs, so it may never change for a tree that a
network was trained with: weights files are checked against it, and the columns of the database are matched by
name.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoder.errors import TrainingError, WeightsError


@dataclass(frozen=True)
class TreeQuestion:
    """One question of the tree.

    Attributes:
        name: Spelled as Galaxy Zoo spells it, `smooth-or-featured`.
        answers: The answers in the order of the network's outputs, `("smooth", "featured-or-disk",
            "artifact")`.
        asked_after: The answers of earlier questions that lead here, any of them,
            `("smooth-or-featured_smooth",)`; empty for a question asked of every galaxy.
        start: Index of the first answer among all answers of the tree.
    """

    name: str
    answers: tuple[str, ...]
    asked_after: tuple[str, ...]
    start: int

    @property
    def slice(self) -> slice:
        """Where this question's answers lie among all answers of the tree."""
        return slice(self.start, self.start + len(self.answers))

    @property
    def column(self) -> str:
        """The question's name as a column spells it, `smooth_or_featured`."""
        return _column(self.name)

    @property
    def labels(self) -> tuple[str, ...]:
        """Each answer as published vote tables spell it, `smooth-or-featured_smooth`."""
        return tuple(f"{self.name}_{answer}" for answer in self.answers)


@dataclass(frozen=True)
class Tree:
    """Every question of one Galaxy Zoo campaign, in output order."""

    name: str
    title: str
    reference: str
    questions: tuple[TreeQuestion, ...]

    @property
    def n_answers(self) -> int:
        """Answers of all questions together: the width of the network's head."""
        return sum(len(question.answers) for question in self.questions)

    @cached_property
    def slices(self) -> tuple[slice, ...]:
        """One slice of the answer axis for each question."""
        return tuple(question.slice for question in self.questions)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Every answer as published vote tables spell it, `smooth-or-featured_smooth`."""
        return tuple(label for question in self.questions for label in question.labels)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Every answer as our columns spell it, `smooth_or_featured_smooth`."""
        return tuple(_column(label) for label in self.labels)

    @cached_property
    def question_columns(self) -> tuple[str, ...]:
        """Every question as our columns spell it, `smooth_or_featured`."""
        return tuple(question.column for question in self.questions)

    def index(self, label: str) -> int:
        """Position of an answer given by its label or its column name.

        Raises:
            TrainingError: The tree has no such answer.
        """
        try:
            return self.columns.index(_column(label))
        except ValueError:
            raise TrainingError(f"tree {self.name} has no answer {label!r}") from None

    def concentrations(self, alpha: NDArray[np.float32]) -> NDArray[np.float32]:
        """Sum of the Dirichlet concentrations of each question.

        Args:
            alpha: Dirichlet parameters of the answers, (n, n_answers), each > 0.

        Returns:
            Sum of the parameters of each question, (n, n_questions).
        """
        return np.stack([alpha[:, part].sum(axis=1) for part in self.slices], axis=1)

    def fractions(self, alpha: NDArray[np.float32]) -> NDArray[np.float32]:
        """Expected vote fraction of each answer, the mean of its question's Dirichlet.

        Args:
            alpha: Dirichlet parameters of the answers, (n, n_answers), each > 0.

        Returns:
            Expected share of each answer, (n, n_answers); the answers of one question sum to 1.
        """
        sizes = [len(question.answers) for question in self.questions]
        totals: NDArray[np.float32] = np.repeat(self.concentrations(alpha), sizes, axis=1)
        return alpha / totals

    def proportion_asked(self, fractions: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probability that a volunteer reaches each question.

        The product of the fractions on the path to it; a question that several answers lead to is
        reached by their sum.

        Args:
            fractions: Expected share of each answer, (n, n_answers).

        Returns:
            Share of people who are asked each question, (n, n_questions), in 0..1; 1 for a question asked of
            every galaxy.
        """
        asked = np.ones((len(fractions), len(self.questions)), dtype=fractions.dtype)
        for i, question in enumerate(self.questions):
            if question.asked_after:
                parents = [self.index(label) for label in question.asked_after]
                asked[:, i] = sum(asked[:, self._question_of[p]] * fractions[:, p] for p in parents)
        return asked

    @cached_property
    def _question_of(self) -> tuple[int, ...]:
        return tuple(i for i, question in enumerate(self.questions) for _ in question.answers)


_UNNAMED_ORDERS: Mapping[str, str] = {
    "efigi": "deac41cef33219cb",
    "gz2": "a489c76a87c93bc3",
    "gz_desi": "23221b7aed4f23b7",
    "gzd1_2": "e671d620e1475959",
    "gzd5": "23221b7aed4f23b7",
}
"""Digest of each tree's answers as the outputs of a file are ordered that names its tree alone."""


def check_answer_order(tree: Tree, answers: Sequence[str] | None) -> None:
    """Refuse outputs that are not in a tree's order: each answer would be given the votes of another.

    Args:
        tree: The tree as the package has it now.
        answers: The label of each output of a network, in order, as its file names them; None for a file of
            the first releases, which name the tree alone.

    Raises:
        WeightsError: The answers, or the day's order of the tree, differ from the tree's.
    """
    if answers is None:
        if _order_digest(tree) != _UNNAMED_ORDERS.get(tree.name):
            raise WeightsError(
                f"its answers are in the order that tree {tree.name} had when it was written, and "
                f"encoder/trees/{tree.name}.json has another now"
            )
    elif tuple(answers) != tree.labels:
        pairs = zip((*answers, "none"), (*tree.labels, "none"), strict=False)
        given, wanted = next(pair for pair in pairs if pair[0] != pair[1])
        raise WeightsError(
            f"its answers are not those of tree {tree.name} in its order: "
            f"{given!r} is where {wanted!r} belongs"
        )


def _order_digest(tree: Tree) -> str:
    return hashlib.sha256("\n".join(tree.labels).encode()).hexdigest()[:16]


def load_tree(name: str) -> Tree:
    """Read a tree that ships with the package, `gzd5`.

    Raises:
        TrainingError: No tree has that name; the known ones are listed.
    """
    folder = resources.files("encoder") / "trees"
    file = folder / f"{name}.json"
    if not file.is_file():
        known = sorted(f.name.removesuffix(".json") for f in folder.iterdir() if f.name.endswith(".json"))
        raise TrainingError(f"no Galaxy Zoo tree is called {name!r}; known: {', '.join(known)}")
    return _parse(json.loads(file.read_text()))


def _parse(raw: dict[str, Any]) -> Tree:
    questions: list[TreeQuestion] = []
    start = 0
    for q in raw["questions"]:
        questions.append(TreeQuestion(q["name"], tuple(q["answers"]), tuple(q["asked_after"]), start))
        start += len(q["answers"])
    return Tree(raw["name"], raw["title"], raw["reference"], tuple(questions))


def _column(label: str) -> str:
    return label.replace("-", "_")


GZD5 = load_tree("gzd5")
