"""A tile in ever coarser pixels, so that any cutout is sampled near its own resolution."""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  torch's own custom
from numpy.typing import NDArray
from torch import Tensor

from encoder.local_wcs import polynomial_terms

POINTS_AT_ONCE = 2**20
"""Points of the sampling grid held in memory together: 20 MB for three bands."""
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

    def sample_flux(
        self, maps: NDArray[np.float64], size: int, crop: float, level: int, oversample: int
    ) -> Tensor:
        """Resamples cutouts of `size` x `size` from one level: the mean of a few bicubic samples a pixel.

        Args:
            maps: (n, 10, 2) from `local_maps`.
            size: pixels.
            crop: central share of the maps' field that the cutout spans.
            level: to take from.
            oversample: samples along each side of an output pixel.

        Returns:
            (n, bands, size, size) nanomaggies per native pixel, times weight.
        """
        return self._sample(self.flux, maps, centres(size * oversample) * crop, level, "bicubic", oversample)

    def sample_weight(
        self, maps: NDArray[np.float64], size: int, crop: float, level: int, oversample: int
    ) -> Tensor:
        """The weights of `sample_flux`, (n, bands, size, size)."""
        return self._sample(
            self.weight, maps, centres(size * oversample) * crop, level, "bicubic", oversample
        )

    def coverage(self, maps: NDArray[np.float64], points: NDArray[np.float64], level: int) -> Tensor:
        """Share of good pixels about each node of a grid, bilinear, (n, bands, points, points)."""
        return self._sample(self.weight, maps, points, level, "bilinear", 1)

    def _sample(
        self,
        levels: list[Tensor],
        maps: NDArray[np.float64],
        points: NDArray[np.float64],
        level: int,
        mode: str,
        oversample: int,
    ) -> Tensor:
        source = levels[level]
        v, u = np.meshgrid(points, points, indexing="ij")
        terms = torch.from_numpy(polynomial_terms(u.ravel(), v.ravel())).to(source)
        extent = np.array([source.shape[3], source.shape[2]]) * 2**level  # native pixels, padding included
        scaled = maps * 2 / extent
        scaled[:, 0] += 1 / extent - 1  # grid_sample: -1 and 1 are the outer edges
        coefficients = torch.from_numpy(scaled).to(source)
        n, side = max(1, POINTS_AT_ONCE // len(terms)), len(points)
        parts = []
        for part in torch.split(coefficients, n):
            grid = (terms @ part).view(1, len(part) * side, side, 2)
            values = F.grid_sample(source, grid, mode=mode, padding_mode="zeros", align_corners=False)
            values = F.avg_pool2d(values, oversample) if oversample > 1 else values
            parts.append(values.view(source.shape[1], len(part), side // oversample, side // oversample))
        return torch.cat(parts, dim=1).transpose(0, 1)


def level_for(step_px: float) -> tuple[int, int]:
    """Which level, and how many samples a side, an output pixel of `step_px` native pixels needs.

    The level's pixel is the output pixel's size down to half of it; there 2 x 2 samples see every pixel of the
    level, so that nothing is aliased. Up to `1.2` level pixels one sample does.
    """
    level = max(0, math.floor(math.log2(step_px)))
    return level, 1 if step_px / 2**level < 1.2 else 2  # noqa: PLR2004  explained above


def level_within(step_px: float) -> int:
    """The finest level whose pixel is no smaller than `step_px` native pixels: steps of that miss nothing."""
    return max(0, math.ceil(math.log2(step_px)))


def normalised(flux: Tensor, weight: Tensor) -> Tensor:
    """Flux over weight: the mean of the good pixels; 0, the sky's level, where hardly any is in reach."""
    return torch.where(weight > LEAST_WEIGHT, flux / weight.clamp(min=LEAST_WEIGHT), 0.0)


def _halve(level: Tensor) -> Tensor:
    """Means of 2 x 2 pixels; an odd edge is padded with weight 0."""
    height, width = level.shape[2:]
    return F.avg_pool2d(F.pad(level, (0, width % 2, 0, height % 2)), 2)


def centres(n: int) -> NDArray[np.float64]:
    """Centres of n pixels that fill -1..1."""
    return (2 * np.arange(n) + 1) / n - 1
