"""A tile in ever coarser pixels, so that any cutout is sampled near its own resolution."""

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple, Self

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  torch's own custom
from numpy.typing import NDArray
from torch import Tensor

from encoder.cutouts.local_wcs import powers

POINTS_AT_ONCE = 2**20
"""Points of the sampling grid held in memory together: 40 MB for three bands."""
MIN_AVERAGED_STEP = 0.8
"""Output pixels below this many native ones are interpolated, not averaged."""
MAX_STEP = 1.2
"""Most level pixels between two samples; beyond, noise is no longer averaged as an area would."""
MAX_SAMPLES = 5
"""Along each side of an output pixel; more is exacter and slower, and matters for large galaxies only."""
MIN_WEIGHT = 1e-6
"""Below any weight but 0."""
MIN_FILL_LEVELS = 7
"""Levels that are made at least where pixels are bad: holes up to 128 pixels wide are filled."""


@dataclass(frozen=True, eq=False)
class Pyramid:
    """A tile at 1, 2, 4, ... native pixels a pixel; each level is the mean of the good pixels in 2 x 2 below.

    A pixel without any good one below takes the value of the next level's: holes are filled with the mean of
    their surroundings, over the smallest area that has one, so they leave no false colours. Memory: 7 bytes a
    native pixel and band beside the tile's own 5, and another 4 while it is built.

    Attributes:
        flux: Flux at each level, the native one first, (1, bands, h, w), nanomaggies per NATIVE pixel.
        weight: Share of good pixels in 0..1 at each level but the native one, (1, bands, h, w): weight[0]
            goes with flux[1].
        shape: Height and width of the tile, native pixels.
    """

    flux: list[Tensor]
    weight: list[Tensor]
    shape: tuple[int, int]

    @classmethod
    def build(
        cls, pixels: NDArray[np.float32], bad: NDArray[np.bool_], n_levels: int, device: torch.device
    ) -> Self:
        """Averages a tile (bands, h, w), whose bad pixels are 0, on the device; the tile stays as it is."""
        good = torch.from_numpy(~bad).to(device)[None]
        flux, weight = [torch.from_numpy(pixels).to(device)[None]], [_sum_of_four(good.view(torch.uint8)) / 4]
        for _ in range(max(2, n_levels, MIN_FILL_LEVELS if bad.any() else 0) - 2):
            weight.append(_sum_of_four(weight[-1]).mul_(0.25))
        for _ in weight:
            flux.append(_sum_of_four(flux[-1]).mul_(0.25))
        _fill(flux, weight, good)
        return cls(flux, weight, (pixels.shape[1], pixels.shape[2]))

    def sample(self, maps: NDArray[np.float64], size: int, crop: float, sampling: "Sampling") -> Tensor:
        """Resamples cutouts of `size` x `size`.

        Args:
            maps: Maps from cutouts to pixels of the tile, (n, 2, 4, 4), as `local_maps` gives them.
            size: Width and height of each cutout, pixels.
            crop: Central share of the maps' field that the cutout spans, in 0..1.
            sampling: Level and points of an output pixel, as `sampling_for` gives them.

        Returns:
            Flux of the cutouts, (n, bands, size, size), nanomaggies per native pixel; 0, the sky's level, off
            the tile.
        """
        return _sample(self.flux[sampling.level], maps, centres(size * sampling.oversample) * crop, sampling)

    def coverage(self, maps: NDArray[np.float64], points: NDArray[np.float64], level: int) -> Tensor:
        """Share of good pixels about each node of a grid, from one level but the first.

        Returns:
            Share of good pixels, (n, bands, points, points), in 0..1; 0 off the tile.
        """
        return _sample(self.weight[level - 1], maps, points, Sampling(level, 1, "bilinear"))


class Sampling(NamedTuple):
    """Which level to sample, at how many points along each side of an output pixel, and how."""

    level: int
    oversample: int
    mode: Literal["bilinear", "bicubic"]


