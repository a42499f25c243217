"""A training run's head: fitted on all its galaxies, scaled by those that the network has not seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import Progress
from torch import nn

from encoder.model.encoder import Encoder
from encoder.training.campaigns import Campaigns
from encoder.training.config import TrainingConfig
from encoder.training.data import LabelledGalaxies
from encoder.training.head.fit import HeadSettings, fit_head, out_of_fold, scales_of
from encoder.training.head.samples import encode_head_source
from encoder.training.head.sources import HEAD_SEED, fitted_sources, judged_source
from encoder.training.head_config import HeadConfig


@dataclass(frozen=True)
class ReleaseHead:
    """A head and what a weights file says of it.

    Attributes:
        head: Linear layer from vectors to the answers of the release's tree.
        scales: What the concentrations of each question are multiplied by; empty where nothing judged them.
        about: What it was fitted on, as plain JSON values.
    """

    head: nn.Linear
    scales: tuple[float, ...]
    about: dict[str, Any]


def fit_release_head(
    head: HeadConfig,
    config: TrainingConfig,
    campaigns: Campaigns,
    encoder: Encoder,
    training: Sequence[LabelledGalaxies],
    progress: Progress | None = None,
) -> ReleaseHead:
    """Fit a head on the frozen network; killed, it goes on at the last hundred galaxies encoded.

    Args:
        head: The head that is wanted.
        config: The configuration of the run.
        campaigns: The trees of the run.
        encoder: The network as the file will hold it.
        training: The galaxies of each source that the network was trained on.
        progress: Where progress bars are shown; None shows none.

    Raises:
        TrainingError: No galaxy can judge the head, or a kept file is damaged.
    """
    cache = Path(config.release.folder) / "cache"
    settings, released = HeadSettings(head.alpha_floor), campaigns.released
    samples = [
        encode_head_source(source, encoder, cache, config.loop.workers, progress)
        for source in fitted_sources(head, config, campaigns, training)
    ]
    others = [sample.whole() for sample in samples]
    about: dict[str, Any] = {
        "weights": head.weights,
        "galaxies": {sample.source.name: len(sample.source.ids) for sample in samples},
        "bridged": head.bridged,
        "alpha_floor": head.alpha_floor,
        "penalty": settings.penalty,
        "simulated_seed": HEAD_SEED,
    }
    if not head.judged:
        return ReleaseHead(fit_head(others, released, settings), (), about)
    judged = judged_source(head, config, campaigns)
    sample = encode_head_source(judged.source, encoder, cache, config.loop.workers, progress)
    alpha = out_of_fold(sample, judged.folds, others, released, settings)
    scales = scales_of(alpha, judged.folds, judged.source.votes, released)
    about["galaxies"] = {judged.source.name: len(judged.source.ids), **about["galaxies"]}
    about["judged"] = {
        "source": judged.source.name,
        "scaled_by": int(np.sum(judged.folds >= 0)),
        "scales_measured": list(scales.measured),
    }
    return ReleaseHead(fit_head([sample.whole(), *others], released, settings), scales.factors, about)
