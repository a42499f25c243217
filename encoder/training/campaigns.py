"""Several Galaxy Zoo campaigns, each with its own tree, in one training.

The network answers the questions of all of them; a galaxy has votes in some, and a question without votes
adds nothing to the loss. The release keeps the answers of the first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from encoder.model.gz_tree import GZD5, Tree, TreeQuestion, load_tree
from encoder.training.labels.summed_answers import SUMMED, summed_matrix


@dataclass(frozen=True)
class Campaigns:
    """The trees that are learnt together.

    Attributes:
        trees: Trees of questions, that of the release first.
    """

    trees: tuple[Tree, ...]

    @classmethod
    def load(cls, names: tuple[str, ...]) -> "Campaigns":
        """From trees that ship with the package.

        Raises:
            TrainingError: No tree has one of the names.
        """
        return cls(tuple(load_tree(name) for name in names))

    @property
    def release_tree(self) -> Tree:
        """The tree whose answers the release gives."""
        return self.trees[0]

    @cached_property
    def joint_tree(self) -> Tree:
        """All questions one after the other, those of the release's tree first."""
        questions: list[TreeQuestion] = []
        for tree, start in zip(self.trees, self._starts, strict=True):
            prefix = "" if tree is self.trees[0] else f"{tree.name}:"
            questions += [_shift_question(question, prefix, start) for question in tree.questions]
        names = "+".join(tree.name for tree in self.trees)
        return Tree(names, "Campaigns learnt together", "", tuple(questions))

    def votes(self, by_tree: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        """Votes of n galaxies in several trees as one table; none in the trees that are not given.

        Args:
            by_tree: Votes on the answers of each tree, (n, n_answers of that tree), by the tree's name; trees
                that are not learnt are left out.

        Returns:
            Votes on the answers of all trees, then on those of `SUMMED`, (n, n_columns).
        """
        n = len(next(iter(by_tree.values())))
        votes = np.zeros((n, self.n_columns), np.float32)
        if SUMMED.name in by_tree and self.takes_sums:
            votes[:, self.joint_tree.n_answers :] = by_tree[SUMMED.name]
        for tree, start in zip(self.trees, self._starts, strict=True):
            if tree.name in by_tree:
                votes[:, start : start + tree.n_answers] = by_tree[tree.name]
        return votes

    @property
    def released(self) -> "Campaigns":
        """The release's tree alone."""
        return Campaigns(self.trees[:1])

    def released_votes(self, votes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Votes of all campaigns, (n, n_columns), as `released` has them, (n, its n_columns)."""
        own = votes[:, : self.release_tree.n_answers]
        return np.concatenate([own, votes[:, self.joint_tree.n_answers :]], axis=1)

    @property
    def takes_sums(self) -> bool:
        """Whether votes may be on sums of answers, which are GZD-5's."""
        return self.release_tree.name == GZD5.name

    @property
    def n_columns(self) -> int:
        """Columns of the votes: the network's answers and where `takes_sums` those of `SUMMED`."""
        return self.joint_tree.n_answers + (SUMMED.n_answers if self.takes_sums else 0)

    @cached_property
    def slices(self) -> tuple[slice, ...]:
        """One slice of the votes' columns for each question."""
        start = self.joint_tree.n_answers
        summed = [slice(start + q.start, start + q.stop) for q in SUMMED.slices] if self.takes_sums else []
        return (*self.joint_tree.slices, *summed)

    def with_sums(self, alpha: Tensor) -> Tensor:
        """Concentrations of the votes' columns, (n, n_columns).

        Args:
            alpha: (n, n_answers) of the network.
        """
        if not self.takes_sums:
            return alpha
        return torch.cat([alpha, alpha @ summed_matrix(alpha.shape[1]).to(alpha)], dim=1)

    @property
    def _starts(self) -> list[int]:
        return [0, *np.cumsum([tree.n_answers for tree in self.trees])[:-1].tolist()]


def _shift_question(question: TreeQuestion, prefix: str, start: int) -> TreeQuestion:
    return replace(
        question,
        name=prefix + question.name,
        asked_after=tuple(prefix + label for label in question.asked_after),
        start=start + question.start,
    )
