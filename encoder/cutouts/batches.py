"""Every galaxy of a tile as the square picture that the encoder sees, in batches, on the encoder's device.

A tile is decoded once and averaged once into coarser levels; each cutout is then resampled from the level
next to its own resolution, in flux, before the stretch. Surface brightness stays in nanomaggies per NATIVE
pixel, which the stretch was tuned on; the total flux of a cutout is its sum times (output pixel / native
pixel) squared.
"""

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from encoder.cutouts.frames import FIELD_SEARCHED_PX, find_in_fields
from encoder.cutouts.image_batch import ImageBatch
from encoder.cutouts.local_wcs import native_px_per_unit, part_of_maps
from encoder.cutouts.picture_batches import Seeing, see_files
from encoder.cutouts.plan import CutoutPlan, cut_flux, plan_cutouts, skip
from encoder.cutouts.pyramid import coarse_sampling_for
from encoder.cutouts.stretch import to_rgb
from encoder.errors import ImageError
from encoder.model.recipe import ImageRecipe
from encoder.requested_frame import read_frame
from encoder.surveys.description import Survey
from encoder.tiles.source_table import SkippedRow, SourceTable
from encoder.tiles.tiles import CutoutTile, SkyTile, Tile


def image_batches(
    survey: Survey,
    tile: Tile,
    recipe: ImageRecipe,
    device: torch.device | str,
    batch_size: int,
    skipped: list[SkippedRow],
) -> Iterator[ImageBatch]:
    """Makes every source's picture: a sky tile is prepared at once, the batches as they are asked for.

    Sources without a usable one are appended to `skipped`: by `plan_cutouts` at once, or as the batches go,
    where only decoding or resampling tells.

    Args:
        survey: The survey, which says how bands become colours.
        tile: The tile as `read_tile` gives it.
        recipe: Size, field, crop and stretch of the pictures.
        device: Device that pictures are made on and stay on.
        batch_size: Maximum number of pictures in a batch; a batch may be smaller.
        skipped: List that grows by the sources without a usable picture.
    """
    if isinstance(tile, SkyTile) and survey.rgb is not None:
        plan = plan_cutouts(tile, recipe, torch.device(device), skipped)
        order = [survey.bands.index(channel.band) for channel in survey.rgb.channels]
        return _sky_batches(plan, recipe, order, survey.rgb.scales, tile.sources, batch_size, skipped)
    if isinstance(tile, CutoutTile):
        return _picture_batches(survey, tile, recipe, torch.device(device), batch_size, skipped)
    raise TypeError(f"no pictures are made of a {type(tile).__name__} of survey {survey.name}")


def _sky_batches(
    plan: CutoutPlan,
    recipe: ImageRecipe,
    bands: list[int],
    scales: tuple[float, float, float],
    sources: SourceTable,
    batch_size: int,
    skipped: list[SkippedRow],
) -> Iterator[ImageBatch]:
    for start in range(0, len(plan.rows), batch_size):
        part = plan.take(slice(start, start + batch_size))
        part, crop, flags = _frame(part, recipe, bands, scales)
        flux = cut_flux(part, recipe.size, crop)[:, bands]
        rgb = to_rgb(flux, scales, recipe.stretch)
        finite = flux.sum(dim=(1, 2, 3)).isfinite()
        kept = finite.cpu().numpy()
        skipped += skip(sources, part.rows[~kept], "nan", "the resampled flux is not finite")
        if kept.any():
            yield ImageBatch(part.rows[kept], rgb if kept.all() else rgb[finite], flags[kept])


def _frame(
    plan: CutoutPlan, recipe: ImageRecipe, bands: list[int], scales: tuple[float, float, float]
) -> tuple[CutoutPlan, float, NDArray[np.int16]]:
    """What to resample and which share of it: of each field the recipe's, or the square of the found galaxy.

    That square is cut from the tile itself: a cutout of a cutout would be smoothed twice.
    """
    if recipe.framing is None:
        return plan, recipe.crop, np.zeros(len(plan.rows), np.int16)
    coarse = cut_flux(plan, FIELD_SEARCHED_PX, 1.0, coarse_sampling_for)
    fields = to_rgb(coarse[:, bands], scales, recipe.stretch)
    right, down, share, flags = find_in_fields(fields, recipe, 2 * native_px_per_unit(plan.maps))
    return replace(plan, maps=part_of_maps(plan.maps, right, down, share)), 1.0, flags


def _picture_batches(
    survey: Survey,
    tile: CutoutTile,
    recipe: ImageRecipe,
    device: torch.device,
    batch_size: int,
    skipped: list[SkippedRow],
) -> Iterator[ImageBatch]:
    sources = tile.sources
    placed = np.isfinite(sources.ra) & np.isfinite(sources.dec)
    skipped += skip(sources, np.flatnonzero(~placed), "nan", "no finite position")
    chosen = np.flatnonzero(placed)

    def lost(row: int, error: ImageError) -> None:
        skipped.extend(skip(sources, chosen[[row]], "unreadable_image", str(error)))

    pixel_scale = survey.pixel_scale_arcsec  # NaN where the survey does not say
    asked = read_frame(survey.frame, None if math.isnan(pixel_scale) else pixel_scale)
    seeing = Seeing(recipe, device, asked=asked)
    known_px = sources.pixel_scale_arcsec * (recipe.field_px * recipe.crop / pixel_scale)
    paths = [tile.images[row] for row in chosen.tolist()]
    for batch in see_files(paths, seeing, batch_size, lost, known_px[chosen].astype(np.float64)):
        yield replace(batch, rows=chosen[batch.rows])
