"""Deterministic views: a galaxy has no up, so a release may average over the 8 symmetries of the square."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torchvision.transforms.v2 import functional

from encoder.model.gz_tree import Tree

VIEW_SETS = (1, 8)


def make_views(rgb: Tensor, view_set: int) -> Iterator[Tensor]:
    """The pictures as they are, or turned and mirrored in all 8 ways.

    Args:
        rgb: Pictures of n galaxies, (n, 3, size, size).
        view_set: Number of views, 1 or 8.
    """
    yield rgb
    if view_set == 1:
        return
    for picture in (rgb, functional.horizontal_flip(rgb)):
        for quarter_turns in range(4):
            if quarter_turns or picture is not rgb:
                yield picture.rot90(quarter_turns, dims=(2, 3))


def match_moments(alphas: NDArray[np.float32], tree: Tree) -> NDArray[np.float32]:
    """One Dirichlet a question with the mean and the total variance of the views' mixture.

    Views that disagree so widen the posterior: an average of alphas would hide it.

    Args:
        alphas: Dirichlet parameters from each view, (views, n, n_answers).
        tree: The tree of the answers, which says which of them belong to one question.

    Returns:
        Concentrations of one Dirichlet a question, (n, n_answers) float32.
    """
    if len(alphas) == 1:
        only: NDArray[np.float32] = alphas[0]
        return only
    exact = alphas.astype(np.float64)
    matched = [_match(exact[..., question]) for question in tree.slices]
    return np.concatenate(matched, axis=1, dtype=np.float32)


def scale_concentrations(
    alpha: NDArray[np.float32], scales: Sequence[float], tree: Tree
) -> NDArray[np.float32]:
    """The same fractions with wider or narrower posteriors.

    Args:
        alpha: Concentrations, (n, n_answers).
        scales: What those of each question are multiplied by, (n_questions,); empty to leave all as they are.
        tree: The tree of the answers.
    """
    if not scales:
        return alpha
    sizes = [len(question.answers) for question in tree.questions]
    return alpha * np.repeat(np.asarray(scales, np.float32), sizes)


def _match(alpha: NDArray[np.float64]) -> NDArray[np.float64]:
    total = alpha.sum(axis=2, keepdims=True)
    mean = (alpha / total).mean(axis=0)  # (n, answers)
    second_moment = (alpha * (alpha + 1) / (total * (total + 1))).mean(axis=0)
    variance = (second_moment - mean**2).sum(axis=1, keepdims=True)
    # A Dirichlet of total S has the summed variance sum(m (1 - m)) / (S + 1).
    concentration = (mean * (1 - mean)).sum(axis=1, keepdims=True) / variance - 1
    matched: NDArray[np.float64] = mean * concentration
    return matched
