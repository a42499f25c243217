"""Bricks of the Legacy Surveys' layout with three galaxies each, and ways to spoil and mend them."""

from pathlib import Path

import numpy as np

from encoder.surveys.survey_file import load_survey
from encoder.tiles.tiles import find_tiles
from galcat.workflows.ingest.sky_cells import cell_of
from tests.encoder.tiles.fits_tiles import SCALE_ARCSEC, gaussian, legacy_rows, tan_wcs, write_legacy_brick

SIDE = 280
GALAXIES = 3
FLUX = {"g": 50.0, "r": 100.0, "z": 150.0}


def write_brick(folder: Path, name: str, brightness: float = 1.0) -> None:
    """Write a brick named as its place: `0100p000` is centred on RA 10.0, Dec 0.0 degrees."""
    ra, dec = int(name[:4]) / 10, (1 if name[4] == "p" else -1) * int(name[5:]) / 10
    offset_px = np.array([-12.0, 0.0, 12.0])
    shape = (SIDE, SIDE)
    centre = (SIDE - 1) / 2
    images = {
        band: sum(
            (gaussian(shape, centre + x, centre, 4.0, flux * brightness) for x in offset_px),
            start=np.full(shape, 1e-3, np.float32),
        )
        for band, flux in FLUX.items()
    }
    offset_deg = offset_px * SCALE_ARCSEC / 3600
    rows = legacy_rows(
        ra - offset_deg / np.cos(np.radians(dec)),
        np.full(GALAXIES, dec),
        brickid=np.full(GALAXIES, int(name[:4]) * 10_000 + int(name[5:]), np.int32),
    )
    write_legacy_brick(folder, name, images, tan_wcs(ra, dec, shape), rows)


def write_two_bricks(root: Path) -> Path:
    """Write two bricks that lie in one cell to the folder `bricks`, and return the folder."""
    for name in ("0100p000", "0101p000"):
        write_brick(root / "bricks", name)
    return root / "bricks"


def find_cell(folder: Path) -> str:
    """The one cell in which all bricks of a folder lie."""
    (cell,) = {cell_of(tile) for tile in find_tiles(load_survey("legacy_dr10"), folder)}
    return cell


def spoil(folder: Path, name: str) -> bytes:
    """Cut a brick's r image short, and return what it was."""
    path = r_image(folder, name)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    return whole


def mend(folder: Path, name: str, whole: bytes) -> None:
    """Undo `spoil`."""
    r_image(folder, name).write_bytes(whole)


def r_image(folder: Path, name: str) -> Path:
    """The brick's image in the r band."""
    return folder / "coadd" / name[:3] / name / f"legacysurvey-{name}-image-r.fits.fz"
