"""Where each point of a cutout lies on the tile: the whole WCS, as one small polynomial a source."""

from math import comb
from typing import Final

import numpy as np
from astropy.wcs import WCS
from numpy.typing import NDArray

from encoder.tiles.sky_positions import icrs_to_pixel

ORDER: Final = 3
NODES: Final = 7
RADIANS_PER_ARCSEC = np.pi / (180 * 3600)


def powers(t: NDArray[np.float64]) -> NDArray[np.float64]:
    """1, t, t^2, t^3 at each point, (points, 4)."""
    return np.stack([t**power for power in range(ORDER + 1)], axis=-1)


def local_maps(
    wcs: WCS, ra: NDArray[np.float64], dec: NDArray[np.float64], field_arcsec: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fits, for every source, pixel position on the tile = polynomial in the cutout's own coordinates.

    A cutout is a gnomonic (TAN) projection about its source, north up and east left. Its coordinates run from
    -1 to 1: u to the right (west), v down (south), so that (0, 0) is the source. The WCS with all its
    distortion is asked at 7 x 7 points of each cutout, for all sources in one call; a bicubic polynomial
    through them is exact to well below a thousandth of a pixel for fields of minutes of arc.

    Args:
        wcs: World coordinates of the tile, with any distortion.
        ra: Right ascension of each cutout's centre, (n,), degrees ICRS, finite.
        dec: Declination of each cutout's centre, (n,), degrees ICRS, finite.
        field_arcsec: Width of each cutout on the sky, (n,), arcsec.

    Returns:
        Coefficients of v^i u^j for x and y in pixels, (n, 2, 4, 4), where 0, 0 is the centre of the first
        pixel, and the largest misfit of each cutout in pixels, (n,); NaN or large where the WCS cannot be
        inverted.
    """
    if not len(ra):
        return np.empty((0, 2, ORDER + 1, ORDER + 1)), np.empty(0)
    nodes = np.linspace(-1, 1, NODES)
    half = field_arcsec[:, None, None] / 2 * RADIANS_PER_ARCSEC
    xi, eta = np.broadcast_arrays(-nodes[None, None, :] * half, -nodes[None, :, None] * half)
    sky_ra, sky_dec = _from_tangent_plane(
        xi, eta, np.radians(ra)[:, None, None], np.radians(dec)[:, None, None]
    )
    x, y = icrs_to_pixel(wcs, np.degrees(sky_ra).ravel(), np.degrees(sky_dec).ravel())
    pixels = np.stack([x, y]).reshape(2, len(ra), NODES, NODES).swapaxes(0, 1)
    terms = powers(nodes)
    inverse = np.linalg.pinv(terms)
    maps = inverse @ pixels @ inverse.T
    misfit_px = np.abs(evaluate(maps, terms, terms) - pixels).max(axis=(1, 2, 3))
    return maps, misfit_px


def evaluate(
    maps: NDArray[np.float64], down: NDArray[np.float64], right: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Pixel positions on a grid, (n, 2, rows, columns), from the `powers` of its v and of its u."""
    return down @ maps @ right.T


def part_of_maps(
    maps: NDArray[np.float64],
    right: NDArray[np.float64],
    down: NDArray[np.float64],
    share: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The maps of squares within cutouts: the same polynomials, of coordinates that are moved and scaled.

    Args:
        maps: Maps of the cutouts, (n, 2, 4, 4), as `local_maps` gives them.
        right: u of each square's centre, (n,), in -1..1 within the cutout.
        down: v of each square's centre, (n,).
        share: Width of each square in widths of its cutout, (n,); above 1 it reaches beyond.
    """
    by_v, by_u = _moved_powers(down, share), _moved_powers(right, share)
    return by_v.swapaxes(1, 2)[:, None] @ maps @ by_u[:, None]


def _moved_powers(centre: NDArray[np.float64], scale: NDArray[np.float64]) -> NDArray[np.float64]:
    """Coefficients of t^j in (centre + scale t)^i, (n, i, j)."""
    return np.stack(
        [
            np.stack([comb(i, j) * centre ** max(0, i - j) * scale**j for j in range(ORDER + 1)], axis=-1)
            for i in range(ORDER + 1)
        ],
        axis=1,
    )


def native_px_per_unit(maps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Tile pixels in one unit of u or v at the centre, (n,): the root of the area ratio."""
    by_u, by_v = maps[:, :, 0, 1], maps[:, :, 1, 0]
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
