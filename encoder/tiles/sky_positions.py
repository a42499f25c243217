"""Between the pixels of an image and ICRS, whatever the order of its axes and its frame."""

import warnings
from contextlib import suppress

import numpy as np
from astropy import units
from astropy.coordinates import FK4, FK5, ICRS, BaseCoordinateFrame, FK4NoETerms, Galactic, SkyCoord
from astropy.utils.exceptions import AstropyWarning
from astropy.wcs import WCS
from astropy.wcs.utils import wcs_to_celestial_frame
from numpy.typing import ArrayLike, NDArray

FRAMES = (ICRS, FK5, FK4, FK4NoETerms, Galactic)
"""Frames whose positions are converted."""
_J2000 = 2000.0


def celestial_frame(wcs: WCS) -> BaseCoordinateFrame | None:
    """The frame of an image's coordinates.

    Args:
        wcs: World coordinates of two celestial axes, in either order.

    Returns:
        None for ICRS, and for FK5 of equinox J2000, which differs from it by 0.03 arcsec at most.

    Raises:
        ValueError: The frame is none of those that are converted; its name is told.
    """
    frame = None
    if wcs.wcs.lngtyp == "GLON":  # whatever RADESYS says: it is for right ascension
        frame = Galactic()
    elif wcs.wcs.lngtyp == "RA":
        with warnings.catch_warnings(), suppress(ValueError):
            warnings.simplefilter("ignore", AstropyWarning)
            frame = wcs_to_celestial_frame(wcs)
    if not isinstance(frame, FRAMES):
        axes = f"{wcs.wcs.ctype[wcs.wcs.lng]}, {wcs.wcs.ctype[wcs.wcs.lat]}"
        name = f"{axes} in {wcs.wcs.radesys}" if wcs.wcs.radesys else axes
        raise ValueError(  # noqa: TRY004 - of a file's content
            f"positions of the system {name} are not converted to ICRS"
        )
    is_j2000 = isinstance(frame, FK5) and abs(frame.equinox.jyear - _J2000) < 1e-6  # noqa: PLR2004 - 30 s
    return None if isinstance(frame, ICRS) or is_j2000 else frame


def pixel_to_icrs(wcs: WCS, x: ArrayLike, y: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where pixels lie on the sky, with any distortion.

    Args:
        wcs: World coordinates of two celestial axes, in either order.
        x: Positions along the first axis of the file, (n,), pixels; 0 is the centre of the first pixel.
        y: Positions along the second axis of the file, (n,), pixels; 0 is the centre of the first pixel.

    Returns:
        Right ascension and declination in degrees ICRS, (n,) each; NaN where a pixel is not on the sky.
    """
    world = wcs.all_pix2world(x, y, 0)
    longitude, latitude = world[wcs.wcs.lng], world[wcs.wcs.lat]
    frame = celestial_frame(wcs)
    if frame is None:
        return longitude, latitude
    return _convert(longitude, latitude, frame, ICRS())


def icrs_to_pixel(wcs: WCS, ra: ArrayLike, dec: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where positions lie on an image, with any distortion.

    Args:
        wcs: World coordinates of two celestial axes, in either order.
        ra: Right ascension, (n,), degrees ICRS.
        dec: Declination, (n,), degrees ICRS.

    Returns:
        Positions along the first and the second axis of the file, (n,) each; 0 is the centre of the first
        pixel. Far from the image they mean little, and may be NaN.
    """
    frame = celestial_frame(wcs)
    longitude, latitude = (ra, dec) if frame is None else _convert(ra, dec, ICRS(), frame)
    world = (longitude, latitude) if wcs.wcs.lng < wcs.wcs.lat else (latitude, longitude)
    x, y = wcs.all_world2pix(*world, 0, quiet=True)
    return x, y


def _convert(
    longitude: ArrayLike, latitude: ArrayLike, source: BaseCoordinateFrame, target: BaseCoordinateFrame
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    known = np.isfinite(longitude) & np.isfinite(latitude)
    moved = SkyCoord(
        np.where(known, longitude, 0) * units.deg, np.where(known, latitude, 0) * units.deg, frame=source
    ).transform_to(target)
    return (
        np.where(known, moved.spherical.lon.deg, np.nan),
        np.where(known, moved.spherical.lat.deg, np.nan),
    )
