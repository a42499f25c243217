"""A FITS file of the pixels around a position, as they lie in a tile's own images."""

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy import units
from astropy.coordinates import angular_separation, offset_by
from astropy.io import fits
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_scales
from numpy.typing import NDArray

from encoder.errors import EncoderError, TileError
from encoder.surveys.description import Survey, hdu_of_band
from encoder.surveys.magnitudes import NANOMAGGY_ZERO_POINT, to_nanomaggies
from encoder.surveys.patterns import find
from encoder.tiles.fits_files import open_fits
from encoder.tiles.fits_images import CELESTIAL_AXES, celestial_wcs
from encoder.tiles.pixels import image_paths
from encoder.tiles.sky_positions import icrs_to_pixel, pixel_to_icrs
from encoder.tiles.tile_files import TileFiles

MAX_PIXELS = 2000
"""Maximum width and height of a cutout, pixels."""
_POINTS = 64
"""Number of points of a circle whose extent in pixels is sought."""


class CutoutError(EncoderError):
    """A cutout that cannot be made, whatever the files hold."""


class OutsideError(CutoutError):
    """A circle has no pixel of the tile."""


@dataclass(frozen=True)
class SkyCircle:
    """A circle on the sky, ICRS degrees."""

    ra_deg: float
    dec_deg: float
    radius_deg: float


@dataclass(frozen=True)
class _Box:
    """Rows and columns of an image of `shape`, the last ones excluded."""

    rows: slice
    columns: slice
    shape: tuple[int, int]


def find_band_images(survey: Survey, folder: Path, tile: str) -> dict[str, Path]:
    """Find the image of each band of a tile.

    Args:
        survey: The survey, whose description says how its files are called.
        folder: The folder that the tile was ingested from.
        tile: Name of the tile.

    Raises:
        CutoutError: The survey is a folder of ready-made pictures.
        TileError: The image of a band is not there.
    """
    if survey.kind != "tiles":
        raise CutoutError(f"survey {survey.name} is made of ready-made pictures, which are not cut")
    for _path, values in find(folder, survey.image.path.replace("{tile}", tile)):
        if values.get("band", survey.bands[0]) in survey.bands:
            files = TileFiles(survey.name, tile, folder, (), "", values=tuple(values.items()))
            break
    else:
        raise TileError(f"{folder}: there is no image of tile {tile}")
    paths = image_paths(survey, files)
    for path in paths.values():
        if not path.is_file():
            raise TileError(f"{path}: the image of tile {tile} is missing")
    return paths


def make_cutout_file(
    survey: Survey,
    images: Mapping[str, Path],
    circle: SkyCircle,
    bands: Sequence[str],
    cards: Mapping[str, str | float],
) -> bytes:
    """Cut the rectangle of pixels that encloses a circle out of each band.

    Nothing is resampled and no mask applied: a pixel is the tile's own, in nanomaggies. Where the tile ends
    the cutout ends too, and is smaller. Only the pixels in question are read.

    Args:
        survey: The survey, whose description says how the images are read.
        images: Path of each band's image, from `find_band_images`.
        circle: The circle on the sky that the cutout encloses.
        bands: Names of the bands to cut, in that order; at least one.
        cards: Keywords and values of the primary header.

    Returns:
        A FITS file: a primary HDU without pixels, and an image HDU a band, of float32, called as the band.

    Raises:
        CutoutError: The survey has no such band, or the circle spans more than 2,000 pixels.
        OutsideError: No pixel of the tile lies in the circle.
        TileError: An image cannot be read, or has another shape than the first.
    """
    for band in bands:
        if band not in survey.bands:
            raise CutoutError(f"survey {survey.name} has no band {band!r}; it has {', '.join(survey.bands)}")
    first = images[bands[0]]
    with open_fits(first) as file:
        image = _image(survey, bands[0], file)
        wcs, shape = celestial_wcs(first, image.header), _shape(image)
    box = _enclosing_box(wcs, shape, circle)  # not inside: there, every error is the file's
    hdus = [fits.PrimaryHDU(header=fits.Header(cards))]
    for band in bands:
        with open_fits(images[band]) as file:
            hdus.append(_cut(survey, band, images[band], _image(survey, band, file), box))
    content = io.BytesIO()
    fits.HDUList(hdus).writeto(content)
    return content.getvalue()


