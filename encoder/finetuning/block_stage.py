"""The second stage: head and blocks together, at low rates on turned, mirrored and zoomed pictures."""

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from encoder.finetuning.batches import batches, steps_of_epoch
from encoder.finetuning.data import Galaxies
from encoder.finetuning.loss import step, vote_loss
from encoder.finetuning.report import BLOCKS
from encoder.finetuning.settings import TuningSettings
from encoder.model.device import repeatable_arithmetic
from encoder.model.encoder import Encoder
from encoder.training.augment import Share, augmented

_ZOOM = Share(0.8, 1.1)


def most_epochs(galaxies: Galaxies, settings: TuningSettings) -> int:
    """Epochs after which the stage ends at the latest."""
    if len(galaxies.held_out):
        return settings.epochs
    return max(1, settings.fixed_steps // steps_of_epoch(len(galaxies.learnt), settings))


def block_optimiser(blocks: list[nn.Parameter], head: nn.Linear, settings: TuningSettings) -> Optimizer:
    """What `block_epoch` steps with; the blocks first, then the head, each with its rate."""
    groups: list[dict[str, Any]] = [
        {"params": blocks, "lr": settings.rate},
        {"params": list(head.parameters()), "lr": settings.head_rate},
    ]
    return AdamW(groups, weight_decay=settings.weight_decay)


def block_epoch(
    encoder: Encoder,
    head: nn.Linear,
    optimiser: Optimizer,
    galaxies: Galaxies,
    settings: TuningSettings,
    epoch: int,
) -> float:
    """One epoch, which changes network and head.

    Args:
        encoder: Whose network is trained.
        head: On its device.
        optimiser: From `block_optimiser`.
        galaxies: To learn from.
        settings: How.
        epoch: From 1.

    Returns:
        The mean loss of its steps.
    """
    n, total = len(galaxies.learnt), 0.0
    steps, epochs = steps_of_epoch(n, settings), most_epochs(galaxies, settings)
    for i, (rows, generator) in enumerate(batches(n, settings, BLOCKS, epoch)):
        _set_rates(optimiser, settings, ((epoch - 1) * steps + i) / (epochs * steps))
        rgb, shares = _augmented(encoder, galaxies, galaxies.learnt[rows], generator)
        with repeatable_arithmetic():
            logits = head(encoder._network(rgb).embedding)  # noqa: SLF001 - it is what is trained
            total += step(optimiser, vote_loss(logits, shares))
    return total / steps


def _set_rates(optimiser: Optimizer, settings: TuningSettings, done: float) -> None:
    """As a cosine, from the whole rates at the start to 0 where all is done."""
    for group, rate in zip(optimiser.param_groups, (settings.rate, settings.head_rate), strict=True):
        group["lr"] = rate * 0.5 * (1 + math.cos(math.pi * done))


def _augmented(
    encoder: Encoder, galaxies: Galaxies, chosen: NDArray[np.int64], generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Pictures and shares of the chosen galaxies, on the encoder's device."""
    size, device = encoder.recipe.size, encoder.device
    seen = [augmented(galaxies.pictures[int(k)], _ZOOM, size, generator) for k in chosen]
    return torch.stack(seen).to(device), torch.from_numpy(galaxies.shares[chosen]).to(device)
