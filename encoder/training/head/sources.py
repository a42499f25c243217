"""Which galaxies the head of a training run is fitted on, and by which of them it is judged."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torchvision.transforms.v2 import functional

from encoder.errors import TrainingError
from encoder.training.campaigns import Campaigns
from encoder.training.config import (
    FIRST_HELD_OUT_SEED,
    SourceConfig,
    TrainingConfig,
)
from encoder.training.data import LabelledGalaxies
from encoder.training.head.samples import HeadSource
from encoder.training.head_config import SIMULATED, HeadConfig
from encoder.training.labels.label_tables import read_labels
from encoder.training.labels.left_out import OWN_PARTS
from encoder.training.labels.sky_groups import SAME_FILE, folds, same_picture, sky_groups
from encoder.training.pictures.augment import Share
from encoder.training.pictures.framed_images import SEEN_SHARE
from encoder.training.pictures.images import Images
from encoder.training.pictures.simulated import KEPT_SHARE
from encoder.training.sources import load_source

HEAD_SEED = FIRST_HELD_OUT_SEED
"""Seed of the simulated galaxies for the head: apart from those trained on and those judged by."""
_SMALL_PX = 32


@dataclass(frozen=True)
class JudgedSource:
    """Galaxies that a head is fitted on and judged by, fold by fold.

    Attributes:
        source: All galaxies of the source.
        folds: Fold of each, (n,); -1 for a galaxy that the network was trained on.
    """

    source: HeadSource
    folds: NDArray[np.int64]


def head_config(config: TrainingConfig, splits: Sequence[LabelledGalaxies]) -> HeadConfig | None:
    """The head that a configuration asks for, by `[head]` or by `refit_galaxies`; None where by neither."""
    if config.head or not config.release.refit_galaxies:
        return config.head
    n = config.release.refit_galaxies
    real = [source.name for source in splits if source.kind not in {"simulated", "unlabelled"}]
    return HeadConfig(dict.fromkeys([*real, SIMULATED], 1.0), n)


def fitted_sources(
    head: HeadConfig, config: TrainingConfig, campaigns: Campaigns, training: Sequence[LabelledGalaxies]
) -> list[HeadSource]:
    """The sources that a head is fitted on, but for the judged one.

    Args:
        head: The head that is wanted.
        config: The configuration of the run.
        campaigns: The trees of the run.
        training: The galaxies of each source that the network was trained on.
    """
    found = []
    for source in training:
        if source.kind == "simulated" or source.name == head.judged or source.name not in head.weights:
            continue
        votes = campaigns.released_votes(source.votes)
        share, weight = seen_share(source, config.recipe.crop), head.weights[source.name]
        found.append(HeadSource(source.name, source.ids, source.images, share, votes, weight))
    if head.simulated:
        framed = any(source.framed for source in training)
        drawn = SourceConfig(
            "simulated", Share(SEEN_SHARE, SEEN_SHARE), galaxies=head.simulated, seed=HEAD_SEED, framed=framed
        )
        source = load_source(drawn, campaigns.released, _cache(config))
        found.append(
            HeadSource(
                SIMULATED,
                source.ids,
                source.images,
                seen_share(source, config.recipe.crop),
                source.votes,
                head.weights[SIMULATED],
            )
        )
    return found


def judged_source(head: HeadConfig, config: TrainingConfig, campaigns: Campaigns) -> JudgedSource:
    """All galaxies of the judged source but those left out because others are judged by them.

    Raises:
        TrainingError: The network was trained on all of them, so that none can judge the head.
    """
    own = next(source for source in config.sources if source.kind == head.judged)
    if not own.left_out:
        raise TrainingError(
            f"head: the network saw all of {head.judged}, none can say how sure the head may be"
        )
    table = read_labels(Path(own.left_out), "id", [], ["set", "reason"])
    table = table[table["set"] == head.judged]
    reasons = dict(zip(table["id"].astype(str), table["reason"].astype(str), strict=True))
    source = load_source(replace(own, left_out="", held_out=0.0), campaigns, _cache(config))
    source = source.take(
        np.flatnonzero([reasons.get(name, OWN_PARTS[0]) in OWN_PARTS for name in source.ids])
    )
    unseen = np.array([name in reasons for name in source.ids], np.bool_)
    if not unseen.any():
        raise TrainingError(f"head: {own.left_out} leaves out no galaxy of {head.judged} for judging")
    judged = HeadSource(
        source.name,
        source.ids,
        source.images,
        seen_share(source, config.recipe.crop),
        campaigns.released_votes(source.votes),
        head.weights[head.judged],
        head.bridged,
        every_view=True,
    )
    return JudgedSource(judged, np.where(unseen, folds_of(source.name, source.ids, source.images), -1))


def folds_of(name: str, ids: Sequence[str], images: Images) -> NDArray[np.int64]:
    """Fold of each galaxy, (n,); galaxies whose pictures are equal are in one.

    Args:
        name: Name of the set.
        ids: Ids of the n galaxies.
        images: Their pictures, all framed alike.
    """
    small = [functional.resize(images[i], [_SMALL_PX, _SMALL_PX], antialias=True) for i in range(len(ids))]
    groups = sky_groups(len(ids), [same_picture(torch.stack(small).numpy(), SAME_FILE)])
    return folds(groups, [f"{name}:{galaxy}" for galaxy in ids], 5)


def seen_share(source: LabelledGalaxies, crop: float) -> float:
    """Share of a source's frame that shows the galaxy as the recipe will show it."""
    if source.framed:
        return SEEN_SHARE
    return crop / KEPT_SHARE if source.kind == "simulated" else source.share.middle


def _cache(config: TrainingConfig) -> Path:
    return Path(config.release.folder) / "cache"