def sampling_for(step_px: float) -> Sampling:
    """How to make output pixels of `step_px` native pixels.

    k x k bilinear samples one level pixel apart are the same as the area of a square of k level pixels (two
    boxes make a triangle), so k is the output pixel in level pixels, rounded, and the level is the first with
    k of 5 at most. Enlarging takes one bicubic sample.
    """
    if step_px < MIN_AVERAGED_STEP:
        return Sampling(0, 1, "bicubic")
    level = max(0, math.ceil(math.log2(step_px / (MAX_SAMPLES * MAX_STEP))))
    return Sampling(level, max(1, math.ceil(step_px / 2**level / MAX_STEP)), "bilinear")


def coarse_sampling_for(step_px: float) -> Sampling:
    """One bilinear sample a pixel, from a level that is as coarse: cheap, and exact enough to measure by."""
    return Sampling(max(0, math.ceil(math.log2(step_px / MAX_STEP))), 1, "bilinear")


def centres(n: int) -> NDArray[np.float64]:
    """Centres of n pixels that fill -1..1."""
    return (2 * np.arange(n) + 1) / n - 1


def _sample(
    source: Tensor, maps: NDArray[np.float64], points: NDArray[np.float64], sampling: Sampling
) -> Tensor:
    """Samples one level (1, bands, h, w) on the grid points x points of every map, and averages."""
    extent = (
        np.array([source.shape[3], source.shape[2]]) * 2**sampling.level
    )  # native pixels, padding included
    scaled = maps * (2 / extent)[:, None, None]
    scaled[:, :, 0, 0] += 1 / extent - 1  # grid_sample: -1 and 1 are the outer edges
    # Double precision, which neither autocast nor TF32 touches: a position needs seven digits.
    coefficients = torch.from_numpy(scaled).to(source.device).transpose(0, 1)  # (2, n, 4, 4)
    terms = torch.from_numpy(powers(points)).to(source.device)
    n_bands, side, inner = source.shape[1], len(points), len(points) // sampling.oversample
    parts = []
    for part in torch.split(coefficients, max(1, POINTS_AT_ONCE // side**2), dim=1):
        grid = (terms @ part @ terms.T).to(source).view(1, 2, -1, side).permute(0, 2, 3, 1)
        values = F.grid_sample(source, grid, mode=sampling.mode, padding_mode="zeros", align_corners=False)
        values = F.avg_pool2d(values, sampling.oversample) if sampling.oversample > 1 else values
        parts.append(values.view(n_bands, part.shape[1], inner, inner))
    return torch.cat(parts, dim=1).transpose(0, 1)


def _fill(flux: list[Tensor], weight: list[Tensor], good: Tensor) -> None:
    """Turns sums over good pixels into means, and gives every hole the next level's value, coarse to fine."""
    for level in range(len(flux) - 1, -1, -1):
        known = weight[level - 1] > MIN_WEIGHT if level > 0 else good
        means = flux[level]
        if level > 0:  # in place, and only where some are bad: a brick has millions of pixels that are good
            some = torch.nonzero((weight[level - 1] < 1).flatten(), as_tuple=True)[0]
            means.view(-1)[some] /= weight[level - 1].view(-1)[some].clamp(min=MIN_WEIGHT)
        band, y, x = torch.nonzero(~known[0], as_tuple=True)
        if level + 1 < len(flux) and len(band):
            means = means if level > 0 else means.clone()  # level 0 is the tile's own array
            means[0, band, y, x] = flux[level + 1][0, band, y // 2, x // 2]
        flux[level] = means


def _sum_of_four(level: Tensor) -> Tensor:
    """Sums of 2 x 2 pixels, an odd edge padded with 0; slices are twice as fast here as torch's pooling."""
    odd_h, odd_w = level.shape[2] % 2, level.shape[3] % 2
    even = F.pad(level, (0, odd_w, 0, odd_h)) if odd_h or odd_w else level
    pairs = even[:, :, 0::2] + even[:, :, 1::2]
    return pairs[..., 0::2] + pairs[..., 1::2]
