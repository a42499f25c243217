"""A head for an imported encoder, fitted on real galaxies with votes and measured on others of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from encoder.model.encoder import Encoder
from encoder.surveys.description import Survey
from encoder.training.head.fit import (
    ALPHA_FLOOR,
    HeadSettings,
    fit_head,
    out_of_fold,
    scale_by_other_folds,
    scales_of,
)
from encoder.training.head.joint_head import Group
from encoder.training.head.samples import HeadSource, encode_head_source
from encoder.training.head.sources import folds_of
from encoder.training.head.vote_figures import (
    VoteFigures,
    constant_of_folds,
    is_judged,
    question_columns,
    vote_figures,
    with_sums,
)
from encoder.training.head.vote_table import CAMPAIGNS, VoteTable
from encoder.training.pictures.images import FileImages

SIMULATED_WEIGHT = 0.1
"""Of simulated galaxies beside real ones: they teach what the real ones were not asked."""
_NAME = "votes"


@dataclass(frozen=True)
class RealVotes:
    """Real galaxies that a head is fitted on.

    Attributes:
        table: The galaxies and their votes.
        crop: Central share of their pictures that the encoder sees; above 1, sky is added.
    """

    table: VoteTable
    crop: float


@dataclass(frozen=True)
class VotesHead:
    """A head, how sure it may be, and what it is worth.

    Attributes:
        head: Linear layer from vectors to answers.
        scales: What the concentrations of each question are multiplied by.
        figures: How votes were foretold by heads without the galaxies' fold, a question each.
        about: What it was fitted on, as plain JSON values.
        embedding: Vectors of the galaxies, (n, d).
    """

    head: nn.Linear
    scales: tuple[float, ...]
    figures: tuple[VoteFigures, ...]
    about: dict[str, Any]
    embedding: NDArray[np.float32]


def fit_on_votes(
    encoder: Encoder, votes: RealVotes, simulated: Group, cache: Path, survey: Survey
) -> VotesHead:
    """Fit a head on frozen vectors.

    Args:
        encoder: The encoder, whose network stays as it is.
        votes: Real galaxies with their votes.
        simulated: Simulated galaxies with votes.
        cache: Folder that vectors are kept in meanwhile.
        survey: The survey, which says what the bands of FITS images are.

    Raises:
        TrainingError: A picture cannot be read.
    """
    table = votes.table
    images = FileImages(table.files, survey)
    source = HeadSource(_NAME, table.ids, images, votes.crop, table.votes, every_view=True)
    sample = encode_head_source(source, encoder, cache)
    folds = folds_of(_NAME, table.ids, images)
    others = [Group(simulated.vectors, simulated.votes, SIMULATED_WEIGHT)]
    settings = HeadSettings(ALPHA_FLOOR)
    alpha = out_of_fold(sample, folds, others, CAMPAIGNS, settings)
    scales = scales_of(alpha, folds, table.votes, CAMPAIGNS)
    scaled = scale_by_other_folds(alpha, sample, folds, table.votes, others, CAMPAIGNS, settings)
    about = {
        "head": {
            "weights": {_NAME: 1.0, "simulated": SIMULATED_WEIGHT},
            "galaxies": {_NAME: len(table.ids), "simulated": len(simulated.votes)},
            "bridged": 0,
            "alpha_floor": settings.alpha_floor,
            "penalty": settings.penalty,
            "judged": {
                "source": _NAME,
                "scaled_by": len(table.ids),
                "scales_measured": list(scales.measured),
            },
        }
    }
    return VotesHead(
        fit_head([sample.whole(), *others], CAMPAIGNS, settings),
        scales.factors,
        _figures(scaled, table.votes, folds),
        about,
        sample.plain.mean(axis=0),
    )


def _figures(
    alpha: NDArray[np.float32], votes: NDArray[np.float32], folds: NDArray[np.int64]
) -> tuple[VoteFigures, ...]:
    every = np.ones(len(folds), np.bool_)
    found = []
    for question, columns in question_columns():
        if not is_judged(question, votes[:, columns]):
            continue
        constant = constant_of_folds(question, votes[:, columns], folds, every)
        found.append(vote_figures(question, with_sums(alpha)[:, columns], votes[:, columns], constant))
    return tuple(one for one in found if one is not None)
