"""The head of a release and how sure it may be: fitted on several samples, judged fold by fold on one."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from encoder.model.gz_tree import Tree
from encoder.model.network import concentrations
from encoder.model.views import match_moments
from encoder.training.campaigns import Campaigns
from encoder.training.head.joint_head import PENALTY, Group, fit_joint_head
from encoder.training.head.samples import HeadSample
from encoder.training.head.scales import Scales, measure_scales

ALPHA_FLOOR = 0.03
"""Chosen by folds of real training galaxies: their votes surprise by 0.8 nats a galaxy less than with 1."""


@dataclass(frozen=True)
class HeadSettings:
    """How a head is fitted.

    Attributes:
        alpha_floor: The least concentration of an answer.
        penalty: Weight of the squared weights, beside the loss in nats a galaxy.
    """

    alpha_floor: float = ALPHA_FLOOR
    penalty: float = PENALTY


def fit_head(groups: Sequence[Group], campaigns: Campaigns, settings: HeadSettings) -> nn.Linear:
    """A head for vectors of a frozen network; the same one every time.

    Args:
        groups: The galaxies to fit on.
        campaigns: Campaigns that hold the release's tree alone.
        settings: How it is fitted.
    """
    head = nn.Linear(groups[0].vectors.shape[1], campaigns.release_tree.n_answers)
    fit_joint_head(head, groups, campaigns, settings.penalty, settings.alpha_floor)
    return head


@torch.inference_mode()
def predict_alpha(
    head: nn.Linear, views: NDArray[np.float32], tree: Tree, alpha_floor: float
) -> NDArray[np.float32]:
    """Concentrations of the answers for galaxies in several views, as the encoder gives them, (n, n_answers).

    Args:
        head: The head, a linear layer.
        views: Vectors of the views, (views, n, d).
        tree: The tree of the answers.
        alpha_floor: The least concentration of an answer.
    """
    alphas = concentrations(head(torch.from_numpy(np.ascontiguousarray(views))), alpha_floor).numpy()
    return match_moments(alphas, tree)


def out_of_fold(
    judged: HeadSample,
    folds: NDArray[np.int64],
    others: Sequence[Group],
    campaigns: Campaigns,
    settings: HeadSettings,
) -> NDArray[np.float32]:
    """Concentrations that heads foretell for galaxies which they were not fitted on, (n, n_answers).

    Args:
        judged: The galaxies, all of which a head is fitted on but those of one fold.
        folds: The fold of each galaxy, (n,); those of fold -1 are fitted on always, and their rows are NaN.
        others: Further galaxies to fit on.
        campaigns: Campaigns that hold the release's tree alone.
        settings: How heads are fitted.
    """
    tree = campaigns.release_tree
    alpha = np.full((len(folds), tree.n_answers), np.nan, np.float32)
    for fold in sorted(set(folds.tolist()) - {-1}):
        out = folds == fold
        head = fit_head([judged.group(np.flatnonzero(~out)), *others], campaigns, settings)
        alpha[out] = predict_alpha(head, judged.plain[:, out], tree, settings.alpha_floor)
    return alpha


def out_of_fold_and_scaled(
    judged: HeadSample,
    folds: NDArray[np.int64],
    votes: NDArray[np.float32],
    others: Sequence[Group],
    campaigns: Campaigns,
    settings: HeadSettings,
) -> NDArray[np.float32]:
    """As `out_of_fold`, with concentrations scaled by `scale_by_other_folds`."""
    alpha = out_of_fold(judged, folds, others, campaigns, settings)
    return scale_by_other_folds(alpha, judged, folds, votes, others, campaigns, settings)


def scale_by_other_folds(
    alpha: NDArray[np.float32],
    judged: HeadSample,
    folds: NDArray[np.int64],
    votes: NDArray[np.float32],
    others: Sequence[Group],
    campaigns: Campaigns,
    settings: HeadSettings,
) -> NDArray[np.float32]:
    """Scale concentrations by factors that know nothing of the galaxy's fold either, (n, n_answers).

    The factors of a fold are measured on the other folds, by heads that saw neither of the two.

    Args:
        alpha: What `out_of_fold` gives for the same galaxies, (n, n_answers).
        judged: The galaxies, as for `out_of_fold`.
        folds: The fold of each galaxy, (n,).
        votes: Their votes, (n, n_columns).
        others: Further galaxies to fit on.
        campaigns: Campaigns that hold the release's tree alone.
        settings: How heads are fitted.
    """
    names, scaled = sorted(set(folds.tolist()) - {-1}), alpha.copy()
    foretold = {name: np.full_like(alpha, np.nan) for name in names}
    for pair in combinations(names, 2):
        head = fit_head([judged.group(np.flatnonzero(~np.isin(folds, pair))), *others], campaigns, settings)
        for name, other in (pair, pair[::-1]):
            rows = folds == other
            foretold[name][rows] = predict_alpha(
                head, judged.plain[:, rows], campaigns.release_tree, settings.alpha_floor
            )
    sizes = [len(question.answers) for question in campaigns.release_tree.questions]
    for name in names:
        rest = (folds != name) & (folds != -1)
        factors = measure_scales(foretold[name][rest], votes[rest], campaigns).factors
        scaled[folds == name] *= np.repeat(np.asarray(factors, np.float32), sizes)
    return scaled


def scales_of(
    alpha: NDArray[np.float32], folds: NDArray[np.int64], votes: NDArray[np.float32], campaigns: Campaigns
) -> Scales:
    """Factors of the concentrations measured on all folds, for a head that is fitted on all galaxies."""
    judged = folds != -1
    return measure_scales(alpha[judged], votes[judged], campaigns)
