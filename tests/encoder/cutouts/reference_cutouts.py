"""Cutouts made the slow way, by `reproject` and the published recipe, to compare ours with."""

import numpy as np
import torch
from astropy.wcs import WCS
from numpy.typing import NDArray
from reproject import reproject_exact, reproject_interp

from encoder.cutouts.plan import cut_flux, plan_cutouts
from encoder.model.recipe import ImageRecipe
from encoder.tiles.source_table import SourceTable
from encoder.tiles.tiles import SkyTile
from tests.encoder.tiles.fits_tiles import SCALE_ARCSEC, gaussian, tan_wcs

DECALS_NOISE = (0.003, 0.005, 0.012)
"""Sky noise of g, r, z in nanomaggies a pixel."""


def sources_at(
    ra: NDArray[np.float64], dec: NDArray[np.float64], pixel_scale_arcsec: float | NDArray[np.float64]
) -> SourceTable:
    """Sources with nothing but a place and a scale."""
    none = np.full(len(ra), np.nan, np.float32)
    scale = np.full(len(ra), pixel_scale_arcsec, np.float32)
    names = [f"s{n}" for n in range(len(ra))]
    return SourceTable(names, np.arange(len(ra)), ra, dec, none, none, none, {}, scale)


def sky_tile(
    pixels: NDArray[np.float32], wcs: WCS, sources: SourceTable, bad: NDArray[np.bool_] | None = None
) -> SkyTile:
    """A tile as the reader gives it."""
    flagged = np.zeros(pixels.shape, np.bool_) if bad is None else bad
    return SkyTile("test", sources, np.where(flagged, 0, pixels), flagged, wcs)


def galaxy_field(
    shape: tuple[int, int], wcs: WCS, seed: int, pixel_scale_arcsec: float
) -> tuple[SkyTile, NDArray[np.float64]]:
    """g, r, z of a galaxy off the middle with neighbours as sharp as a 1.3 arcsec PSF, and sky noise.

    Its half-light radius goes with the pixel scale, as in the catalogue. Returns the tile and its (x, y).
    """
    random = np.random.default_rng(seed)
    x, y = shape[1] / 2 + 3.3, shape[0] / 2 - 2.7
    radius_px = max(pixel_scale_arcsec / 0.04 / SCALE_ARCSEC / 1.18, 2.1)
    image = gaussian(shape, x, y, radius_px, 300) + gaussian(shape, x, y, 2.1, 20)
    for _ in range(40):
        place = random.uniform(0, shape[1]), random.uniform(0, shape[0])
        image += gaussian(shape, *place, random.uniform(2.1, 6), random.lognormal(1, 1.5))
    colours = np.array([0.3, 0.7, 1.0])[:, None, None]
    noise = random.normal(0, 1, (3, *shape)) * np.array(DECALS_NOISE)[:, None, None]
    ra, dec = wcs.all_pix2world([x], [y], 0)
    tile = sky_tile(
        (image * colours + noise).astype(np.float32), wcs, sources_at(ra, dec, pixel_scale_arcsec)
    )
    return tile, np.array([x, y])


def ours(tile: SkyTile, size: int) -> NDArray[np.float32]:
    """Our cutouts in flux, (n, bands, size, size)."""
    recipe = ImageRecipe(size=size)
    plan = plan_cutouts(tile, recipe, torch.device("cpu"), skipped=[])
    flux: NDArray[np.float32] = cut_flux(plan, recipe.size, recipe.crop).numpy()
    return flux


def by_reproject(tile: SkyTile, size: int) -> NDArray[np.float64]:
    """The first source's cutout, (bands, size, size): exact areas, or a cubic spline to smaller pixels."""
    step = 424 * float(tile.sources.pixel_scale_arcsec[0]) / size
    target = tan_wcs(float(tile.sources.ra[0]), float(tile.sources.dec[0]), (size, size), step)
    native = float(np.sqrt(abs(np.linalg.det(tile.wcs.pixel_scale_matrix)))) * 3600
    cut = []
    for plane in tile.pixels:
        given = (plane.astype(np.float64), tile.wcs)
        if step < 0.8 * native:
            cut.append(reproject_interp(given, target, (size, size), order="bicubic", return_footprint=False))
        else:
            cut.append(reproject_exact(given, target, (size, size), return_footprint=False))
    return np.stack(cut)[:, ::-1]  # row 0 is the north


def published_picture(flux: NDArray[np.float64]) -> NDArray[np.float64]:
    """The paper's stretch of g, r, z, (3, h, w) to red, green, blue in 0..1, in double precision."""
    low, high = np.arcsinh(-0.5), np.arcsinh(300)
    scaled = flux[::-1] / np.array([0.019, 0.014, 0.008])[:, None, None]
    y = (np.arcsinh(scaled) - low) / (high - low)
    a = y.mean(axis=0)
    w = np.sin(np.pi / 2 * (1 - np.minimum(1, (y / a).max(axis=0) / 2.5)))
    return np.clip(y * w + a * (1 - w) + a * (1 - w) ** 2 * y, 0, 1)
