"""The pixels of a sky tile: every band in nanomaggies, what is bad in them, and where they lie."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from astropy.coordinates import angular_separation
from astropy.wcs import WCS
from numpy.typing import NDArray

from encoder.errors import TileError
from encoder.surveys.description import Survey, hdu_of_band
from encoder.surveys.magnitudes import to_nanomaggies
from encoder.surveys.patterns import fill
from encoder.tiles.cells import Box, Cells
from encoder.tiles.fits_images import celestial_wcs, find_corners, read_header, read_image, select_plane
from encoder.tiles.sky_positions import icrs_to_pixel, pixel_to_icrs
from encoder.tiles.source_table import SourceTable
from encoder.tiles.tile_files import TileFiles, is_file

MAX_BAND_OFFSET_PX = 0.1
"""How far two bands' coordinates may differ."""
MAX_ROUND_TRIP_DEG = 1 / 3600
"""How far a position may move when it goes to pixels and back."""
_WHOLE: Box = (slice(None), slice(None))


@dataclass(frozen=True, eq=False)
class Pixels:
    """All bands of a tile on one pixel grid.

    Attributes:
        flux: Flux of every band in the survey's order, (bands, h, w), nanomaggies per pixel; 0 where bad.
        bad: Whether a pixel is flagged by the mask, zero, or not finite, (bands, h, w).
        wcs: World coordinates of the pixels, with distortion where the header has one.
        notes: What was left out of the files, one line each.
        cells: The squares that were read, beside which flux and flags mean nothing; None where all were.
    """

    flux: NDArray[np.float32]
    bad: NDArray[np.bool_]
    wcs: WCS
    notes: tuple[str, ...] = ()
    cells: Cells | None = None


def read_pixels(
    survey: Survey,
    files: TileFiles,
    choose: Callable[[WCS, tuple[int, int]], Cells | None] | None = None,
) -> Pixels:
    """Reads every band and the mask of a tile.

    A pixel that is exactly 0 in a coadd had no exposure, so it is bad (as in the published recipe). Memory: 5
    bytes a pixel and band, and one file in its own type; of a tile that is read in part, about that part.

    Args:
        survey: The survey, whose description says what the files hold.
        files: The tile's files.
        choose: Says by the tile's coordinates, and its height and width, which squares will be looked at;
            without it, or where it gives None, all are read.

    Raises:
        TileError: A file is missing, truncated or no FITS; a band's shape or place differs from the first's.
    """
    paths = image_paths(survey, files)
    for path in paths.values():
        if not is_file(path):
            raise TileError(f"{path}: the image of tile {files.name} is missing")
    first = paths[survey.bands[0]]
    header, shape = read_header(first, hdu_of_band(survey.image.hdu, survey.bands[0]))
    wcs = celestial_wcs(first, header)
    find_corners(first, wcs, shape)
    cells = choose(wcs, shape) if choose else None
    boxes = cells.boxes() if cells else None
    read = lru_cache(maxsize=1)(partial(read_image, boxes=boxes))  # a cube is read once
    flux = np.empty((len(survey.bands), *shape), dtype=np.float32)
    bad = np.empty(flux.shape, dtype=np.bool_)
    notes: list[str] = []
    for number, band in enumerate(survey.bands):
        pixels, header, left_out = read(paths[band], hdu_of_band(survey.image.hdu, band))
        notes.append(left_out)
        plane = select_plane(paths[band], pixels, survey.image.plane.get(band))
        if plane.shape != shape:
            raise TileError(f"{paths[band]}: {plane.shape} pixels, but {first.name} has {shape}")
        if paths[band] != first:
            _check_place(paths[band], celestial_wcs(paths[band], header), wcs, plane.shape)
        unit = np.float32(to_nanomaggies(survey.image.zero_point[band]))
        for box in boxes or [_WHOLE]:
            _take_flux(plane[box], unit, flux[number][box], bad[number][box])
    _add_mask(survey, files, bad, boxes, notes)
    for box in boxes or [_WHOLE]:
        np.copyto(flux[:, *box], 0, where=bad[:, *box])
    return Pixels(flux, bad, wcs, tuple(dict.fromkeys(filter(None, notes))), cells)


def image_paths(survey: Survey, files: TileFiles) -> dict[str, Path]:
    """Where each band's image should be."""
    return {band: tile_path(survey.image.path, files, {"band": band}) for band in survey.bands}


