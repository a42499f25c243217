"""One brick of the simulated survey as the Legacy Surveys' files: images, mask bits, Tractor catalogue."""

import math
from pathlib import Path

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from encoder.errors import EncoderError
from encoder.simulation.content import BrickContent, brick_content
from encoder.simulation.field import Points, add_points, add_trail, bright_radius_arcsec
from encoder.simulation.sky import add_noise
from encoder.simulation.stamps import add_galaxy
from encoder.simulation.tiling import BRICK_DEG, BRICK_PX, PIXEL_ARCSEC, Brick
from encoder.simulation.tractor import tractor_table
from encoder.simulation.truth import BANDS, SurveyParameters
from encoder.surveys.magnitudes import NANOMAGGY_ZERO_POINT, to_magnitude

_TRAIL_PX = 2700.0
# As the survey's own files: 100 x 100 tiles, dithered so that zero stays zero.
_TILE = (100, 100)
_QUANTIZE_LEVEL = 16.0
_SUBTRACTIVE_DITHER_2 = 2
NPRIMARY, BRIGHT, MEDIUM = 1 << 0, 1 << 1, 1 << 11
SATUR = (1 << 2, 1 << 3, 1 << 4)
ALLMASK = (1 << 5, 1 << 6, 1 << 7)
_BRIGHT_R_MAG, _MEDIUM_R_MAG = 13.0, 16.0


def write_brick(root: Path, brick: Brick, n_galaxies: int, seed: int, survey: SurveyParameters) -> None:
    """Draw a brick and write its files; the Tractor catalogue comes last: where it is, the brick is whole."""
    content = brick_content(brick, n_galaxies, seed, survey)
    image = draw_brick(content, survey)
    add_noise(image, np.random.default_rng([seed, brick.brickid, 1]), survey)
    mask = mask_bits(brick, content.points, survey)
    folder = root / "coadd" / brick.group / brick.name
    for band, pixels in zip(BANDS, image, strict=True):
        header = brick_header(brick, "image")
        header["FILTER"] = (band, "Filter band")
        header["MAGZERO"] = (NANOMAGGY_ZERO_POINT, "Magnitude zeropoint")
        header["BUNIT"] = ("nanomaggy", "AB mag = 22.5 - 2.5*log10(nanomaggy)")
        _write(
            folder / f"legacysurvey-{brick.name}-image-{band}.fits.fz",
            _images(brick, pixels, header, "IMAGE"),
        )
    header = brick_header(brick, "maskbits")
    _write(folder / f"legacysurvey-{brick.name}-maskbits.fits.fz", _images(brick, mask, header, "MASKBITS"))
    table = fits.table_to_hdu(tractor_table(brick, content, mask, survey))
    primary = fits.PrimaryHDU(header=brick_header(brick, "tractor"))
    _write(tractor_path(root, brick), fits.HDUList([primary, table]))


def tractor_path(root: Path, brick: Brick) -> Path:
    """Where a brick's catalogue lies."""
    return root / "tractor" / brick.group / f"tractor-{brick.name}.fits"


def draw_brick(content: BrickContent, survey: SurveyParameters) -> NDArray[np.float32]:
    """The noiseless image, (3, 3600, 3600) nanomaggies per pixel."""
    image = np.zeros((len(BANDS), BRICK_PX, BRICK_PX), np.float32)
    for galaxy, (x, y) in zip(content.galaxies, content.galaxy_xy, strict=True):
        if galaxy.artefact != "spikes":
            add_galaxy(image, galaxy, float(x), float(y), survey)
    add_points(image, content.points, survey)
    for trail in content.trails:
        add_trail(image, trail, half_length_px=_TRAIL_PX)
    return image


def brick_header(brick: Brick, product: str) -> fits.Header:
    """Keywords that every file of a brick carries."""
    header = fits.Header()
    header["SURVEY"] = ("SIMULATED", "Not a real survey: galcat simulation")
    header["DRVERSIO"] = (10000, "Layout: Legacy Surveys Data Release number")
    header["PRODTYPE"] = (product, "Data product type")
    header["BRICKNAM"] = (brick.name, "Brick RRRr[pm]DDd")
    header["BRICKID"] = (brick.brickid, "Brick id")
    header["RAMIN"] = (brick.ra - brick.half_width, "Brick RA min")
    header["RAMAX"] = (brick.ra + brick.half_width, "Brick RA max")
    header["DECMIN"] = (brick.dec - BRICK_DEG / 2, "Brick Dec min")
    header["DECMAX"] = (brick.dec + BRICK_DEG / 2, "Brick Dec max")
    header["BRICKRA"] = (brick.ra, "Brick center")
    header["BRICKDEC"] = (brick.dec, "Brick center")
    return header


def _images(
    brick: Brick, pixels: NDArray[np.float32] | NDArray[np.int32], header: fits.Header, name: str
) -> fits.HDUList:
    """An empty primary HDU and the compressed image, whose header has the WCS.

    The primary header is repeated in the image's, as the survey does.
    """
    image = fits.CompImageHDU(
        pixels,
        header + brick.wcs().to_header(),
        name=name,
        compression_type="RICE_1",
        tile_shape=_TILE,
        quantize_level=_QUANTIZE_LEVEL,
        quantize_method=_SUBTRACTIVE_DITHER_2,
        dither_seed=brick.brickid % 10000 + 1,
    )
    return fits.HDUList([fits.PrimaryHDU(header=header), image])


def _write(path: Path, content: fits.HDUList) -> None:
    """Write beside the target, then rename: a killed run leaves no half file under a real name."""
    partial = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        content.writeto(partial, overwrite=True)
        partial.replace(path)
    except OSError as error:
        raise EncoderError(f"{path} cannot be written: {error.strerror or error}") from error


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
