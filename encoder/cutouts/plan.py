"""Which sources of a sky tile get a cutout, and the resampling of those in flux."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from astropy.wcs import WCS
from numpy.typing import NDArray
from torch import Tensor

from encoder.cutouts.frames import widest_view
from encoder.cutouts.local_wcs import evaluate, local_maps, native_px_per_unit, powers
from encoder.cutouts.pyramid import Pyramid, Sampling, centres, sampling_for, widest_pixel
from encoder.model.recipe import MAX_BAD_SHARE, ImageRecipe
from encoder.tiles.cells import Cells
from encoder.tiles.source_table import SkippedRow, SkipReason, SourceTable
from encoder.tiles.tiles import SkyTile

MAX_MISFIT_PX = 0.02
"""Largest error of the polynomial that stands for the WCS."""
NODES = 64
"""The share of bad pixels is taken on 64 x 64 points of the whole field."""
SOURCES_AT_ONCE = 256
MOST_CELLS = 0.6
"""Share of a tile's squares from which all are read: in parts it would take as long."""
NODES_OF_EDGE = 8
"""The outline of a field is taken at points an eighth of its half width apart."""
BICUBIC_PX = 2


@dataclass(frozen=True, eq=False)
class CutoutPlan:
    """What to resample for the cutouts of a tile's galaxies.

    Attributes:
        rows: Positions of the n galaxies in the tile's sources, (n,).
        maps: Maps from cutouts to pixels of the tile, (n, 2, 4, 4), as `local_maps` gives them.
        pyramid: The tile at several resolutions, on the device.
    """

    rows: NDArray[np.int64]
    maps: NDArray[np.float64]
    pyramid: Pyramid

    def take(self, keep: NDArray[np.bool_] | slice) -> "CutoutPlan":
        """Some of the cutouts."""
        return CutoutPlan(self.rows[keep], self.maps[keep], self.pyramid)


def plan_cutouts(
    tile: SkyTile, recipe: ImageRecipe, device: torch.device, skipped: list[SkippedRow]
) -> CutoutPlan:
    """Prepares the tile and decides which sources get a cutout; the others are appended to `skipped`.

    The 20 % rule looks at the whole field of `recipe.field_px`, whatever the crop, so that which galaxies a
    catalogue holds does not depend on the encoder. Pixels off the tile count as bad in every band.
    """
    sources = tile.sources
    field_arcsec = sources.pixel_scale_arcsec.astype(np.float64) * recipe.field_px
    known = np.isfinite(sources.ra) & np.isfinite(sources.dec) & np.isfinite(field_arcsec)
    skipped += skip(sources, np.flatnonzero(~known), "nan", "no finite position and radius")
    rows = np.flatnonzero(known).astype(np.int64)
    maps, misfit_px = local_maps(tile.wcs, sources.ra[rows], sources.dec[rows], field_arcsec[rows])
    fits = misfit_px < MAX_MISFIT_PX  # False for NaN
    skipped += skip(sources, rows[~fits], "nan", "the world coordinates cannot be inverted around it")
    shape = tile.pixels.shape[1], tile.pixels.shape[2]
    if tile.cells is not None and not tile.cells.hold(_cells_under(maps[fits], recipe, shape)):
        raise ValueError(f"tile {tile.name} was read for the cutouts of another recipe")
    pyramid = Pyramid.build(tile.pixels, tile.bad, _n_levels(maps[fits], recipe), device, tile.cells)
    return _apply_bad_rule(CutoutPlan(rows[fits], maps[fits], pyramid), sources, skipped)


def cells_for_cutouts(
    recipe: ImageRecipe, wcs: WCS, sources: SourceTable, shape: tuple[int, int]
) -> Cells | None:
    """Which squares of a tile its cutouts touch, whatever frames will be found; `read_tile` is told them.

    Args:
        recipe: Recipe of the release for which the cutouts are made.
        wcs: World coordinates of the tile.
        sources: The tile's sources.
        shape: Height and width of the tile, pixels.

    Returns:
        The squares; None where they are none, or so many that all may as well be read.
    """
    field_arcsec = sources.pixel_scale_arcsec.astype(np.float64) * recipe.field_px
    known = np.isfinite(sources.ra) & np.isfinite(sources.dec) & np.isfinite(field_arcsec)
    maps, misfit_px = local_maps(wcs, sources.ra[known], sources.dec[known], field_arcsec[known])
    cells = _cells_under(maps[misfit_px < MAX_MISFIT_PX], recipe, shape)
    return cells if 0 < cells.share < MOST_CELLS else None


