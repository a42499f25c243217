"""Votes on a sum of answers: what an earlier campaign asked without telling some of GZD-5's answers apart.

Galaxy Zoo 2 asked whether there is a bar; GZD-5 asks whether it is strong or weak. A vote for a bar is then a
vote for one of the two, nobody knows which. It has a likelihood all the same: where the answers of a question
are a Dirichlet, sums of them are one whose alphas are the sums.
"""

import torch
from torch import Tensor

from encoder.model.gz_tree import GZD5, Tree, TreeQuestion

SUMMED = Tree(
    "gzd5-summed",
    "Questions of GZD-5 in the fewer answers of an earlier campaign",
    "",
    (
        TreeQuestion("bar", ("yes", "no"), ("disk-edge-on_no",), 0),
        TreeQuestion("merging", ("none", "disturbed", "merger"), (), 2),
    ),
)
"""The questions that are asked so; a label is the question's name and the answer, as in every tree."""

_PARTS = {
    "bar_yes": ("bar_strong", "bar_weak"),
    "bar_no": ("bar_no",),
    "merging_none": ("merging_none",),
    "merging_disturbed": ("merging_minor-disturbance", "merging_major-disturbance"),
    "merging_merger": ("merging_merger",),
}


def summed_matrix(n_answers: int) -> Tensor:
    """Which of a network's answers each answer of `SUMMED` is the sum of, (n_answers, 5) of 0 and 1.

    Args:
        n_answers: Width of the network's head, whose first answers are GZD-5's.
    """
    matrix = torch.zeros(n_answers, SUMMED.n_answers)
    for column, label in enumerate(SUMMED.labels):
        for part in _PARTS[label]:
            matrix[GZD5.index(part), column] = 1
    return matrix
