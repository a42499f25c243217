"""What else is in the field: stars, saturated stars with spikes, faint galaxies behind, satellite trails.

Everything is drawn into an image of (3, h, w) nanomaggies a native pixel area, in place.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from encoder.simulation.sky import convolve_psf, psf_image
from encoder.simulation.truth import SurveyParameters
from encoder.surveys.magnitudes import to_magnitude, to_nanomaggies

Image = NDArray[np.float32]
_PHASES = 8
_FAINT_SHAPES = 40
_FAINT_PX = 31
FAINT_R_MAG = (19.5, 23.5)


@dataclass(frozen=True)
class Points:
    """Stars or faint galaxies.

    Attributes:
        x: Column of the centre, native pixels from 0, (n,).
        y: Row of each point, (n,).
        flux: Nanomaggies in g, r, z, (n, 3).
        shape: Which of the faint galaxies' shapes, (n,); -1 for a star.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    flux: NDArray[np.float32]
    shape: NDArray[np.int64]


@dataclass(frozen=True)
class FaintShape:
    """One of the shapes that faint galaxies come in."""

    shape_r_arcsec: float
    axis_ratio: float
    position_angle_deg: float


@dataclass(frozen=True)
class Trail:
    """A satellite's track: a straight line through (x, y), native pixels.

    Attributes:
        x: Column of a point on it.
        y: Row of that point in the image, pixels.
        angle: Direction, radians from the +x axis.
        flux: Nanomaggies per pixel on the ridge, in g, r, z; 0 where the band was exposed another night.
        width_px: Gaussian sigma across the track, pixels.
    """

    x: float
    y: float
    angle: float
    flux: tuple[float, float, float]
    width_px: float


def draw_faint(rng: Generator, survey: SurveyParameters, width: float, height: float) -> Points:
    """Faint galaxies spread over width x height native pixels; their number grows as 10^(0.3 mag)."""
    n = int(
        rng.poisson(survey.background_per_arcmin2 * width * height * (survey.pixel_scale_arcsec / 60) ** 2)
    )
    low, high = FAINT_R_MAG
    mag = low + np.log10(1 + rng.random(n) * (10 ** (0.3 * (high - low)) - 1)) / 0.3
    flux = _with_colours(rng, mag, (0.2, 1.3), (0.1, 1.1))
    return Points(
        rng.uniform(0, width, n), rng.uniform(0, height, n), flux, rng.integers(0, _FAINT_SHAPES, n)
    )


def draw_stars(rng: Generator, survey: SurveyParameters, width: float, height: float) -> Points:
    """Stars spread over width x height native pixels; their number grows as 10^(0.2 mag)."""
    n = int(rng.poisson(survey.stars_per_arcmin2 * width * height * (survey.pixel_scale_arcsec / 60) ** 2))
    low, high = survey.star_r_mag
    mag = low + np.log10(1 + rng.random(n) * (10 ** (0.2 * (high - low)) - 1)) / 0.2
    flux = _with_colours(rng, mag, (0.2, 1.5), (0.0, 1.2))
    return Points(rng.uniform(0, width, n), rng.uniform(0, height, n), flux, np.full(n, -1))


def draw_trail(rng: Generator, x: float, y: float) -> Trail:
    """A trail through (x, y), in one or two bands."""
    flux = float(rng.uniform(0.03, 0.2)) * rng.uniform(0.6, 1.6, 3)
    flux[rng.permutation(3)[: int(rng.integers(1, 3))]] = 0.0
    g, r, z = (float(f) for f in flux)
    return Trail(x, y, float(rng.uniform(0, math.pi)), (g, r, z), float(rng.uniform(2.2, 4.0)))


def add_points(image: Image, points: Points, survey: SurveyParameters, step: int = 1) -> None:
    """Draw stars and faint galaxies.

    Args:
        image: Image of every band, (3, h, w), whose pixels are `step` native pixels wide.
        points: Positions in native pixels of an image whose first pixel is centred on 0.
        survey: PSF, pixel scale, saturation.
        step: Pixel width in native pixels.
    """
    saturated = to_nanomaggies(survey.saturation_r_mag)
    shapes = faint_stamps(survey, step)
    for x, y, flux, shape in zip(points.x / step, points.y / step, points.flux, points.shape, strict=True):
        if shape >= 0:
            _stamp(image, shapes[shape], round(x), round(y), flux / step**2)
        elif flux[1] > saturated:
            add_bright_star(image, x, y, flux, survey, step)
        else:
            column, row = round(x), round(y)
            psf = psf_image(survey, step, _phase(x - column), _phase(y - row))
            _stamp(image, psf, column, row, flux / step**2)


