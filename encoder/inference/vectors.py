"""Vectors of many pictures, a chunk at a time."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from encoder.model.encoder import Encoder

_CHUNK = 256


def embed(encoder: Encoder, pictures: Tensor) -> NDArray[np.float32]:
    """Vectors, (n, d), of uint8 pictures, not all of which are turned to floats at once."""
    return np.concatenate(
        [encoder.encode(chunk.float() / 255).embedding for chunk in torch.split(pictures, _CHUNK)]
    )
