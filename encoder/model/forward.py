"""Forward passes over small batches: one after another on an accelerator, side by side on a CPU's cores.

On a CPU each pass has one core to itself. A pass over all cores waits for the slowest of them at every
layer, so that whatever else the machine does (reading the next tile) costs it twice; and its batch must be
so small that the activations stay in the caches.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch
from torch import Tensor

_Answer = TypeVar("_Answer")

CPU_BATCH = 16
"""Twice the pictures a second of 64 (EfficientNet-Lite0, 128 px)."""
ACCELERATOR_BATCH = 256


class Forward:
    """The network's passes on one device.

    Attributes:
        batch: Most pictures of a pass.
    """

    def __init__(self, device: torch.device) -> None:
        cores = torch.get_num_threads() if device.type == "cpu" else 1
        self.batch = CPU_BATCH if device.type == "cpu" else ACCELERATOR_BATCH
        self._cores = (
            ThreadPoolExecutor(cores, "forward", initializer=torch.set_num_threads, initargs=(1,))
            if cores > 1
            else None
        )

    def each(self, predict: Callable[[Tensor], _Answer], batches: Iterable[Tensor]) -> list[_Answer]:
        """Run `predict` on every batch; the answers come in the batches' order."""
        return list(self._cores.map(predict, batches) if self._cores else map(predict, batches))
