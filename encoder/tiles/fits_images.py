"""One plane of pixels from a FITS file, with its place on the sky."""

import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from astropy.io import fits
from astropy.utils.exceptions import AstropyWarning
from astropy.wcs import WCS
from numpy.typing import NDArray

from encoder.errors import TileError, first_line
from encoder.surveys.description import Hdu
from encoder.tiles.cells import Box
from encoder.tiles.fits_files import open_fits
from encoder.tiles.image_decoder import decode_image
from encoder.tiles.sky_positions import celestial_frame, pixel_to_icrs

CELESTIAL_AXES = 2
MAX_PIXELS = 2**30
"""Pixels of an image that is decoded, planes counted: a damaged header may ask for any number."""
Corners = tuple[tuple[float, float], ...]


def _wcs_reason(error: Exception) -> str:
    """What wcslib says is wrong: its first line only says where in its own code."""
    lines = [line.strip() for line in str(error).splitlines()]
    return next((line for line in lines if line and not line.startswith("ERROR ")), first_line(error))


class FitsImage(NamedTuple):
    """An image as it was read.

    Attributes:
        pixels: Pixels of the image, (h, w), or of a cube, (planes, h, w), in the file's own type; row 0 is
            the file's first.
        header: Header of the HDU that the pixels are from.
        left_out: One line that names the other images, where nobody said which HDU is meant and the file has
            several; else empty.
    """

    pixels: NDArray[Any]
    header: fits.Header
    left_out: str = ""


def read_image(path: Path, hdu: Hdu, boxes: Sequence[Box] | None = None) -> FitsImage:
    """Reads an image or cube, fpacked or not.

    Args:
        path: Path of the FITS file.
        hdu: Name or number of the HDU; None for the first that holds pixels.
        boxes: The rectangles that will be looked at: elsewhere the pixels of a compressed image mean nothing,
            since they need not be decoded. None for all.

    Raises:
        TileError: The file cannot be opened, as `open_fits` says, or there is no such HDU.
    """
    with open_fits(path) as file:
        found = _find(path, file, hdu)
        _check_size(path, found)
        header = found.header
        is_compressed = isinstance(found, fits.CompImageHDU)
        pixels = decode_image(path, file.index(found), boxes) if is_compressed else found.data
        left_out = _name_others(path, file, found) if hdu is None else ""
    if pixels is None:
        raise TileError(f"{path}: HDU {hdu!r} holds no pixels")
    return FitsImage(pixels, header, left_out)


def read_header(path: Path, hdu: Hdu) -> tuple[fits.Header, tuple[int, int]]:
    """The header of an image or cube, and the height and width of its planes; no pixels are read.

    Args:
        path: Path of the FITS file.
        hdu: Name or number of the HDU; None for the first that holds pixels.

    Raises:
        TileError: The file cannot be opened, as `open_fits` says, or there is no such HDU.
    """
    with open_fits(path) as file:
        header = _find(path, file, hdu).header
        return header, (header["NAXIS2"], header["NAXIS1"])


def select_plane(path: Path, pixels: NDArray[Any], plane: int | None) -> NDArray[Any]:
    """One plane of a cube, or with None the image itself, (h, w).

    Raises:
        TileError: The pixels have another number of axes, or fewer planes.
    """
    if plane is None and pixels.ndim == CELESTIAL_AXES:
        return pixels
    if plane is not None and pixels.ndim == CELESTIAL_AXES + 1 and plane < len(pixels):
        chosen: NDArray[Any] = pixels[plane]
        return chosen
    wanted = "an image" if plane is None else f"a cube with plane {plane}"
    raise TileError(f"{path}: has shape {pixels.shape}, not {wanted}")