def cut_flux(
    plan: CutoutPlan, size: int, crop: float, choose: Callable[[float], Sampling] = sampling_for
) -> Tensor:
    """Resamples the plan's cutouts.

    Bad pixels do not count: their place takes the mean of the good ones around it.

    Args:
        plan: Which pixels of the tile go into which cutout.
        size: Width and height of each cutout, pixels.
        crop: Central share of the maps' field that a cutout spans.
        choose: How pixels so many native ones wide are sampled.

    Returns:
        Flux of the cutouts, (n, bands, size, size), nanomaggies per native pixel, north up and east left.
    """
    steps_px = native_px_per_unit(plan.maps) * 2 * crop / size
    choices = [choose(step) for step in steps_px.tolist()]
    finest = plan.pyramid.flux[0]
    flux = finest.new_empty((len(choices), finest.shape[1], size, size))
    for sampling in set(choices):
        chosen = np.array([other == sampling for other in choices])
        cut = plan.pyramid.sample(plan.maps[chosen], size, crop, sampling)
        flux[torch.from_numpy(chosen).to(flux.device)] = cut
    return flux


def skip(
    sources: SourceTable, positions: NDArray[np.int64], reason: SkipReason, detail: str
) -> list[SkippedRow]:
    """The records of sources that get no picture, by their positions in the tile's sources."""
    row, source_id = sources.row.tolist(), sources.source_id
    retry = reason == "unreadable_image"
    return [SkippedRow(row[n], source_id[n], reason, detail, retry) for n in positions.tolist()]


def _n_levels(maps: NDArray[np.float64], recipe: ImageRecipe) -> int:
    largest_px = float(native_px_per_unit(maps).max(initial=1.0)) * 2
    return 2 + max(0, math.ceil(math.log2(largest_px / min(NODES, recipe.size))))


def _cells_under(maps: NDArray[np.float64], recipe: ImageRecipe, shape: tuple[int, int]) -> Cells:
    """The squares that hold every pixel of which a cutout is made, at any level.

    A cutout touches its field, and all that a found frame may reach. A sample is made of the two pixels about
    it in every direction, which at a coarse level are wide; a hole is filled within the coarsest pixel that
    holds it, and the squares are as wide as these.
    """
    reach = max(1.0, widest_view(recipe))
    edges = powers(reach * np.linspace(-1, 1, 2 * NODES_OF_EDGE + 1))
    points = evaluate(maps, edges, edges)
    field_px = native_px_per_unit(maps) * 2 * reach
    finest = min(NODES, recipe.size)
    margin = 2 * 2 ** np.ceil(np.log2(np.maximum(1, field_px / finest))) + BICUBIC_PX
    low, high = points.min(axis=(2, 3)) - margin[:, None], points.max(axis=(2, 3)) + margin[:, None]
    boxes = np.stack([low[:, 0], high[:, 0], low[:, 1], high[:, 1]], axis=1)
    return Cells.under(boxes, shape, widest_pixel(_n_levels(maps, recipe)))


def _apply_bad_rule(plan: CutoutPlan, sources: SourceTable, skipped: list[SkippedRow]) -> CutoutPlan:
    """Leaves out what has too many bad pixels."""
    keep = np.ones(len(plan.rows), np.bool_)
    spacing_px = native_px_per_unit(plan.maps) * 2 / NODES
    levels = np.maximum(1, np.ceil(np.log2(spacing_px))).astype(np.int64)  # pixels no smaller: all are seen
    groups = [np.flatnonzero(levels == level) for level in np.unique(levels)]
    for chosen in (
        part for group in groups for part in np.array_split(group, -(-len(group) // SOURCES_AT_ONCE))
    ):
        bad, off = _bad_shares(plan.pyramid, plan.maps[chosen], int(levels[chosen[0]]))
        for n in np.flatnonzero(bad >= MAX_BAD_SHARE):
            keep[chosen[n]] = False
            reason: SkipReason = "edge" if off[n] >= MAX_BAD_SHARE else "bad_pixels"
            detail = f"{bad[n]:.0%} of the pixels are bad, {off[n]:.0%} off the tile"
            skipped += skip(sources, plan.rows[chosen[[n]]], reason, detail)
    return plan.take(keep)


def _bad_shares(
    pyramid: Pyramid, maps: NDArray[np.float64], level: int
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Shares of bad pixels in the worst band, those off the tile included, and of the latter alone, (n,)."""
    nodes = centres(NODES)
    good = pyramid.coverage(maps, nodes, level)
    bad: NDArray[np.float32] = 1 - good.mean(dim=(2, 3)).amin(dim=1).cpu().numpy()
    pixels = evaluate(maps, powers(nodes), powers(nodes))
    width_height = np.array(pyramid.shape[::-1])[:, None, None]
    off = (np.abs((pixels + 0.5) / width_height - 0.5) > 1 / 2).any(axis=1).mean(axis=(1, 2))
    return np.maximum(bad, off), off
