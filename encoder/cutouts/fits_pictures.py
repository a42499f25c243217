"""A FITS cutout of one galaxy as the network's input: flux of all bands, resampled, then stretched."""

import math
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from encoder.cutouts.pyramid import MAX_SAMPLES, Pyramid, sampling_for
from encoder.cutouts.stretch import to_rgb
from encoder.errors import ImageError, SurveyError, TileError, first_line
from encoder.model.recipe import MAX_BAD_SHARE, ImageRecipe
from encoder.surveys.description import Survey, hdu_of_band
from encoder.surveys.magnitudes import to_nanomaggies
from encoder.tiles.fits_images import read_image, select_plane

FITS_SUFFIXES = (".fits", ".fit", ".fts", ".fits.gz", ".fits.fz")


def is_fits(path: Path) -> bool:
    """Whether a file's name says that it is FITS."""
    return path.name.lower().endswith(FITS_SUFFIXES)


def check_colours(survey: Survey) -> None:
    """Refuses a survey that does not say how one FITS file becomes a picture.

    Raises:
        SurveyError: The survey has no colours, or its bands lie in several files.
    """
    if survey.kind != "tiles" or survey.rgb is None or "{band}" in survey.image.path:
        raise SurveyError(
            f"survey {survey.name} does not describe FITS files that hold all bands of a picture"
        )


def read_fits_cutout(path: Path, survey: Survey, recipe: ImageRecipe) -> Tensor:
    """Reads a cutout as a ready-made picture is read: it spans the whole field, whatever its pixel scale.

    Values are surface brightness, in the survey's unit for each pixel of its `pixel_scale_arcsec`, as cutout
    services keep it when they resample; they are not divided by the file's own pixel area. World coordinates
    are not used: the first row is the south (bottom), as FITS viewers show it. Of an oblong image the central
    square is taken. Bad pixels take the mean of the good ones around them.

    Args:
        path: FITS file with the survey's bands as planes of a cube or as HDUs.
        survey: The survey, which says where each band is, its zero point and its colour.
        recipe: Size, crop and stretch of the picture.

    Returns:
        The picture's red, green and blue, (3, size, size) float32 in 0..1.

    Raises:
        ImageError: The file is missing, damaged, truncated or of another shape, or 20 % of a band are bad.
    """
    try:
        flux = _bands(path, survey)
    except Exception as error:  # damaged headers lead anywhere
        named = isinstance(error, TileError)
        raise ImageError(str(error) if named else f"{path}: unreadable FITS: {first_line(error)}") from error
    bad = ~np.isfinite(flux) | (flux == 0)
    share = float(bad.mean(axis=(1, 2)).max())
    if share >= MAX_BAD_SHARE:
        raise ImageError(f"{path}: {share:.0%} of the pixels of a band are bad (zero or not finite)")
    flux[bad] = 0
    return _stretch(_resample(flux, bad, recipe), survey, recipe)


def _bands(path: Path, survey: Survey) -> NDArray[np.float32]:
    """Every band in nanomaggies, (bands, h, w)."""
    read = lru_cache(maxsize=1)(read_image)  # a cube is read once
    planes: list[NDArray[np.float32]] = []
    for band in survey.bands:
        pixels, _header, _left_out = read(path, hdu_of_band(survey.image.hdu, band))
        wanted = survey.image.plane.get(band)
        if wanted is not None and pixels.shape[:1] != (len(survey.bands),):
            raise TileError(f"{path}: has shape {pixels.shape}, not a cube of {''.join(survey.bands)}")
        plane = select_plane(path, pixels, wanted)
        if not plane.size:
            raise TileError(f"{path}: band {band} has {plane.shape} pixels")
        if plane.shape != (planes[0] if planes else plane).shape:
            raise TileError(f"{path}: band {band} has {plane.shape} pixels, others {planes[0].shape}")
        unit = np.float32(to_nanomaggies(survey.image.zero_point[band]))
        with np.errstate(over="ignore"):  # what is too large for float32 is a bad pixel
            planes.append(plane.astype(np.float32) * unit)
    return np.stack(planes)


def _resample(flux: NDArray[np.float32], bad: NDArray[np.bool_], recipe: ImageRecipe) -> Tensor:
    height, width = flux.shape[1:]
    side = min(height, width)
    maps = np.zeros((1, 2, 4, 4))
    maps[0, :, 0, 0] = (width - 1) / 2, (height - 1) / 2
    maps[0, 0, 0, 1], maps[0, 1, 1, 0] = side / 2, -side / 2  # v runs down, FITS rows run up
    step_px = side * recipe.crop / recipe.size
    levels = 2 + max(0, math.ceil(math.log2(step_px / MAX_SAMPLES)))
    pyramid = Pyramid.build(flux, bad, levels, torch.device("cpu"))
    return pyramid.sample(maps, recipe.size, recipe.crop, sampling_for(step_px))


def _stretch(flux: Tensor, survey: Survey, recipe: ImageRecipe) -> Tensor:
    if survey.rgb is None:
        raise TypeError(f"survey {survey.name} has no colours")
    order = [survey.bands.index(channel.band) for channel in survey.rgb.channels]
    return to_rgb(flux[:, order], survey.rgb.scales, recipe.stretch)[0]