def tile_path(pattern: str, files: TileFiles, more: Mapping[str, str] | None = None) -> Path:
    """The pattern with this tile's values.

    Raises:
        TileError: A placeholder has no value, since no image of the tile was found.
    """
    try:
        return files.root / fill(pattern, {"tile": files.name, **dict(files.values), **(more or {})})
    except KeyError:
        raise TileError(f"{files.root / pattern}: there is no image of tile {files.name}") from None


def check_inside(pixels: Pixels, sources: SourceTable, files: TileFiles, catalogue: Path) -> None:
    """Every source that has a position lies on the tile: else image and catalogue do not belong together.

    Raises:
        TileError: A source lies off the tile; the line names the first such row.
    """
    known = np.flatnonzero(np.isfinite(sources.ra) & np.isfinite(sources.dec))
    height, width = pixels.flux.shape[1:]
    ra, dec = sources.ra[known], sources.dec[known]
    if not len(known):
        return
    x, y = icrs_to_pixel(pixels.wcs, ra, dec)
    back_ra, back_dec = pixel_to_icrs(pixels.wcs, x, y)
    # Far away a distortion can lead anywhere, even onto the tile, but not there and back.
    moved = np.degrees(angular_separation(*map(np.radians, (ra, dec, back_ra, back_dec))))
    from_centre = np.maximum(abs(x - (width - 1) / 2) / width, abs(y - (height - 1) / 2) / height)
    inside = (from_centre < 1 / 2) & (moved < MAX_ROUND_TRIP_DEG)
    for lost in known[~inside].tolist():
        raise TileError(
            f"{catalogue}: row {sources.row[lost]} ({sources.source_id[lost]}) at ra {sources.ra[lost]:.5f}, "
            f"dec {sources.dec[lost]:.5f} lies outside tile {files.name}"
        )


def _take_flux(
    plane: NDArray[Any], unit: np.float32, flux: NDArray[np.float32], bad: NDArray[np.bool_]
) -> None:
    """Write a piece of a band in nanomaggies, and which of its pixels are 0 or not finite."""
    if unit == 1 and plane.dtype.newbyteorder("=") == np.float32:
        np.copyto(flux, plane)
    else:
        np.multiply(plane, unit, out=flux, casting="unsafe")
    np.equal(flux, 0, out=bad)
    with np.errstate(over="ignore"):
        total = flux.sum()
    if not np.isfinite(total):  # ten times as fast as looking at each
        bad |= ~np.isfinite(flux)


def _add_mask(
    survey: Survey,
    files: TileFiles,
    bad: NDArray[np.bool_],
    boxes: Sequence[Box] | None,
    notes: list[str],
) -> None:
    if survey.mask is None:
        return
    read = lru_cache(maxsize=1)(partial(read_image, boxes=boxes))  # one file has the bits of all bands
    for number, band in enumerate(survey.bands):
        path = tile_path(survey.mask.path, files, {"band": band})
        if not is_file(path):
            raise TileError(f"{path}: the mask of tile {files.name} is missing")
        bits, _header, left_out = read(path, hdu_of_band(survey.mask.hdu, band))
        notes.append(left_out)
        if bits.shape != bad.shape[1:] or bits.dtype.kind not in "iu":
            raise TileError(f"{path}: the mask does not fit the image of {bad.shape[1:]} pixels")
        for box in boxes or [_WHOLE]:
            bad[number][box] |= _have_bits(path, bits[box], survey.mask.bad_bits[band])


def _have_bits(path: Path, bits: NDArray[Any], wanted: int) -> NDArray[np.bool_]:
    """Which pixels of a mask, (h, w), have one of the wanted bits: the type's sign is a bit as the others."""
    width = 8 * bits.dtype.itemsize
    if wanted >> width:
        raise TileError(f"{path}: the mask has {width} bits, and bit {wanted.bit_length() - 1} is asked for")
    unsigned = np.dtype(f"u{bits.dtype.itemsize}")
    words = bits.view(unsigned.newbyteorder(bits.dtype.byteorder))
    found: NDArray[np.bool_] = (words & unsigned.type(wanted)) != 0
    return found


def _check_place(path: Path, wcs: WCS, first: WCS, shape: tuple[int, ...]) -> None:
    x, y = np.array([0.0, shape[1] - 1.0]), np.array([0.0, shape[0] - 1.0])
    seen_x, seen_y = icrs_to_pixel(first, *pixel_to_icrs(wcs, x, y))
    off = float(np.hypot(seen_x - x, seen_y - y).max())
    if not off < MAX_BAND_OFFSET_PX:
        raise TileError(f"{path}: lies {off:.1f} px away from the tile's first band")
