"""Which pixels of a simulated brick are bad, in the mask bits of the Legacy Surveys."""

import math

import numpy as np
from numpy.typing import NDArray

from encoder.simulation.field import Points, bright_radius_arcsec
from encoder.simulation.tiling import BRICK_DEG, BRICK_PX, PIXEL_ARCSEC, Brick
from encoder.simulation.truth import BANDS, SurveyParameters
from encoder.surveys.magnitudes import to_magnitude

NPRIMARY, BRIGHT, MEDIUM = 1 << 0, 1 << 1, 1 << 11
SATUR = (1 << 2, 1 << 3, 1 << 4)
ALLMASK = (1 << 5, 1 << 6, 1 << 7)
_BRIGHT_R_MAG, _MEDIUM_R_MAG = 13.0, 16.0


def mask_bits(brick: Brick, points: Points, survey: SurveyParameters) -> NDArray[np.int32]:
    """Mask bits of every pixel, (3600, 3600).

    Set are NPRIMARY; BRIGHT and MEDIUM (a circle about stars of r < 13 and r < 16); SATUR and ALLMASK of each
    band (the saturated core, and its middle, which no exposure shows).
    """
    mask = _outside(brick).astype(np.int32) * NPRIMARY
    stars = points.shape < 0
    for x, y, flux_r in zip(points.x[stars], points.y[stars], points.flux[stars, 1], strict=True):
        magnitude = to_magnitude(flux_r)
        if magnitude < _MEDIUM_R_MAG:
            bits = MEDIUM | (BRIGHT if magnitude < _BRIGHT_R_MAG else 0)
            _or_circle(mask, x, y, bright_radius_arcsec(float(flux_r)) / PIXEL_ARCSEC, bits)
        if magnitude < survey.saturation_r_mag:
            core = 3.0 * 1.25 ** (survey.saturation_r_mag - magnitude)
            for band in range(len(BANDS)):
                _or_circle(mask, x, y, core, SATUR[band])
                _or_circle(mask, x, y, 0.6 * core, ALLMASK[band])
    return mask


def _outside(brick: Brick) -> NDArray[np.bool_]:
    """Pixels that a neighbouring brick owns, (3600, 3600).

    Parallels bend by less than a pixel over a brick at the declinations that are simulated, so rows are
    taken along the brick's own meridian and columns at each row's declination.
    """
    wcs = brick.wcs()
    axis = np.arange(BRICK_PX, dtype=float)
    middle = (BRICK_PX - 1) / 2
    _, dec = wcs.all_pix2world(np.full(BRICK_PX, middle), axis, 0)
    half_px = brick.half_width * np.cos(np.radians(dec)) * 3600 / PIXEL_ARCSEC
    outside_row = np.abs(dec - brick.dec) > BRICK_DEG / 2
    outside: NDArray[np.bool_] = (np.abs(axis[None, :] - middle) > half_px[:, None]) | outside_row[:, None]
    return outside


def _or_circle(mask: NDArray[np.int32], x: float, y: float, radius: float, bits: int) -> None:
    row0, row1 = max(0, math.ceil(y - radius)), min(mask.shape[0], math.floor(y + radius) + 1)
    col0, col1 = max(0, math.ceil(x - radius)), min(mask.shape[1], math.floor(x + radius) + 1)
    if row0 >= row1 or col0 >= col1:
        return
    dy, dx = np.arange(row0, row1)[:, None] - y, np.arange(col0, col1)[None, :] - x
    mask[row0:row1, col0:col1] |= np.where(dx * dx + dy * dy <= radius * radius, bits, 0).astype(np.int32)
