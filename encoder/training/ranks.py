"""One training in several processes: `torchrun` starts them, each takes its share of every epoch."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from encoder.model.device import pick_device

_T = TypeVar("_T")


@dataclass(frozen=True)
class ProcessGroup:
    """This process among those of the training.

    Attributes:
        rank: Number of this process; process 0 writes the files.
        size: Number of processes; 1 without `torchrun`.
        device: The device of this process.
    """

    rank: int
    size: int
    device: torch.device

    @property
    def is_first(self) -> bool:
        """Whether this process writes the log, the checkpoint and the release."""
        return self.rank == 0

    def broadcast(self, value: _T) -> _T:
        """The first process's value, in all."""
        if self.size == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box)
        return box[0]

    def mean(self, value: float) -> float:
        """The mean over all processes."""
        if self.size == 1:
            return value
        total = torch.tensor(value, device=self.device)
        dist.all_reduce(total)
        return float(total) / self.size

    def wait(self) -> None:
        """Until all processes are here."""
        if self.size > 1:
            dist.barrier()

    def average_gradients(self, network: nn.Module) -> nn.Module:
        """The network with its gradients averaged over all processes."""
        if self.size == 1:
            return network
        return DistributedDataParallel(network, [self.device] if self.device.type == "cuda" else None)


@contextmanager
def join_process_group() -> Iterator[ProcessGroup]:
    """Join the other processes, where `torchrun` started some."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield ProcessGroup(0, 1, pick_device())
        return
    on_gpu = torch.cuda.is_available()
    device = torch.device("cuda", int(os.environ["LOCAL_RANK"])) if on_gpu else torch.device("cpu")
    if on_gpu:
        torch.cuda.set_device(device)  # what the collectives of NCCL use
    dist.init_process_group("nccl" if on_gpu else "gloo")
    try:
        yield ProcessGroup(dist.get_rank(), size, device)
    finally:
        dist.destroy_process_group()
