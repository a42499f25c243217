"""One plane of pixels from a FITS file, with its place on the sky."""

import warnings
from pathlib import Path
from typing import Any

from astropy.io import fits
from astropy.utils.exceptions import AstropyWarning
from astropy.wcs import WCS, WcsError
from numpy.typing import NDArray

from encoder.errors import TileError
from encoder.surveys.description import Hdu
from encoder.tiles.fits_files import open_fits

CELESTIAL_AXES = 2


def read_image(path: Path, hdu: Hdu) -> tuple[NDArray[Any], fits.Header]:
    """Reads an image or cube, fpacked or not.

    Args:
        path: FITS file.
        hdu: name or number; None: the first that holds pixels.

    Returns:
        ([planes,] h, w) in the file's own type, row 0 the file's first, and the header.

    Raises:
        TileError: as `open_fits`, or there is no such HDU.
    """
    with open_fits(path) as file:
        found = _find(path, file, hdu)
        pixels, header = found.data, found.header
    if pixels is None:
        raise TileError(f"{path}: HDU {hdu!r} holds no pixels")
    return pixels, header


def select_plane(path: Path, pixels: NDArray[Any], plane: int | None) -> NDArray[Any]:
    """One plane of a cube, or with None the image itself, (h, w).

    Raises:
        TileError: the pixels have another number of axes, or fewer planes.
    """
    if plane is None and pixels.ndim == CELESTIAL_AXES:
        return pixels
    if plane is not None and pixels.ndim == CELESTIAL_AXES + 1 and plane < len(pixels):
        chosen: NDArray[Any] = pixels[plane]
        return chosen
    wanted = "an image" if plane is None else f"a cube with plane {plane}"
    raise TileError(f"{path}: has shape {pixels.shape}, not {wanted}")


def celestial_wcs(path: Path, header: fits.Header) -> WCS:
    """The image's world coordinates in right ascension and declination, with any distortion.

    Raises:
        TileError: the header has none, or in another system.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AstropyWarning)  # old keywords, mended by astropy
            wcs = WCS(header).celestial
    except (WcsError, ValueError, KeyError) as error:
        raise TileError(f"{path}: world coordinates: {str(error).strip().splitlines()[0]}") from error
    if not wcs.has_celestial or wcs.wcs.lngtyp != "RA":
        raise TileError(f"{path}: the header has no right ascension and declination")
    return wcs


def read_footprint(path: Path, hdu: Hdu) -> tuple[float, float, tuple[tuple[float, float], ...]]:
    """Where an image lies, from its header alone.

    Returns:
        Right ascension and declination of the centre, and of the four corners (outer edges), degrees.

    Raises:
        TileError: as `read_plane` and `celestial_wcs`.
    """
    with open_fits(path) as file:
        header = _find(path, file, hdu).header
    wcs = celestial_wcs(path, header)
    width, height = header["NAXIS1"], header["NAXIS2"]
    right, top = width - 0.5, height - 0.5
    x = [(width - 1) / 2, -0.5, right, right, -0.5]
    y = [(height - 1) / 2, -0.5, -0.5, top, top]
    ra, dec = wcs.all_pix2world(x, y, 0)
    points = [(float(a) % 360, float(d)) for a, d in zip(ra, dec, strict=True)]
    return *points[0], tuple(points[1:])


def _find(path: Path, file: fits.HDUList, hdu: Hdu) -> fits.PrimaryHDU:
    if hdu is not None:
        names = [str(found.name) for found in file]
        if hdu not in (range(len(file)) if isinstance(hdu, int) else names):
            raise TileError(f"{path}: no HDU {hdu!r}; it has {', '.join(map(repr, names))}")
        return file[hdu]
    for found in file:
        if found.is_image and found.header.get("NAXIS", 0) >= CELESTIAL_AXES:
            return found
    raise TileError(f"{path}: holds no image")
