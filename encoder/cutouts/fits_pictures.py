"""A FITS cutout of one galaxy as the network's input: flux of all bands, resampled, then stretched."""

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from astropy.io import fits
from astropy.wcs.utils import proj_plane_pixel_scales
from numpy.typing import NDArray
from torch import Tensor

from encoder.cutouts.frames import SEARCHED_PX, Frame, SearchCopy
from encoder.cutouts.local_wcs import part_of_maps
from encoder.cutouts.pyramid import MAX_SAMPLES, Pyramid, sampling_for
from encoder.cutouts.stretch import to_rgb
from encoder.errors import ImageError, SurveyError, TileError, first_line
from encoder.model.recipe import MAX_BAD_SHARE, ImageRecipe, Stretch
from encoder.surveys.description import Survey, hdu_of_band
from encoder.surveys.magnitudes import to_nanomaggies
from encoder.tiles.fits_images import celestial_wcs, read_image, select_plane

_ARCSEC_PER_DEG = 3600
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
    return open_fits_picture(path, survey).see_centre(recipe.crop, recipe)


def open_fits_picture(path: Path, survey: Survey) -> "FluxPicture":
    """Reads a cutout's flux, as `read_fits_cutout` says.

    Raises:
        ImageError: The file is missing, damaged, truncated or of another shape, or 20 % of a band are bad.
    """
    try:
        flux, header = _bands(path, survey)
    except Exception as error:  # damaged headers lead anywhere
        named = isinstance(error, TileError)
        raise ImageError(str(error) if named else f"{path}: unreadable FITS: {first_line(error)}") from error
    bad = ~np.isfinite(flux) | (flux == 0)
    share = float(bad.mean(axis=(1, 2)).max())
    if share >= MAX_BAD_SHARE:
        raise ImageError(f"{path}: {share:.0%} of the pixels of a band are bad (zero or not finite)")
    flux[bad] = 0
    return FluxPicture(path, flux, bad, header, survey)


@dataclass(frozen=True, eq=False)
class FluxPicture:
    """A cutout in flux, an `OpenPicture`: every square of it is resampled in flux, and then stretched.

    Attributes:
        path: The file that it was read from.
        flux: Flux of every band in the survey's order, (bands, h, w), nanomaggies; 0 where bad; row 0 is the
            south.
        bad: Whether a pixel is zero or not finite, (bands, h, w).
        header: The file's, of the first band.
        survey: The survey, which says what colour each band has.
    """

    path: Path
    flux: NDArray[np.float32]
    bad: NDArray[np.bool_]
    header: fits.Header
    survey: Survey

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width, pixels."""
        height, width = self.flux.shape[1:]
        return height, width

    @property
    def pixel_scale_arcsec(self) -> float:
        """Width of a pixel by the file's own world coordinates; NaN where it has none."""
        try:
            wcs = celestial_wcs(self.path, self.header)
        except TileError:
            return math.nan
        return float(proj_plane_pixel_scales(wcs).mean()) * _ARCSEC_PER_DEG

    def search_copy(self) -> SearchCopy:
        """The central square, stretched."""
        height, width = self.shape
        side = min(height, width)
        size = min(side, SEARCHED_PX)
        rgb = self._see(np.zeros(2), 1.0, size, Stretch())
        return SearchCopy(rgb, side / size, (width - side) / 2, (height - side) / 2)

    def see_centre(self, share: float, recipe: ImageRecipe) -> Tensor:
        """The central square of `share` of the shorter side, (3, size, size) float32 in 0..1."""
        return self._see(np.zeros(2), share, recipe.size, recipe.stretch)

    def see(self, frame: Frame, recipe: ImageRecipe) -> Tensor:
        """Any square, (3, size, size) float32 in 0..1; beyond the image lies sky of no flux."""
        height, width = self.shape
        side = min(height, width)
        from_middle = np.array([frame.x - width / 2, frame.y - height / 2]) * 2 / side
        return self._see(from_middle, frame.side / side, recipe.size, recipe.stretch)

    def _see(self, from_middle: NDArray[np.float64], share: float, size: int, stretch: Stretch) -> Tensor:
        """A square whose centre lies so far right of and below the middle, in half shorter sides."""
        rgb = self.survey.rgb
        if rgb is None:
            raise TypeError(f"survey {self.survey.name} has no colours")
        height, width = self.shape
        side = min(height, width)
        maps = np.zeros((1, 2, 4, 4))
        maps[0, :, 0, 0] = (width - 1) / 2, (height - 1) / 2
        maps[0, 0, 0, 1], maps[0, 1, 1, 0] = side / 2, -side / 2  # v runs down, FITS rows run up
        if from_middle.any():
            maps = part_of_maps(maps, from_middle[:1], from_middle[1:], np.ones(1))
        step_px = side * share / size
        levels = 2 + max(0, math.ceil(math.log2(step_px / MAX_SAMPLES)))
        pyramid = Pyramid.build(self.flux, self.bad, levels, torch.device("cpu"))
        flux = pyramid.sample(maps, size, share, sampling_for(step_px))
        order = [self.survey.bands.index(channel.band) for channel in rgb.channels]
        return to_rgb(flux[:, order], rgb.scales, stretch)[0]


def _bands(path: Path, survey: Survey) -> tuple[NDArray[np.float32], fits.Header]:
    """Every band in nanomaggies, (bands, h, w), and the header of the first."""
    read = lru_cache(maxsize=1)(read_image)  # a cube is read once
    planes: list[NDArray[np.float32]] = []
    headers: list[fits.Header] = []
    for band in survey.bands:
        pixels, header, _left_out = read(path, hdu_of_band(survey.image.hdu, band))
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
        headers.append(header)
    return np.stack(planes), headers[0]