def _image(survey: Survey, band: str, file: fits.HDUList) -> fits.ImageHDU:
    """The HDU that holds a band's pixels: the one that the survey names, else the first that has some."""
    hdu = hdu_of_band(survey.image.hdu, band)
    for found in file if hdu is None else [file[hdu]]:
        if found.is_image and found.header.get("NAXIS", 0) >= CELESTIAL_AXES:
            return found
    raise ValueError("holds no image")  # open_fits names the file


def _cut(survey: Survey, band: str, path: Path, image: fits.ImageHDU, box: _Box) -> fits.ImageHDU:
    plane = survey.image.plane.get(band)
    where = (box.rows, box.columns) if plane is None else (plane, box.rows, box.columns)
    if image.header["NAXIS"] != len(where) or _shape(image) != box.shape:
        raise TileError(f"{path}: has shape {image.shape}, the first band has {box.shape} pixels")
    unit = np.float32(to_nanomaggies(survey.image.zero_point[band]))
    flux = image.section[where].astype(np.float32) * unit
    wcs = celestial_wcs(path, image.header)[box.rows, box.columns]
    hdu = fits.ImageHDU(flux, wcs.to_header(relax=True), name=band)
    hdu.header["FILTER"] = band
    hdu.header["BUNIT"] = "nanomaggy"
    hdu.header["MAGZERO"] = (NANOMAGGY_ZERO_POINT, "AB magnitude of one unit")
    return hdu


def _enclosing_box(wcs: WCS, shape: tuple[int, int], circle: SkyCircle) -> _Box:
    """The rectangle of an image's pixels that encloses a circle."""
    across = 2 * circle.radius_deg / float(proj_plane_pixel_scales(wcs).min())
    if across > MAX_PIXELS:
        raise CutoutError(
            f"a circle of radius {circle.radius_deg:g} degrees spans {across:,.0f} pixels, "
            f"and {MAX_PIXELS:,} at most are cut"
        )
    if not _is_far(wcs, shape, circle):
        x, y = _pixels_of(wcs, circle)
        columns, rows = _span(x, shape[1]), _span(y, shape[0])
        if columns.start < columns.stop and rows.start < rows.stop:
            return _Box(rows, columns, shape)
    raise OutsideError("the circle lies outside the tile")


def _shape(image: fits.ImageHDU) -> tuple[int, int]:
    return image.header["NAXIS2"], image.header["NAXIS1"]


def _is_far(wcs: WCS, shape: tuple[int, int], circle: SkyCircle) -> bool:
    """Whether circle and image are clearly apart: far away, a distorted WCS can lead anywhere."""
    right, top = shape[1] - 0.5, shape[0] - 0.5
    x, y = [shape[1] / 2, -0.5, right, right, -0.5], [shape[0] / 2, -0.5, -0.5, top, top]
    ra, dec = np.radians(pixel_to_icrs(wcs, x, y))
    to_corners = angular_separation(ra[0], dec[0], ra[1:], dec[1:])
    to_circle = angular_separation(ra[0], dec[0], np.radians(circle.ra_deg), np.radians(circle.dec_deg))
    return bool(to_circle > to_corners.max() + np.radians(circle.radius_deg))


def _pixels_of(wcs: WCS, circle: SkyCircle) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points of a circle, and its centre, in pixels."""
    turn = np.linspace(0, 360, _POINTS, endpoint=False) * units.deg
    centre = (circle.ra_deg * units.deg, circle.dec_deg * units.deg)
    ra, dec = offset_by(*centre, turn, circle.radius_deg * units.deg)
    ra_deg, dec_deg = ra.to_value(units.deg), dec.to_value(units.deg)
    return icrs_to_pixel(wcs, np.append(ra_deg, circle.ra_deg), np.append(dec_deg, circle.dec_deg))


def _span(at: NDArray[np.float64], size: int) -> slice:
    """The pixels from the first to the last of these positions that the image has."""
    return slice(max(0, math.floor(at.min() + 0.5)), min(size, math.floor(at.max() + 0.5) + 1))
