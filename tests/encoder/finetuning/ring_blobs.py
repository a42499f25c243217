"""Pictures of blobs with a ring or without, a small network to tune on them, and what of it has changed."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from encoder.finetuning.finetune import TunedTask, TuningSettings
from encoder.model.encoder import Encoder
from encoder.model.network import Network
from tests.encoder.releases import random_weights

BACKBONE, SIZE = "mobilenetv3_small_050", 40
TASK = TunedTask("ring", "Is there a ring?", ("no", "yes"))
QUICK = TuningSettings(
    depth=3, epochs=2, head_epochs=1, fixed_steps=8, rate=1e-4, head_rate=1e-3, batch_size=8, seed=4
)


def make_ring_blobs(n: int, seed: int = 0) -> tuple[Tensor, NDArray[np.float32]]:
    """Blobs on noise, every second with a ring around it, and one vote each."""
    generator = torch.Generator().manual_seed(seed)
    axis = torch.linspace(-1, 1, SIZE)
    radius = (axis[None] ** 2 + axis[:, None] ** 2).sqrt()
    blob, ring = torch.exp(-((radius / 0.3) ** 2)), torch.exp(-(((radius - 0.6) / 0.1) ** 2))
    ringed = (torch.arange(n) % 2)[:, None, None, None]
    picture = 0.3 * torch.rand(n, 3, SIZE, SIZE, generator=generator) + 0.5 * blob + 0.7 * ring * ringed
    picture = picture.clamp(0, 1)
    votes = np.eye(2, dtype=np.float32)[np.arange(n) % 2]
    return (picture * 255).round().to(torch.uint8), votes


def make_whole_network() -> Network:
    network = random_weights(backbone=BACKBONE, size=SIZE).network
    return network.to(memory_format=torch.channels_last)


def find_changed_tensors(before: Encoder, after: Encoder) -> set[str]:
    old, new = before._network.state_dict(), after._network.state_dict()
    assert old.keys() == new.keys()
    return {key for key in old if not torch.equal(old[key], new[key])}
