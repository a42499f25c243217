"""A batch of pictures of galaxies, as the network gets it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True, eq=False)
class ImageBatch:
    """Some pictures as the network sees them, and which galaxies they are of.

    Attributes:
        rows: Positions of the n galaxies in the tile's sources, or in the list of files, (n,), rising from
            batch to batch.
        rgb: Pictures on the device, (n, 3, size, size) float32 in 0..1, north up and east left.
        flags: Bits of `FramingFlag` of each picture, (n,); 0 where no frame was sought.
    """

    rows: NDArray[np.int64]
    rgb: Tensor
    flags: NDArray[np.int16]
