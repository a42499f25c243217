"""One galaxy, seen through the PSF, added to an image at any place within a pixel."""

import math

import numpy as np
from numpy.typing import NDArray

from encoder.simulation.galaxies import REACH, paint
from encoder.simulation.sky import PSF_HALF_PX, convolve_psf
from encoder.simulation.truth import Galaxy, SurveyParameters


def add_galaxy(
    image: NDArray[np.float32], galaxy: Galaxy, x: float, y: float, survey: SurveyParameters, step: int = 1
) -> None:
    """Add a galaxy; what lies outside the image is cut off.

    Args:
        image: Image of every band, (3, h, w), nanomaggies per native pixel area, whose pixels are `step`
            native pixels wide.
        galaxy: The galaxy to add.
        x: Column of its centre, pixels of `image` from 0.
        y: Row of its centre in the image, pixels.
        survey: PSF and pixel scale.
        step: Pixel width in native pixels.
    """
    pixel = survey.pixel_scale_arcsec * step
    half = math.ceil(REACH * galaxy.shape_r_arcsec / pixel) + PSF_HALF_PX // 2
    column, row = round(x), round(y)
    row0, row1 = max(0, row - half), min(image.shape[1], row + half + 1)
    col0, col1 = max(0, column - half), min(image.shape[2], column + half + 1)
    if row0 >= row1 or col0 >= col1:
        return
    axis = np.arange(-half, half + 1)
    dx, dy = np.meshgrid((axis - (x - column)) * pixel, (axis - (y - row)) * pixel)
    stamp = convolve_psf(paint(galaxy, dx.astype(np.float32), dy.astype(np.float32), pixel), survey, step)
    stamp *= np.float32(1 / step**2)
    part = stamp[:, row0 - row + half : row1 - row + half, col0 - column + half : col1 - column + half]
    image[:, row0:row1, col0:col1] += part
