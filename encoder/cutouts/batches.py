"""Every galaxy of a tile as the square picture that the encoder sees, in batches, on the encoder's device.

A tile is decoded once and averaged once into coarser levels; each cutout is then resampled from the level
next to its own resolution, in flux, before the stretch. Surface brightness stays in nanomaggies per NATIVE
pixel, which the stretch was tuned on; the total flux of a cutout is its sum times (output pixel / native
pixel) squared.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from encoder.cutouts.pictures import read_picture
from encoder.cutouts.plan import CutoutPlan, cut_flux, plan_cutouts, skip
from encoder.cutouts.stretch import to_rgb
from encoder.errors import ImageError
from encoder.model.recipe import ImageRecipe
from encoder.surveys.description import Survey
from encoder.tiles.source_table import SkippedRow, SourceTable
from encoder.tiles.tiles import CutoutTile, SkyTile, Tile

DECODERS = 4
"""Pictures decoded side by side."""


@dataclass(frozen=True, eq=False)
class ImageBatch:
    """Some pictures of a tile.

    Attributes:
        rows: Positions of the n galaxies in the tile's sources, (n,), rising from batch to batch.
        rgb: Pictures on the device, (n, 3, size, size) float32 in 0..1, north up and east left.
        flags: Bits of `FramingFlag` of each picture, (n,); 0 where the release does not seek frames.
    """

    rows: NDArray[np.int64]
    rgb: Tensor
    flags: NDArray[np.int16]


def no_flags(n: int) -> NDArray[np.int16]:
    """The flags of n pictures whose frame was not sought, (n,)."""
    return np.zeros(n, np.int16)


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
        return _picture_batches(tile, recipe, torch.device(device), batch_size, skipped)
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
        flux = cut_flux(part, recipe)[:, bands]
        rgb = to_rgb(flux, scales, recipe.stretch)
        finite = flux.sum(dim=(1, 2, 3)).isfinite()
        kept = finite.cpu().numpy()
        skipped += skip(sources, part.rows[~kept], "nan", "the resampled flux is not finite")
        if kept.any():
            n = int(kept.sum())
            yield ImageBatch(part.rows[kept], rgb if kept.all() else rgb[finite], no_flags(n))


def _picture_batches(
    tile: CutoutTile, recipe: ImageRecipe, device: torch.device, batch_size: int, skipped: list[SkippedRow]
) -> Iterator[ImageBatch]:
    def decode(path: Path) -> Tensor | ImageError:
        try:
            return read_picture(path, recipe.size, recipe.crop)
        except ImageError as error:
            return error

    placed = np.isfinite(tile.sources.ra) & np.isfinite(tile.sources.dec)
    skipped += skip(tile.sources, np.flatnonzero(~placed), "nan", "no finite position")
    chosen = np.flatnonzero(placed).tolist()
    with ThreadPoolExecutor(DECODERS) as pool:
        for start in range(0, len(chosen), batch_size):
            rows, pictures = [], []
            positions = chosen[start : start + batch_size]
            paths = [tile.images[position] for position in positions]
            for position, picture in zip(positions, pool.map(decode, paths), strict=True):
                if isinstance(picture, ImageError):
                    skipped += skip(tile.sources, np.array([position]), "unreadable_image", str(picture))
                else:
                    rows.append(position)
                    pictures.append(picture)
            if rows:
                shown = torch.stack(pictures).to(device)
                yield ImageBatch(np.array(rows, dtype=np.int64), shown, no_flags(len(rows)))
