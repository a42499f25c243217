"""A tile in ever coarser pixels, so that any cutout is sampled near its own resolution."""

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple, Self

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  torch's own custom
from numpy.typing import NDArray
from torch import Tensor

from encoder.local_wcs import powers

POINTS_AT_ONCE = 2**20
"""Points of the sampling grid held in memory together: 40 MB for three bands."""
ENLARGED = 0.8
"""Output pixels below this many native ones are interpolated, not averaged."""
WIDEST_STEP = 1.2
"""Most level pixels between two samples; beyond, noise is no longer averaged as an area would."""
LEAST_WEIGHT = 0.25
"""Share of good pixels in a sample's reach below which its flux is unknown, and 0."""


@dataclass(frozen=True, eq=False)
class Pyramid:
    """Flux and its weight at 1, 2, 4, ... native pixels a pixel; each level is the mean of 2 x 2 below.

    Bad pixels have weight 0 and flux 0, so that flux / weight is the mean of the good ones at every level.
    Memory: 11 bytes a native pixel and band.

    Attributes:
        flux: levels of (1, bands, h, w), nanomaggies per NATIVE pixel times weight.
        weight: levels of (1, bands, h, w), share of good pixels, 0..1.
        shape: native (h, w).
    """

    flux: list[Tensor]
    weight: list[Tensor]
    shape: tuple[int, int]

    @classmethod
    def build(
        cls, pixels: NDArray[np.float32], bad: NDArray[np.bool_], n_levels: int, device: torch.device
    ) -> Self:
        """Averages a tile (bands, h, w), whose bad pixels are 0, on the device."""
        flux = [torch.from_numpy(pixels).to(device)[None]]
        weight = [torch.from_numpy(~bad).to(device, torch.float32)[None]]
        for _ in range(n_levels - 1):
            flux.append(_halve(flux[-1]))
            weight.append(_halve(weight[-1]))
        return cls(flux, weight, (pixels.shape[1], pixels.shape[2]))

    def sample(
        self, maps: NDArray[np.float64], size: int, crop: float, how: "Sampling", *, weighted: bool
    ) -> Tensor:
        """Resamples cutouts of `size` x `size`.

        Args:
            maps: (n, 2, 4, 4) from `local_maps`.
            size: pixels.
            crop: central share of the maps' field that the cutout spans.
            how: from `sampling_for` an output pixel.
            weighted: divide by the weights, resampled alike: where bad pixels or the edge are in reach.

        Returns:
            (n, bands, size, size) nanomaggies per native pixel; 0, the sky's level, where hardly any pixel in
            reach is good.
        """
        points = centres(size * how.oversample) * crop
        flux = self._sample(self.flux, maps, points, how)
        if not weighted:
            return flux
        weight = self._sample(self.weight, maps, points, how)
        return torch.where(weight > LEAST_WEIGHT, flux / weight.clamp(min=LEAST_WEIGHT), 0.0)

    def coverage(self, maps: NDArray[np.float64], points: NDArray[np.float64], level: int) -> Tensor:
        """Share of good pixels about each node of a grid, bilinear, (n, bands, points, points)."""
        return self._sample(self.weight, maps, points, Sampling(level, 1, "bilinear"))

    def _sample(
        self, levels: list[Tensor], maps: NDArray[np.float64], points: NDArray[np.float64], how: "Sampling"
    ) -> Tensor:
        source = levels[how.level]
        extent = (
            np.array([source.shape[3], source.shape[2]]) * 2**how.level
        )  # native pixels, padding included
        scaled = maps * (2 / extent)[:, None, None]
        scaled[:, :, 0, 0] += 1 / extent - 1  # grid_sample: -1 and 1 are the outer edges
        # Double precision, which neither autocast nor TF32 touches: a position needs seven digits.
        coefficients = torch.from_numpy(scaled).to(source.device).transpose(0, 1)  # (2, n, 4, 4)
        terms = torch.from_numpy(powers(points)).to(source.device)
        n_bands, side, inner = source.shape[1], len(points), len(points) // how.oversample
        parts = []
        for part in torch.split(coefficients, max(1, POINTS_AT_ONCE // side**2), dim=1):
            grid = (terms @ part @ terms.T).to(source).view(1, 2, -1, side).permute(0, 2, 3, 1)
            values = F.grid_sample(source, grid, mode=how.mode, padding_mode="zeros", align_corners=False)
            values = F.avg_pool2d(values, how.oversample) if how.oversample > 1 else values
            parts.append(values.view(n_bands, part.shape[1], inner, inner))
        return torch.cat(parts, dim=1).transpose(0, 1)


class Sampling(NamedTuple):
    """Which level to sample, at how many points along each side of an output pixel, and how."""

    level: int
    oversample: int
    mode: Literal["bilinear", "bicubic"]


def sampling_for(step_px: float) -> Sampling:
    """How to make output pixels of `step_px` native pixels.

    k x k bilinear samples one level pixel apart are the same as the area of a square of k level pixels (two
    boxes make a triangle), so k is the output pixel in level pixels, rounded, and the level is taken so fine
    that it is 2 or 3 for anything shrunk. Enlarging takes one bicubic sample.
    """
    if step_px < ENLARGED:
        return Sampling(0, 1, "bicubic")
    level = max(0, math.ceil(math.log2(step_px / (3 * WIDEST_STEP))))
    return Sampling(level, max(1, math.ceil(step_px / 2**level / WIDEST_STEP)), "bilinear")


def level_within(step_px: float) -> int:
    """The finest level whose pixel is no smaller than `step_px` native pixels: steps of that miss nothing."""
    return max(0, math.ceil(math.log2(step_px)))


def centres(n: int) -> NDArray[np.float64]:
    """Centres of n pixels that fill -1..1."""
    return (2 * np.arange(n) + 1) / n - 1


def _halve(level: Tensor) -> Tensor:
    """Means of 2 x 2 pixels; an odd edge is padded with weight 0."""
    odd_h, odd_w = level.shape[2] % 2, level.shape[3] % 2
    return F.avg_pool2d(F.pad(level, (0, odd_w, 0, odd_h)) if odd_h or odd_w else level, 2)
