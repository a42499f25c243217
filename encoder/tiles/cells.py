"""The squares of a tile that are read: those that its cutouts need, where they are few."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from astropy.wcs import WCS
from numpy.typing import NDArray

from encoder.tiles.source_table import SourceTable

Box = tuple[slice, slice]
"""Rows and columns of a rectangle of pixels."""


@dataclass(frozen=True, eq=False)
class Cells:
    """Squares of a tile, on a grid that begins at its first pixel.

    Attributes:
        shape: Height and width of the tile, pixels.
        side: Width and height of a square, pixels.
        wanted: Which squares are meant, (rows, columns). Those of the last row and column may be cut.
    """

    shape: tuple[int, int]
    side: int
    wanted: NDArray[np.bool_]

    @classmethod
    def under(cls, boxes: NDArray[np.float64], shape: tuple[int, int], side: int) -> "Cells":
        """The squares that rectangles touch.

        Args:
            boxes: Left, right, lower and upper edge of each rectangle, (n, 4), pixels; 0 is the centre of the
                first pixel. What lies off the tile is left out.
            shape: Height and width of the tile, pixels.
            side: Width and height of a square, pixels.
        """
        height, width = shape
        wanted = np.zeros((-(-height // side), -(-width // side)), np.bool_)
        limits = np.array([width, width, height, height]) - 0.5
        touching = (boxes[:, 1] >= -0.5) & (boxes[:, 3] >= -0.5)  # noqa: PLR2004 - half a pixel
        touching &= (boxes[:, 0] < limits[0]) & (boxes[:, 2] < limits[2])
        inside = np.clip(boxes[touching], -0.5, np.nextafter(limits, 0))
        for left, right, low, high in np.floor((inside + 0.5) / side).astype(np.int64).tolist():
            wanted[low : high + 1, left : right + 1] = True
        return cls(shape, side, wanted)

    @property
    def share(self) -> float:
        """Share of the tile's squares that are meant."""
        return float(self.wanted.mean()) if self.wanted.size else 0.0

    def hold(self, other: "Cells") -> bool:
        """Whether all squares of another choice on the same grid are among these."""
        same = (self.shape, self.side) == (other.shape, other.side)
        return same and not (other.wanted & ~self.wanted).any()

    def boxes(self) -> list[Box]:
        """Rectangles of pixels that are together these squares: neighbours in a row are one rectangle."""
        found = []
        for row, line in enumerate(self.wanted):
            edges = np.flatnonzero(np.diff(line, prepend=False, append=False)) * self.side
            rows = slice(row * self.side, min((row + 1) * self.side, self.shape[0]))
            pairs = zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
            found += [(rows, slice(start, min(stop, self.shape[1]))) for start, stop in pairs]
        return found

    def squares(self) -> list[Box]:
        """The pixels of each square, row by row as in `wanted`."""
        height, width = self.shape
        return [
            (
                slice(row * self.side, min((row + 1) * self.side, height)),
                slice(column * self.side, min((column + 1) * self.side, width)),
            )
            for row, column in np.argwhere(self.wanted).tolist()
        ]


Needs = Callable[[WCS, SourceTable, tuple[int, int]], Cells | None]
"""Says by a tile's coordinates, sources and shape which of its squares will be asked for; None for all."""