def celestial_wcs(path: Path, header: fits.Header) -> WCS:
    """The image's world coordinates of its two celestial axes, with any distortion.

    Their order and frame are those of the file: `pixel_to_icrs` and `icrs_to_pixel` see to both.

    Raises:
        TileError: The header has no world coordinates, or in a system that is not converted to ICRS.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AstropyWarning)  # old keywords, mended by astropy
            wcs = WCS(header).celestial
            has_sky = wcs.has_celestial
            if has_sky:
                celestial_frame(wcs)
    except Exception as error:  # a damaged header makes astropy raise whatever it meets
        raise TileError(f"{path}: world coordinates: {_wcs_reason(error)}") from error
    if not has_sky:
        raise TileError(f"{path}: the header has no right ascension and declination")
    return wcs


def find_corners(path: Path, wcs: WCS, shape: tuple[int, int]) -> tuple[float, float, Corners]:
    """Where an image lies on the sky.

    Args:
        path: Path of the image, which errors name.
        wcs: World coordinates of the image, as `celestial_wcs` gives them.
        shape: Numbers of rows and columns of the image.

    Returns:
        Right ascension and declination of the centre, and of the four corners (outer edges), degrees ICRS;
        no corners where one of them is not on the sky.

    Raises:
        TileError: The centre of the image is not on the sky.
    """
    (height, width), (top, right) = shape, (shape[0] - 0.5, shape[1] - 0.5)
    x = [(width - 1) / 2, -0.5, right, right, -0.5]
    y = [(height - 1) / 2, -0.5, -0.5, top, top]
    try:
        ra, dec = pixel_to_icrs(wcs, x, y)
    except Exception as error:  # wcslib refuses what it cannot project
        raise TileError(f"{path}: world coordinates: {_wcs_reason(error)}") from error
    points = [(_within_a_turn(float(a)), float(d)) for a, d in zip(ra, dec, strict=True)]
    on_sky = [math.isfinite(a) and abs(d) <= 90 for a, d in points]  # noqa: PLR2004 - a pole
    if not on_sky[0]:
        raise TileError(f"{path}: the centre of the image, ra {ra[0]:g}, dec {dec[0]:g}, is not on the sky")
    return *points[0], tuple(points[1:]) if all(on_sky) else ()


def name_left_out(path: Path) -> str:
    """One line that names the images of a file beside the first that holds pixels; empty where none is.

    Args:
        path: Path of the FITS file; of one that cannot be read its reader says why.
    """
    try:
        with open_fits(path) as file:
            return _name_others(path, file, _find(path, file, None))
    except TileError:
        return ""


def read_footprint(path: Path, hdu: Hdu) -> tuple[float, float, Corners]:
    """Where an image lies, from its header alone; returns what `find_corners` does.

    Raises:
        TileError: The image cannot be read, as `open_fits`, `celestial_wcs` and `find_corners` say.
    """
    header, shape = read_header(path, hdu)
    return find_corners(path, celestial_wcs(path, header), shape)


def _within_a_turn(ra_deg: float) -> float:
    turned = ra_deg % 360
    return 0.0 if turned == 360 else turned  # noqa: PLR2004 - rounding makes a tiny negative one a turn


def _name_others(path: Path, file: fits.HDUList, chosen: fits.PrimaryHDU) -> str:
    images = [
        f"{number} {hdu.name}".strip()
        for number, hdu in enumerate(file)
        if hdu is not chosen and hdu.is_image and hdu.header.get("NAXIS", 0) >= CELESTIAL_AXES
    ]
    if not images:
        return ""
    return f"{path}: of its images the first was read, and HDU {', '.join(images)} left out: name one by hdu"


def _check_size(path: Path, hdu: fits.PrimaryHDU) -> None:
    header = hdu.header
    sizes = [int(header[f"NAXIS{axis + 1}"]) for axis in range(int(header.get("NAXIS", 0)))]
    if math.prod(sizes) > MAX_PIXELS or min(sizes, default=0) < 0:
        shown = " x ".join(map(str, sizes))
        raise TileError(f"{path}: the header asks for {shown} pixels; up to {MAX_PIXELS:,} are read")


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
