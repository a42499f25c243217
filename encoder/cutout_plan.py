"""Which sources of a sky tile get a cutout, and the resampling of those in flux."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from encoder.local_wcs import evaluate, local_maps, native_px_per_unit, powers
from encoder.pyramid import Pyramid, centres, level_within, sampling_for
from encoder.recipe import ImageRecipe
from encoder.sources import SkippedRow, SkipReason
from encoder.tiles import SkyTile, Tile

MOST_BAD = 0.2
"""Share of bad pixels, in any band, from which a cutout is skipped (the published rule)."""
MISFIT_PX = 0.02
"""Largest error of the polynomial that stands for the WCS."""
NODES = 64
"""The share of bad pixels is taken on 64 x 64 points of the whole field ..."""
MARGIN = 4
"""... and bad pixels are sought this many points beyond it, for the resampling reaches out."""
SOURCES_AT_ONCE = 256


@dataclass(frozen=True, eq=False)
class CutoutPlan:
    """What to resample.

    Attributes:
        rows: (n,) positions in the tile's sources.
        maps: (n, 2, 4, 4) from `local_maps`.
        dirty: (n,) whether any pixel in reach is bad or off the tile, so that weights are needed.
        pyramid: the tile on the device.
    """

    rows: NDArray[np.int64]
    maps: NDArray[np.float64]
    dirty: NDArray[np.bool_]
    pyramid: Pyramid

    def take(self, keep: NDArray[np.bool_] | slice) -> "CutoutPlan":
        """Some of the cutouts."""
        return CutoutPlan(self.rows[keep], self.maps[keep], self.dirty[keep], self.pyramid)


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
    skipped += skip(tile, np.flatnonzero(~known), "nan", "no finite position and radius")
    rows = np.flatnonzero(known).astype(np.int64)
    maps, misfit_px = local_maps(tile.wcs, sources.ra[rows], sources.dec[rows], field_arcsec[rows])
    fits = misfit_px < MISFIT_PX  # False for NaN
    skipped += skip(tile, rows[~fits], "nan", "the world coordinates cannot be inverted around it")
    coarsest = float(native_px_per_unit(maps[fits]).max(initial=1.0)) * 2 / min(NODES, recipe.size)
    pyramid = Pyramid.build(tile.pixels, tile.bad, level_within(coarsest) + 1, device)
    plan = CutoutPlan(rows[fits], maps[fits], np.zeros(int(fits.sum()), np.bool_), pyramid)
    return _apply_bad_rule(plan, tile, skipped)


def cut_flux(plan: CutoutPlan, recipe: ImageRecipe) -> Tensor:
    """Resamples the plan's cutouts.

    Bad pixels are left out by normalised weights: a small hole is filled from around it, a large one is 0.

    Returns:
        (n, bands, size, size) nanomaggies per native pixel, north up and east left.
    """
    steps_px = native_px_per_unit(plan.maps) * 2 * recipe.crop / recipe.size
    choices = [
        (sampling_for(step), dirty)
        for step, dirty in zip(steps_px.tolist(), plan.dirty.tolist(), strict=True)
    ]
    finest = plan.pyramid.flux[0]
    flux = finest.new_empty((len(choices), finest.shape[1], recipe.size, recipe.size))
    for choice in set(choices):
        chosen = np.array([other == choice for other in choices])
        how, dirty = choice
        cut = plan.pyramid.sample(plan.maps[chosen], recipe.size, recipe.crop, how, weighted=dirty)
        flux[torch.from_numpy(chosen).to(flux.device)] = cut
    return flux


def skip(tile: Tile, positions: NDArray[np.int64], reason: SkipReason, detail: str) -> list[SkippedRow]:
    """The records of sources that get no picture, by their positions in the tile's sources."""
    row, source_id = tile.sources.row.tolist(), tile.sources.source_id
    retry = reason == "unreadable_image"
    return [SkippedRow(row[n], source_id[n], reason, detail, retry) for n in positions.tolist()]


def _apply_bad_rule(plan: CutoutPlan, tile: SkyTile, skipped: list[SkippedRow]) -> CutoutPlan:
    """Leaves out what has too many bad pixels, and notes which cutouts touch any at all."""
    keep, dirty = np.ones(len(plan.rows), np.bool_), plan.dirty.copy()
    spacing_px = native_px_per_unit(plan.maps) * 2 / NODES
    levels = np.array([level_within(float(spacing)) for spacing in spacing_px], dtype=np.int64)
    for level in np.unique(levels).tolist():
        same = np.flatnonzero(levels == level)
        for chosen in np.array_split(same, -(-len(same) // SOURCES_AT_ONCE)):
            dirty[chosen], bad, off = _bad_shares(plan.pyramid, plan.maps[chosen], level)
            for position in np.flatnonzero(bad.max(axis=1) >= MOST_BAD):
                keep[chosen[position]] = False
                reason: SkipReason = "edge" if off[position] >= MOST_BAD else "bad_pixels"
                detail = f"{bad[position].max():.0%} of the pixels are bad, {off[position]:.0%} off the tile"
                skipped += skip(tile, plan.rows[chosen[[position]]], reason, detail)
    return CutoutPlan(plan.rows, plan.maps, dirty, plan.pyramid).take(keep)


def _bad_shares(
    pyramid: Pyramid, maps: NDArray[np.float64], level: int
) -> tuple[NDArray[np.bool_], NDArray[np.float32], NDArray[np.float64]]:
    """Whether a bad pixel is in reach (n,), the shares of bad ones (n, bands), of those off the tile (n,)."""
    nodes = centres(NODES)
    reach = 2 / NODES * MARGIN
    wide = np.concatenate([nodes[:MARGIN] - reach, nodes, nodes[-MARGIN:] + reach])
    good = pyramid.coverage(maps, wide, level)
    touched = (good.amin(dim=(1, 2, 3)) < 1 - 1e-4).cpu().numpy()
    inner = slice(MARGIN, MARGIN + NODES)
    bad = 1 - good[:, :, inner, inner].mean(dim=(2, 3)).cpu().numpy()
    pixels = evaluate(maps, powers(nodes), powers(nodes))
    width_height = np.array(pyramid.shape[::-1])[:, None, None]
    off = (np.abs((pixels + 0.5) / width_height - 0.5) > 1 / 2).any(axis=1).mean(axis=(1, 2))
    return touched, bad, off
