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
from encoder.tiles.cells import Cells

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
        cls,
        pixels: NDArray[np.float32],
        bad: NDArray[np.bool_],
        n_levels: int,
        device: torch.device,
        cells: Cells | None = None,
    ) -> Self:
        """Averages a tile on the device.

        A whole tile stays as it is. Of one in part bad pixels are filled in place, since a second array of
        its size would take longer than the averages; it can be averaged again all the same.

        Args:
            pixels: Flux of the tile, (bands, h, w); of a whole one 0 where bad.
            bad: Whether a pixel is bad, (bands, h, w).
            n_levels: Number of levels; where pixels are bad there are more.
            device: Where the levels are made and stay.
            cells: The squares that are averaged, as wide as `widest_pixel` says or a multiple of it; None for
                all. What is sampled within them has the same bits as if all were.

        Raises:
            ValueError: The squares are no multiple of the coarsest pixel.
        """
        if cells is not None and cells.side % widest_pixel(n_levels):
            raise ValueError(f"squares of {cells.side} px with pixels of {widest_pixel(n_levels)} px")
        shape = pixels.shape[1], pixels.shape[2]
        if cells is None:
            parts, good = torch.from_numpy(pixels)[None].to(device), torch.from_numpy(~bad)[None].to(device)
        else:
            parts, good = (part.to(device) for part in _take_squares(pixels, bad, cells))
        count = max(2, n_levels, MIN_FILL_LEVELS if not bool(good.all()) else 0)
        flux, weight = _average(parts, good, count, keep=cells is None)
        if cells is not None:
            _fill_holes(pixels, flux[0], good, cells)
            native = torch.from_numpy(pixels)[None].to(device)
            flux = [native, *(_put_squares(level, n, cells, device) for n, level in enumerate(flux[1:], 1))]
            weight = [_put_squares(level, n, cells, device) for n, level in enumerate(weight, 1)]
        return cls(flux, weight, shape)

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


def widest_pixel(n_levels: int) -> int:
    """Width of the coarsest level's pixels, native ones, where some pixel is bad."""
    return int(2 ** (max(n_levels, MIN_FILL_LEVELS) - 1))


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


def _average(pixels: Tensor, good: Tensor, count: int, *, keep: bool) -> tuple[list[Tensor], list[Tensor]]:
    """All levels of n pieces (n, bands, h, w), each by itself, and the shares of good pixels.

    With `keep` the pixels stay as they are; else their holes are filled in place.
    """
    flux, weight = [pixels], [_sum_of_four(good.view(torch.uint8)) / 4]
    for _ in range(count - 2):
        weight.append(_sum_of_four(weight[-1]).mul_(0.25))
    for _ in weight:
        flux.append(_sum_of_four(flux[-1]).mul_(0.25))
    _fill(flux, weight, good, keep=keep)
    return flux, weight


def _take_squares(pixels: NDArray[np.float32], bad: NDArray[np.bool_], cells: Cells) -> tuple[Tensor, Tensor]:
    """Flux of n squares and whether it is good, (n, bands, side, side); beyond the tile, 0 and bad."""
    squares = cells.squares()
    flux = np.empty((len(squares), len(pixels), cells.side, cells.side), np.float32)
    good = np.empty(flux.shape, np.bool_)
    for into, known, square in zip(flux, good, squares, strict=True):
        part = pixels[:, *square]
        height, width = part.shape[1:]
        if (height, width) != into.shape[1:]:
            into[...], known[...] = 0, False
        fits = np.s_[:, :height, :width]
        np.logical_not(bad[:, *square], out=known[fits])
        np.multiply(part, known[fits], out=into[fits])
    return torch.from_numpy(flux), torch.from_numpy(good)


def _fill_holes(pixels: NDArray[np.float32], filled: Tensor, good: Tensor, cells: Cells) -> None:
    """Write the squares that have bad pixels back into the tile."""
    squares = cells.squares()
    for n in torch.nonzero(~good.flatten(1).all(dim=1)).flatten().tolist():
        height, width = (part.stop - part.start for part in squares[n])
        pixels[:, *squares[n]] = filled[n, :, :height, :width].cpu().numpy()


def _put_squares(parts: Tensor, level: int, cells: Cells, device: torch.device) -> Tensor:
    """One level of the tile, (1, bands, h, w), from its squares; elsewhere the memory as it was."""
    rows, columns = cells.wanted.shape
    side = cells.side >> level
    shape = (parts.shape[1], rows, side, columns, side)
    if device.type == "cpu":  # numpy asks for large pages, which torch does not: half the time
        whole = torch.from_numpy(np.empty(shape, np.float32))
    else:
        whole = torch.empty(shape, device=device)
    at_row, at_column = (torch.from_numpy(at).to(device) for at in np.nonzero(cells.wanted))
    whole.permute(1, 3, 0, 2, 4)[at_row, at_column] = parts
    height, width = (-(-length >> level) for length in cells.shape)
    return whole.view(1, -1, rows * side, columns * side)[:, :, :height, :width]


def _fill(flux: list[Tensor], weight: list[Tensor], good: Tensor, *, keep: bool) -> None:
    """Turns sums over good pixels into means, and gives every hole the next level's value, coarse to fine."""
    for level in range(len(flux) - 1, -1, -1):
        known = weight[level - 1] > MIN_WEIGHT if level > 0 else good
        means = flux[level]
        if level > 0:  # in place, and only where some are bad: a brick has millions of pixels that are good
            some = _where(weight[level - 1] < 1)
            means.view(-1)[some] /= weight[level - 1].view(-1)[some].clamp(min=MIN_WEIGHT)
        holes = _where(~known)
        if level + 1 < len(flux) and len(holes):
            means = means.clone() if keep and level == 0 else means  # the tile's own array
            above = flux[level + 1]
            height, width = means.shape[2:]
            plane, y, x = holes // (height * width), holes // width % height, holes % width
            means.view(-1)[holes] = above.flatten(0, 1)[plane, y // 2, x // 2]
        flux[level] = means


def _where(mask: Tensor) -> Tensor:
    """Where a mask is true, counted along it; numpy finds few among many in a tenth of torch's time."""
    if mask.device.type == "cpu":
        return torch.from_numpy(np.flatnonzero(mask.numpy()))
    return torch.nonzero(mask.flatten(), as_tuple=True)[0]


def _sum_of_four(level: Tensor) -> Tensor:
    """Sums of 2 x 2 pixels, an odd edge padded with 0; slices are twice as fast here as torch's pooling."""
    odd_h, odd_w = level.shape[2] % 2, level.shape[3] % 2
    even = F.pad(level, (0, odd_w, 0, odd_h)) if odd_h or odd_w else level
    pairs = even[:, :, 0::2] + even[:, :, 1::2]
    return pairs[..., 0::2] + pairs[..., 1::2]
