"""Small bricks in the Legacy Surveys' layout, written for tests with numpy and astropy alone."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS
from numpy.typing import NDArray

SCALE_ARCSEC = 0.262
LEGACY_COLUMNS = (
    "release brickid objid brick_primary maskbits type ra dec shape_r flux_g flux_r flux_z".split()  # noqa: SIM905
)


def tan_wcs(
    ra: float,
    dec: float,
    shape: tuple[int, int],
    scale_arcsec: float = SCALE_ARCSEC,
    rotation_deg: float = 0.0,
    mirror: bool = False,
) -> WCS:
    """TAN about the centre of the image; north up and east left (right if mirrored), then turned."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [ra, dec]
    wcs.wcs.crpix = [(shape[1] + 1) / 2, (shape[0] + 1) / 2]
    angle = np.radians(rotation_deg)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    wcs.wcs.cd = scale_arcsec / 3600 * turn @ np.diag([1.0 if mirror else -1.0, 1.0])
    wcs.wcs.set()
    return wcs


def gaussian(shape: tuple[int, int], x: float, y: float, sigma_px: float, flux: float) -> NDArray[np.float32]:
    """A round Gaussian source of a total flux, (h, w)."""
    across = np.exp(-0.5 * ((np.arange(shape[1]) - x) / sigma_px) ** 2)
    down = np.exp(-0.5 * ((np.arange(shape[0]) - y) / sigma_px) ** 2)
    image: NDArray[np.float32] = (flux / (2 * np.pi * sigma_px**2) * np.outer(down, across)).astype(
        np.float32
    )
    return image


def legacy_rows(ra: NDArray[np.float64], dec: NDArray[np.float64], **columns: object) -> Table:
    """A Tractor-like table of bright primary galaxies; any column can be given otherwise."""
    n = len(ra)
    given: dict[str, object] = {
        "release": np.full(n, 10000, np.int16),
        "brickid": np.full(n, 331000, np.int32),
        "objid": np.arange(n, dtype=np.int32),
        "brick_primary": np.ones(n, bool),
        "maskbits": np.zeros(n, np.int32),
        "type": np.array(["SER"] * n, dtype="S3"),
        "ra": ra,
        "dec": dec,
        "shape_r": np.full(n, 2.0, np.float32),
        "flux_g": np.full(n, 50.0, np.float32),
        "flux_r": np.full(n, 100.0, np.float32),
        "flux_z": np.full(n, 150.0, np.float32),
    }
    return Table({name: columns.get(name, given[name]) for name in LEGACY_COLUMNS})


def write_legacy_brick(
    root: Path,
    brick: str,
    images: Mapping[str, NDArray[np.float32]],
    wcs: WCS,
    rows: Table,
    maskbits: NDArray[np.int16] | None = None,
    tile_shape: tuple[int, int] = (100, 100),
) -> None:
    """Writes fpacked images and mask, and the catalogue, where the Legacy Surveys' servers have them.

    The images are compressed in pieces of `tile_shape`, the mask row by row.
    """
    coadd, tractor = root / "coadd" / brick[:3] / brick, root / "tractor" / brick[:3]
    coadd.mkdir(parents=True, exist_ok=True)
    tractor.mkdir(parents=True, exist_ok=True)
    header, shape = wcs.to_header(), next(iter(images.values())).shape
    for band, image in images.items():
        hdu = fits.CompImageHDU(
            image,
            header,
            compression_type="RICE_1",
            tile_shape=(min(tile_shape[0], shape[0]), min(tile_shape[1], shape[1])),
            quantize_level=-1e-4,
            quantize_method=2,  # dithered, but zeros stay zero
            dither_seed=1,
        )
        hdu.writeto(coadd / f"legacysurvey-{brick}-image-{band}.fits.fz", overwrite=True)
    bits = np.zeros(shape, np.int16) if maskbits is None else maskbits
    mask = fits.CompImageHDU(bits, header, compression_type="GZIP_1")
    mask.writeto(coadd / f"legacysurvey-{brick}-maskbits.fits.fz", overwrite=True)
    rows.write(tractor / f"tractor-{brick}.fits", overwrite=True)


def transpose(wcs: WCS) -> WCS:
    """The same sky for an image whose rows are the other's columns, with declination as the first axis."""
    other = WCS(naxis=2)
    other.wcs.ctype = ["DEC--TAN", "RA---TAN"]
    other.wcs.crval = wcs.wcs.crval[::-1]
    other.wcs.crpix = wcs.wcs.crpix[::-1]
    other.wcs.cd = wcs.wcs.cd[::-1, ::-1]
    other.wcs.set()
    return other