def add_bright_star(
    image: Image, x: float, y: float, flux: NDArray[np.float32], survey: SurveyParameters, step: int = 1
) -> None:
    """A saturated star: flat core, halo, four diffraction spikes, and a bleed along the columns."""
    pixel = survey.pixel_scale_arcsec * step
    reach = int(min(1.6 * bright_radius_arcsec(float(flux[1])), 240.0) / pixel)
    row0, row1 = max(0, int(y) - reach), min(image.shape[1], int(y) + reach + 1)
    col0, col1 = max(0, int(x) - reach), min(image.shape[2], int(x) + reach + 1)
    if row0 >= row1 or col0 >= col1:
        return
    dx = ((np.arange(col0, col1) - x) * pixel).astype(np.float32)[None, :]
    dy = ((np.arange(row0, row1) - y) * pixel).astype(np.float32)[:, None]
    r2 = dx * dx + dy * dy
    area = np.float32(survey.pixel_scale_arcsec**2)
    light = 0.95 * 0.37 * (1 + r2 / 1.18) ** np.float32(-survey.psf_beta)
    light += 0.012 * (1 + r2 / 4) ** np.float32(-1.25)
    for angle in (0.70, 2.27):
        along = math.cos(angle) * dx + math.sin(angle) * dy
        across = math.cos(angle) * dy - math.sin(angle) * dx
        light += 0.009 * np.exp(-0.5 * (across / 0.45) ** 2) / (1 + np.abs(along) / 1.5) ** np.float32(1.5)
    light *= _fade(np.sqrt(r2), reach * pixel)
    # The core saturates at another level in each band, which is what colours the middle of such stars.
    ceiling = np.array([7.0, 6.0, 9.0], np.float32)
    for band in range(3):
        part = light * (flux[band] * area)
        image[band, row0:row1, col0:col1] += np.minimum(part, ceiling[band])


def add_trail(image: Image, trail: Trail, step: int = 1, half_length_px: float = math.inf) -> None:
    """Draw a satellite trail, across the whole image or so far from its point, native pixels."""
    y = np.arange(image.shape[1], dtype=np.float32)[:, None] * step - np.float32(trail.y)
    x = np.arange(image.shape[2], dtype=np.float32)[None, :] * step - np.float32(trail.x)
    across = np.float32(math.cos(trail.angle)) * y - np.float32(math.sin(trail.angle)) * x
    near = np.abs(across) < 5 * trail.width_px
    if half_length_px < math.inf:
        near &= np.hypot(x, y) < half_length_px
    profile = np.exp(-0.5 * (across[near] / np.float32(trail.width_px)) ** 2)
    for band in range(3):
        if trail.flux[band]:
            image[band][near] += np.float32(trail.flux[band]) * profile


def join_points(parts: list[Points]) -> Points:
    """Several lists of points as one."""
    return Points(
        np.concatenate([part.x for part in parts]),
        np.concatenate([part.y for part in parts]),
        np.concatenate([part.flux for part in parts]),
        np.concatenate([part.shape for part in parts]),
    )


def bright_radius_arcsec(flux_r: float) -> float:
    """Radius of the mask around a bright star: about 50" at r = 11 and 9" at r = 16."""
    magnitude = to_magnitude(flux_r)
    radius: float = 9.0 * 1.40 ** (16.0 - magnitude)
    return radius


@lru_cache(maxsize=4)
def faint_stamps(survey: SurveyParameters, step: int) -> NDArray[np.float32]:
    """The faint galaxies' shapes after the PSF, each of sum 1, (40, 31, 31)."""
    half = _FAINT_PX // 2
    axis = (np.arange(_FAINT_PX) - half) * survey.pixel_scale_arcsec * step
    x, y = np.meshgrid(axis, axis)
    stamps = np.empty((_FAINT_SHAPES, _FAINT_PX, _FAINT_PX), np.float32)
    for i, shape in enumerate(faint_shapes()):
        angle = math.radians(shape.position_angle_deg)
        major, minor = math.cos(angle) * y - math.sin(angle) * x, math.cos(angle) * x + math.sin(angle) * y
        r = np.hypot(np.hypot(major, minor / shape.axis_ratio), 0.1)
        stamps[i] = np.exp(-1.68 * r / shape.shape_r_arcsec)
    stamps = convolve_psf(stamps, survey, step)
    stamps /= stamps.sum((1, 2), keepdims=True)
    return stamps


@lru_cache(maxsize=1)
def faint_shapes() -> tuple[FaintShape, ...]:
    """The same forty shapes in every survey."""
    rng = np.random.default_rng(40)
    return tuple(
        FaintShape(float(rng.uniform(0.15, 0.9)), float(rng.uniform(0.35, 1.0)), float(rng.uniform(0, 180)))
        for _ in range(_FAINT_SHAPES)
    )


def _phase(offset: float) -> float:
    """The middle of that eighth of a pixel in which a position lies, -0.5..0.5."""
    return (min(math.floor((offset + 0.5) * _PHASES), _PHASES - 1) + 0.5) / _PHASES - 0.5


def _stamp(image: Image, stamp: Image, column: int, row: int, flux: NDArray[np.float32]) -> None:
    half = stamp.shape[0] // 2
    row0, row1 = max(0, row - half), min(image.shape[1], row + half + 1)
    col0, col1 = max(0, column - half), min(image.shape[2], column + half + 1)
    if row0 >= row1 or col0 >= col1:
        return
    part = stamp[row0 - row + half : row1 - row + half, col0 - column + half : col1 - column + half]
    image[:, row0:row1, col0:col1] += flux[:, None, None] * part


def _with_colours(
    rng: Generator, r_mag: NDArray[np.float64], g_minus_r: tuple[float, float], r_minus_z: tuple[float, float]
) -> NDArray[np.float32]:
    n = len(r_mag)
    t = rng.random(n)  # one number: what is red in g - r is red in r - z
    g = r_mag + g_minus_r[0] + t * (g_minus_r[1] - g_minus_r[0])
    z = r_mag - r_minus_z[0] - t * (r_minus_z[1] - r_minus_z[0])
    return to_nanomaggies(np.stack([g, r_mag, z], axis=1)).astype(np.float32)


def _fade(r: Image, reach: float) -> Image:
    """1 inside, falling to 0 over the last four tenths of the reach."""
    fade: Image = np.clip((1 - r / np.float32(reach)) / np.float32(0.4), 0, 1)
    return fade
