"""The Tractor catalogue of one simulated brick: names, types and units of the Legacy Surveys.

Fluxes and shapes are the true ones, without measurement error. A merger is one row, with the light of both.
"""

import math
from dataclasses import dataclass

import numpy as np
from astropy.table import Table, vstack
from numpy.typing import NDArray

from encoder.simulation.content import BrickContent
from encoder.simulation.field import faint_shapes
from encoder.simulation.galaxies import total_flux
from encoder.simulation.sky import pixel_noise, psf_image
from encoder.simulation.tiling import BRICK_PX, Brick
from encoder.simulation.truth import BANDS, Galaxy, SurveyParameters

RELEASE = 10000
_EBV = 0.03


@dataclass(frozen=True)
class _Rows:
    """Galaxies or points, as columns of n rows."""

    sky: NDArray[np.float64]
    xy: NDArray[np.float64]
    primary: NDArray[np.bool_]
    flux: NDArray[np.float32]
    type: list[str]
    shape_r: NDArray[np.float64]
    axis_ratio: NDArray[np.float64]
    angle_deg: NDArray[np.float64]
    sersic: NDArray[np.float64]


def tractor_table(
    brick: Brick, content: BrickContent, mask: NDArray[np.int32], survey: SurveyParameters
) -> Table:
    """Every source inside the brick's image, true galaxies first; objid counts from 0.

    Args:
        brick: The brick whose catalogue is made.
        content: What the brick's image shows.
        mask: Its mask bits, (3600, 3600).
        survey: The survey, which gives PSF and depth.
    """
    galaxies, points = content.listed_rows()
    table = vstack(
        [
            _columns(_galaxy_rows(content, galaxies), brick, mask, survey),
            _columns(_point_rows(content, points), brick, mask, survey),
        ]
    )
    table["objid"] = np.arange(len(table), dtype=np.int32)
    return table


def _galaxy_rows(content: BrickContent, listed: NDArray[np.int64]) -> _Rows:
    galaxies = [content.galaxies[i] for i in listed]
    return _Rows(
        content.galaxy_sky[listed],
        content.galaxy_xy[listed],
        content.galaxy_primary[listed],
        np.array([total_flux(galaxy) for galaxy in galaxies], np.float32).reshape(-1, len(BANDS)),
        [_type_of(galaxy) for galaxy in galaxies],
        np.array([galaxy.shape_r_arcsec for galaxy in galaxies]),
        np.array([_apparent_axis_ratio(galaxy) for galaxy in galaxies]),
        np.array([galaxy.position_angle_deg for galaxy in galaxies]),
        np.array([_apparent_sersic(galaxy) for galaxy in galaxies]),
    )


def _point_rows(content: BrickContent, listed: NDArray[np.int64]) -> _Rows:
    points, n = content.points, len(listed)
    which = points.shape[listed]
    faint = np.array([(s.shape_r_arcsec, s.axis_ratio, s.position_angle_deg) for s in faint_shapes()])
    shapes = np.where(which[:, None] >= 0, faint[which], [[0.0, 1.0, 0.0]])
    return _Rows(
        content.point_sky[listed],
        np.stack([points.x, points.y], axis=1)[listed],
        content.point_primary[listed],
        points.flux[listed],
        ["EXP" if shape >= 0 else "PSF" for shape in which],
        shapes[:, 0],
        shapes[:, 1],
        shapes[:, 2],
        np.where(which >= 0, 1.0, np.zeros(n)),
    )


def _columns(rows: _Rows, brick: Brick, mask: NDArray[np.int32], survey: SurveyParameters) -> Table:
    n = len(rows.type)
    column, row = np.clip(np.rint(rows.xy).astype(np.int64), 0, BRICK_PX - 1).T
    ellipticity = (1 - rows.axis_ratio) / (1 + rows.axis_ratio)
    twice = np.radians(2 * rows.angle_deg)
    table = Table()
    table["release"] = np.full(n, RELEASE, np.int16)
    table["brickid"] = np.full(n, brick.brickid, np.int32)
    table["brickname"] = np.full(n, brick.name, "S8")
    table["objid"] = np.zeros(n, np.int32)
    table["brick_primary"] = rows.primary
    table["maskbits"] = mask[row, column].astype(np.int32)
    table["fitbits"] = np.zeros(n, np.int16)
    table["type"] = np.array(rows.type, "S3")
    table["ra"], table["dec"] = rows.sky.T
    table["bx"], table["by"] = rows.xy.astype(np.float32).T
    table["ebv"] = np.full(n, _EBV, np.float32)
    for i, band in enumerate(BANDS):
        table[f"flux_{band}"] = rows.flux[:, i]
    noise = _flux_noise(rows.shape_r, survey)
    for i, band in enumerate(BANDS):
        table[f"flux_ivar_{band}"] = (1 / noise[:, i] ** 2).astype(np.float32)
    for band in BANDS:
        table[f"psfsize_{band}"] = np.full(n, survey.psf_fwhm_arcsec, np.float32)
    table["sersic"] = rows.sersic.astype(np.float32)
    table["shape_r"] = rows.shape_r.astype(np.float32)
    table["shape_e1"] = (ellipticity * np.cos(twice)).astype(np.float32)
    table["shape_e2"] = (ellipticity * np.sin(twice)).astype(np.float32)
    return table


def _flux_noise(shape_r: NDArray[np.float64], survey: SurveyParameters) -> NDArray[np.float64]:
    """1 sigma of the flux in g, r, z: the sky noise under an effective area that grows with size, (n, 3)."""
    psf = psf_image(survey).astype(np.float64)
    pixels = 1 / (psf**2).sum() + 4 * math.pi * (shape_r / survey.pixel_scale_arcsec) ** 2
    noise: NDArray[np.float64] = np.sqrt(pixels)[:, None] * pixel_noise(survey)[None, :].astype(np.float64)
    return noise


def _type_of(galaxy: Galaxy) -> str:
    """The profile that Tractor would have chosen."""
    index = _apparent_sersic(galaxy)
    if index == 1.0:
        return "EXP"
    return "DEV" if index == 4.0 else "SER"  # noqa: PLR2004 - de Vaucouleurs


def _apparent_sersic(galaxy: Galaxy) -> float:
    """Index of the whole galaxy: 1 for a pure disk, rising with the bulge's share."""
    if galaxy.kind == "elliptical":
        return 4.0 if abs(galaxy.sersic - 4) < 0.3 else galaxy.sersic  # noqa: PLR2004 - near de Vaucouleurs
    if galaxy.bulge_fraction < 0.1 or galaxy.kind == "artefact":  # noqa: PLR2004 - a disk
        return 1.0
    return 1.0 + galaxy.bulge_fraction * galaxy.sersic


def _apparent_axis_ratio(galaxy: Galaxy) -> float:
    """On the sky, where a bulge makes an edge-on disk rounder."""
    q = galaxy.axis_ratio
    return q + 0.5 * galaxy.bulge_fraction * (1 - q) if galaxy.kind == "edge-on" else q
