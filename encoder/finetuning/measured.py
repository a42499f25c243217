"""What a head is worth on the galaxies held out."""

import copy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from encoder.finetuning.data import Galaxies
from encoder.finetuning.loss import vote_loss
from encoder.finetuning.report import Epoch


def measured(
    stage: str,
    epoch: int,
    loss: float | None,
    head: nn.Linear,
    vectors: NDArray[np.float32],
    galaxies: Galaxies,
) -> Epoch:
    """One line of the report.

    Args:
        stage: As `Epoch` has it, like `epoch` and `loss`.
        epoch: Of the stage.
        loss: Of the galaxies learnt from.
        head: As it is after the epoch, on any device.
        vectors: Of the galaxies held out, (n, d).
        galaxies: Whose shares they are.
    """
    if not len(vectors):
        return Epoch(stage, epoch, loss, None, None)
    shares = torch.from_numpy(galaxies.shares[galaxies.held_out])
    with torch.inference_mode():
        logits = copy.deepcopy(head).cpu()(torch.from_numpy(vectors))
        right = (logits.argmax(dim=1) == shares.argmax(dim=1)).float().mean()
        return Epoch(stage, epoch, loss, float(vote_loss(logits, shares)), float(right))
