"""Heads fitted anew on an encoder's frozen vectors, without the galaxies that they are judged by.

The head that ships is fitted on every galaxy with votes, so it cannot be judged by them. Its figures are
those of heads fitted by the same function on all of these galaxies but a fold, as are those of an encoder
without a head.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from encoder.evaluation.figures.contenders import Contender
from encoder.evaluation.sets.real import EfigiSet
from encoder.evaluation.sets.real_labels import CAMPAIGNS, GZ2_VOTES, CountedSet
from encoder.evaluation.sets.samples import Sample, sample_of_simulated
from encoder.model.encoder import Encoder
from encoder.model.gz_tree import GZD5
from encoder.model.recipe import ImageRecipe
from encoder.training.head.fit import (
    ALPHA_FLOOR,
    HeadSettings,
    fit_head,
    out_of_fold,
    out_of_fold_and_scaled,
    predict_alpha,
    scales_of,
)
from encoder.training.head.joint_head import PENALTY, Group
from encoder.training.head.samples import HeadSample, HeadSource, encode_head_source
from encoder.training.head.sources import HEAD_SEED
from encoder.training.head_config import SIMULATED
from encoder.training.labels.efigi import attribute_votes
from encoder.training.labels.left_out import OWN_PARTS
from encoder.training.pictures.framed_images import SEEN_SHARE
from encoder.training.pictures.simulated import draw_galaxies

EFIGI = "efigi"
CURVE = (50, 100, 200, 336)
"""Numbers of galaxies with votes in a learning curve, before all there are."""


@dataclass(frozen=True)
class HeadRecipe:
    """How a release's head was fitted, or where it does not say, how the house does.

    Attributes:
        weights: Weight of each source, by name.
        simulated: Number of simulated galaxies.
        bridged: Further pictures of each galaxy with votes, as other surveys would show it.
        settings: How heads are fitted.
    """

    weights: Mapping[str, float]
    simulated: int
    bridged: int
    settings: HeadSettings

    @classmethod
    def of(cls, encoder: Encoder) -> "HeadRecipe":
        """That of a release."""
        about: dict[str, Any] = encoder.training.get("head") or {}
        if not isinstance(about, dict) or GZ2_VOTES not in about.get("weights", {}):
            return cls({GZ2_VOTES: 1.0, EFIGI: 0.1, SIMULATED: 0.1}, 1500, 4, HeadSettings())
        return cls(
            about["weights"],
            about["galaxies"].get(SIMULATED, 0),
            about["bridged"],
            HeadSettings(about.get("alpha_floor", ALPHA_FLOOR), about.get("penalty", PENALTY)),
        )


@dataclass(frozen=True)
class HeadData:
    """The vectors that heads of one encoder are fitted on.

    Attributes:
        judged: Galaxies with the counts of all their votes, on which heads are judged fold by fold.
        others: Further galaxies that every head is fitted on, and none is judged by.
        recipe: How they are fitted.
    """

    judged: HeadSample
    others: Sequence[Group]
    recipe: HeadRecipe

    @property
    def settings(self) -> HeadSettings:
        """How heads are fitted."""
        return self.recipe.settings


def left_out_names(encoder: Encoder, name: str) -> dict[str, str]:
    """Why a network was not trained on galaxies of a set, by their names; empty if its file does not say."""
    reasons = encoder.training.get("left_out", {}).get(name, {})
    return {one: reason for reason, ones in reasons.items() for one in ones}


def judged_parts(counted: CountedSet, encoder: Encoder) -> NDArray[np.str_]:
    """`test`, `validation` or `training` of each galaxy, (n,), as the release says or the house has it."""
    named = left_out_names(encoder, GZ2_VOTES)
    if not named:
        return counted.part
    parts = [named.get(one, "training") for one in counted.sample.ids]
    return np.array([part if part in OWN_PARTS else "training" for part in parts])


def head_data(
    contender: Contender,
    recipe: HeadRecipe,
    counted: CountedSet,
    efigi: EfigiSet | None,
    not_fitted: Mapping[str, str],
    cache: Path,
    advance: Callable[[int], None],
) -> HeadData:
    """Encodes what an encoder's heads are fitted on, or reads what was kept of it.

    Args:
        contender: The encoder whose heads they are.
        recipe: How heads are fitted.
        counted: The galaxies with votes.
        efigi: EFIGI, of which the galaxies outside the test split are used; None where it is missing.
        not_fitted: EFIGI galaxies that are left out, because they may be judged galaxies.
        cache: Folder that pictures and vectors are kept in.
        advance: Called with the number of galaxies of each source that is done.
    """
    encoder = contender.encoder

    def make_sample(
        sample: Sample, name: str, rows: NDArray[np.int64], votes: NDArray[np.float32]
    ) -> HeadSample:
        is_judged = name == GZ2_VOTES
        source = HeadSource(
            name,
            [sample.ids[i] for i in rows],
            _WidePictures(sample, rows, encoder.recipe),
            SEEN_SHARE,
            votes,
            recipe.weights[name],
            recipe.bridged if is_judged else 0,
            every_view=is_judged,
        )
        found = encode_head_source(source, encoder, cache)
        advance(len(rows))
        return found

    others = []
    if efigi is not None and EFIGI in recipe.weights:
        rows = np.flatnonzero(
            [not (t or i in not_fitted) for t, i in zip(efigi.tested, efigi.sample.ids, strict=True)]
        )
        votes = CAMPAIGNS.votes({GZD5.name: attribute_votes(efigi.table.iloc[rows], GZD5)})
        others.append(make_sample(efigi.sample, EFIGI, rows, votes).whole())
    if recipe.simulated:
        galaxies = draw_galaxies(recipe.simulated, HEAD_SEED, cache)
        sample = sample_of_simulated(SIMULATED, galaxies, str(HEAD_SEED))
        votes = CAMPAIGNS.votes({GZD5.name: galaxies.votes})
        others.append(make_sample(sample, SIMULATED, np.arange(len(galaxies)), votes).whole())
    judged = make_sample(counted.sample, GZ2_VOTES, np.arange(len(counted.votes)), counted.votes)
    return HeadData(judged, others, recipe)


def unseen_alpha(data: HeadData, counted: CountedSet, parts: NDArray[np.str_]) -> NDArray[np.float32]:
    """Scaled concentrations of every galaxy that the network was not trained on, by heads without its fold.

    Args:
        data: The vectors that the encoder's heads are fitted on.
        counted: The galaxies with votes, n of them.
        parts: Part of each galaxy, (n,), as `judged_parts` gives it; all of `training` are always fitted on,
            and their rows are NaN.
    """
    folds = np.where(parts == "training", -1, counted.folds)
    return out_of_fold_and_scaled(data.judged, folds, counted.votes, data.others, CAMPAIGNS, data.settings)


def with_new_head(
    contender: Contender, data: HeadData, counted: CountedSet, parts: NDArray[np.str_]
) -> Contender:
    """An encoder with a head fitted on all galaxies with votes, to be judged by others than these."""
    folds = np.where(parts == "training", -1, counted.folds)
    alpha = out_of_fold(data.judged, folds, data.others, CAMPAIGNS, data.settings)
    head = fit_head([data.judged.whole(), *data.others], CAMPAIGNS, data.settings)
    scales = scales_of(alpha, folds, counted.votes, CAMPAIGNS).factors
    encoder = contender.encoder.with_head(head, data.settings.alpha_floor, scales)
    return replace(contender, encoder=encoder, has_new_head=True)


def curve_alphas(data: HeadData, parts: NDArray[np.str_]) -> dict[int, NDArray[np.float32]]:
    """Concentrations (tested, n_answers) of the test galaxies by heads fitted on 50, 100 ... others."""
    tested = parts == "test"
    taught = np.random.default_rng(0).permutation(np.flatnonzero(~tested))
    alphas = {}
    for n in [*(n for n in CURVE if n < len(taught)), len(taught)]:
        head: nn.Linear = fit_head([data.judged.group(taught[:n]), *data.others], CAMPAIGNS, data.settings)
        views = data.judged.plain[:, tested]
        alphas[n] = predict_alpha(head, views, GZD5, data.settings.alpha_floor)
    return alphas


class _WidePictures:
    """Some galaxies of a sample as a recipe shows them with room around."""

    def __init__(self, sample: Sample, rows: NDArray[np.int64], recipe: ImageRecipe) -> None:
        self._sample, self._rows, self._recipe = sample, rows, recipe

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, i: int) -> Tensor:
        if self._sample.wide is None:
            raise TypeError(f"sample {self._sample.name} has no wide pictures")
        return self._sample.wide(int(self._rows[i]), self._recipe)
