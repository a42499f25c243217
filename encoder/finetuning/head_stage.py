"""The first stage: the head alone, on vectors of the frozen network, from where the probe ends.

`measure_epoch` is the line that either stage reports of an epoch.
"""

import copy
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from encoder.finetuning.block_stage import optimise_step, vote_loss
from encoder.finetuning.checkpoint import BestWeights
from encoder.finetuning.data import TuningGalaxies, iterate_batches, steps_of_epoch
from encoder.finetuning.report import HEAD, Epoch
from encoder.finetuning.settings import TuningSettings
from encoder.heads.probe import fit_probe, probe_to_layer


def train_head(
    vectors: NDArray[np.float32],
    galaxies: TuningGalaxies,
    settings: TuningSettings,
    progress: Callable[[Epoch], None],
) -> tuple[nn.Linear, list[Epoch], int]:
    """Train a head; where no galaxies are held out it stays the probe.

    Args:
        vectors: Vectors of all galaxies from the frozen network, (n, d).
        galaxies: The galaxies' labels, and which of them are held out.
        settings: How long and how fast to train.
        progress: Called with the report of each epoch when it is over.

    Returns:
        The best head on the CPU, the epochs from 0, and the number of the best.
    """
    learnt = vectors[galaxies.learnt]
    head = probe_to_layer(fit_probe(learnt, galaxies.shares[galaxies.learnt]), learnt)
    optimiser = torch.optim.AdamW(
        head.parameters(), lr=settings.head_rate, weight_decay=settings.weight_decay
    )
    best = BestWeights(list(head.parameters()))
    rows = []
    for epoch in range(1 + settings.head_epochs * bool(len(galaxies.held_out))):
        loss = None if epoch == 0 else _head_epoch(head, optimiser, vectors, galaxies, settings, epoch)
        row = measure_epoch(HEAD, epoch, loss, head, vectors[galaxies.held_out], galaxies)
        best.keep_if_better(row)
        rows.append(row)
        progress(row)
        if epoch - best.epoch >= settings.patience:
            break
    best.restore()
    return head, rows, best.epoch


def _head_epoch(
    head: nn.Linear,
    optimiser: torch.optim.Optimizer,
    vectors: NDArray[np.float32],
    galaxies: TuningGalaxies,
    settings: TuningSettings,
    epoch: int,
) -> float:
    """The mean loss of its steps."""
    steps, total = steps_of_epoch(len(galaxies.learnt), settings), 0.0
    for rows, _ in iterate_batches(len(galaxies.learnt), settings, HEAD, epoch):
        chosen = galaxies.learnt[rows]
        logits = head(torch.from_numpy(vectors[chosen]))
        total += optimise_step(optimiser, vote_loss(logits, torch.from_numpy(galaxies.shares[chosen])))
    return total / steps


def measure_epoch(
    stage: str,
    epoch: int,
    loss: float | None,
    head: nn.Linear,
    vectors: NDArray[np.float32],
    galaxies: TuningGalaxies,
) -> Epoch:
    """One line of the report.

    Args:
        stage: The stage, `head` or `blocks`.
        epoch: Number of the epoch in its stage.
        loss: Mean loss on the galaxies learnt from; None at the start of a stage.
        head: The head as it is after the epoch, on any device.
        vectors: Vectors of the galaxies held out, (n, d).
        galaxies: The galaxies' labels, and which of them are held out.
    """
    if not len(vectors):
        return Epoch(stage, epoch, loss, None, None)
    shares = torch.from_numpy(galaxies.shares[galaxies.held_out])
    with torch.inference_mode():
        logits = copy.deepcopy(head).cpu()(torch.from_numpy(vectors))
        right = (logits.argmax(dim=1) == shares.argmax(dim=1)).float().mean()
        return Epoch(stage, epoch, loss, float(vote_loss(logits, shares)), float(right))
