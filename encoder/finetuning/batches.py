"""The galaxies of each step of an epoch."""

import math
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from encoder.finetuning.report import STAGES
from encoder.finetuning.settings import TuningSettings

_FEWEST_STEPS = 4
"""Of an epoch: few labels are shown several times in each."""


def steps_of_epoch(n: int, settings: TuningSettings) -> int:
    """Steps in which `n` galaxies are seen once, or more often."""
    return max(_FEWEST_STEPS, math.ceil(n / settings.batch_size))


def batches(
    n: int, settings: TuningSettings, stage: str, epoch: int
) -> Iterator[tuple[NDArray[np.int64], torch.Generator]]:
    """Rows of each step of an epoch, and the source of its further randomness."""
    sequence = np.random.SeedSequence([settings.seed, STAGES.index(stage), epoch])
    generator = torch.Generator().manual_seed(int(sequence.generate_state(1)[0]))
    steps, size = steps_of_epoch(n, settings), min(settings.batch_size, n)
    times = math.ceil(steps * size / n)
    order = torch.cat([torch.randperm(n, generator=generator) for _ in range(times)])
    for rows in torch.split(order[: steps * size], size):
        yield rows.numpy(), generator
