"""Where each point of a cutout lies on the tile: the whole WCS, as one small polynomial a source."""

from typing import Final

import numpy as np
from astropy.wcs import WCS
from numpy.typing import NDArray

ORDER: Final = 3
POWERS: Final = tuple((i, j) for total in range(ORDER + 1) for i in range(total, -1, -1) for j in [total - i])
"""(power of u, power of v) of each of the 10 terms; the first three are 1, u, v."""
NODES: Final = 7
RADIANS_PER_ARCSEC = np.pi / (180 * 3600)


def polynomial_terms(u: NDArray[np.float64], v: NDArray[np.float64]) -> NDArray[np.float64]:
    """The 10 terms at each point, (points, 10)."""
    return np.stack([u**i * v**j for i, j in POWERS], axis=-1)


def local_maps(
    wcs: WCS, ra: NDArray[np.float64], dec: NDArray[np.float64], field_arcsec: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fits, for every source, pixel position on the tile = cubic in the cutout's own coordinates.

    A cutout is a gnomonic (TAN) projection about its source, north up and east left. Its coordinates run from
    -1 to 1: u to the right (west), v down (south), so that (0, 0) is the source. The WCS with all its
    distortion is asked at 7 x 7 points of each cutout, for all sources in one call; a cubic through them is
    exact to well below a thousandth of a pixel for fields of minutes of arc.

    Args:
        wcs: of the tile.
        ra: (n,) degrees, finite.
        dec: (n,) degrees, finite.
        field_arcsec: (n,) width of each cutout.

    Returns:
        (n, 10, 2) coefficients of x and y in pixels (0, 0 is the centre of the first pixel), and (n,) the
        largest misfit in pixels; NaN or large where the WCS cannot be inverted.
    """
    if not len(ra):
        return np.empty((0, len(POWERS), 2)), np.empty(0)
    line = np.linspace(-1, 1, NODES)
    v, u = (axis.ravel() for axis in np.meshgrid(line, line, indexing="ij"))
    half = field_arcsec[:, None] / 2 * RADIANS_PER_ARCSEC
    sky_ra, sky_dec = _from_tangent_plane(
        -u * half, -v * half, np.radians(ra)[:, None], np.radians(dec)[:, None]
    )
    x, y = wcs.all_world2pix(np.degrees(sky_ra).ravel(), np.degrees(sky_dec).ravel(), 0, quiet=True)
    pixels = np.stack([x, y], axis=-1).reshape(len(ra), -1, 2)
    terms = polynomial_terms(u, v)
    coefficients = np.linalg.pinv(terms) @ pixels
    misfit = np.hypot(*np.moveaxis(terms @ coefficients - pixels, -1, 0)).max(axis=1)
    return coefficients, misfit


def native_px_per_unit(coefficients: NDArray[np.float64]) -> NDArray[np.float64]:
    """Tile pixels in one unit of u or v at the centre, (n,): the root of the area ratio."""
    by_u, by_v = coefficients[:, 1], coefficients[:, 2]
    scale: NDArray[np.float64] = np.sqrt(np.abs(by_u[:, 0] * by_v[:, 1] - by_u[:, 1] * by_v[:, 0]))
    return scale


def _from_tangent_plane(
    xi: NDArray[np.float64], eta: NDArray[np.float64], ra0: NDArray[np.float64], dec0: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gnomonic deprojection, all in radians (Calabretta & Greisen 2002, section 5.1.3)."""
    towards_pole = np.cos(dec0) - eta * np.sin(dec0)
    ra = ra0 + np.arctan2(xi, towards_pole)
    dec = np.arctan2(np.sin(dec0) + eta * np.cos(dec0), np.hypot(xi, towards_pole))
    return ra, dec
