"""The second stage: head and blocks together, at low rates on turned, mirrored and zoomed pictures.

Which parameters are a block, the loss of shares of votes and a step of the optimiser are here too; the first
stage takes loss and step from here.
"""

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from timm.models import group_parameters
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from encoder.errors import LearningError
from encoder.finetuning.data import TuningGalaxies, iterate_batches, steps_of_epoch
from encoder.finetuning.report import BLOCKS
from encoder.finetuning.settings import TuningSettings, require
from encoder.model.device import deterministic_arithmetic
from encoder.model.encoder import Encoder
from encoder.training.pictures.augment import Share, augment

_ZOOM = Share(0.8, 1.1)


def max_epochs(galaxies: TuningGalaxies, settings: TuningSettings) -> int:
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
    galaxies: TuningGalaxies,
    settings: TuningSettings,
    epoch: int,
) -> float:
    """One epoch, which changes network and head.

    Args:
        encoder: The encoder whose network is trained.
        head: The head, on the encoder's device.
        optimiser: The optimiser as `block_optimiser` makes it.
        galaxies: The galaxies to learn from.
        settings: Rates, batch size and seed of the training.
        epoch: Number of the epoch, counted from 1.

    Returns:
        The mean loss of its steps.
    """
    n, total = len(galaxies.learnt), 0.0
    steps, epochs = steps_of_epoch(n, settings), max_epochs(galaxies, settings)
    for i, (rows, generator) in enumerate(iterate_batches(n, settings, BLOCKS, epoch)):
        _set_rates(optimiser, settings, ((epoch - 1) * steps + i) / (epochs * steps))
        rgb, shares = _augment_chosen(encoder, galaxies, galaxies.learnt[rows], generator)
        with deterministic_arithmetic():
            logits = head(encoder._network(rgb).embedding)  # noqa: SLF001 - it is what is trained
            total += optimise_step(optimiser, vote_loss(logits, shares))
    return total / steps


def _set_rates(optimiser: Optimizer, settings: TuningSettings, done: float) -> None:
    """Set the rates after a share `done` of all steps: they fall as a cosine to 0 at the end."""
    for group, rate in zip(optimiser.param_groups, (settings.rate, settings.head_rate), strict=True):
        group["lr"] = rate * 0.5 * (1 + math.cos(math.pi * done))


def _augment_chosen(
    encoder: Encoder, galaxies: TuningGalaxies, chosen: NDArray[np.int64], generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Pictures and shares of the chosen galaxies, on the encoder's device."""
    size, device = encoder.recipe.size, encoder.device
    seen = [augment(galaxies.pictures[int(k)], _ZOOM, size, generator) for k in chosen]
    return torch.stack(seen).to(device), torch.from_numpy(galaxies.shares[chosen]).to(device)


def vote_loss(logits: Tensor, shares: Tensor) -> Tensor:
    """The mean cross-entropy of logits and shares of votes, both (n, n_classes), in nats a galaxy."""
    return nn.functional.cross_entropy(logits, shares)


def optimise_step(optimiser: Optimizer, loss: Tensor) -> float:
    """Lower a loss by one step of the optimiser.

    Returns:
        The loss before the step.

    Raises:
        LearningError: The loss is no number.
    """
    value = float(loss.detach())
    require(math.isfinite(value), f"the loss is {value}: try a lower rate")
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    return value


def backbone_blocks(encoder: Encoder) -> list[list[nn.Parameter]]:
    """The parameters of each block of its backbone, first to last, as `TuningSettings.depth` counts them.

    Raises:
        LearningError: The library timm does not say which blocks the backbone has.
    """
    backbone = encoder._network.backbone  # noqa: SLF001 - its parts are counted
    matcher = getattr(backbone, "group_matcher", None)
    if matcher is None:
        raise LearningError(
            f"backbone {encoder.backbone} cannot be tuned by blocks: timm does not group its layers"
        )
    parameters = dict(backbone.named_parameters())
    groups = group_parameters(backbone, matcher(coarse=False))
    return [[parameters[name] for name in names] for names in groups.values()]
