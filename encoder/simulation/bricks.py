"""One brick of the simulated survey as the Legacy Surveys' files: images, mask bits, Tractor catalogue."""

from pathlib import Path

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from encoder.errors import EncoderError
from encoder.simulation.content import BrickContent, brick_content
from encoder.simulation.field import add_points, add_trail
from encoder.simulation.mask import mask_bits
from encoder.simulation.sky import add_noise
from encoder.simulation.stamps import add_galaxy
from encoder.simulation.tiling import BRICK_DEG, BRICK_PX, Brick
from encoder.simulation.tractor import tractor_table
from encoder.simulation.truth import BANDS, SurveyParameters
from encoder.surveys.magnitudes import NANOMAGGY_ZERO_POINT

_TRAIL_PX = 2700.0
# As the survey's own files: 100 x 100 tiles, dithered so that zero stays zero.
_TILE = (100, 100)
_QUANTIZE_LEVEL = 16.0
_SUBTRACTIVE_DITHER_2 = 2


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
