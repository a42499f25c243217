"""The simulated survey: galaxies whose true class is known, as bricks on disk or as training cutouts.

The only simulator module that other code imports. Parameter ranges: `SurveyParameters`.
"""

import math
from dataclasses import asdict, dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from encoder.simulated_field import (
    add_bright_star,
    add_points,
    add_trail,
    draw_faint,
    draw_stars,
    draw_trail,
)
from encoder.simulated_galaxies import paint, total_flux
from encoder.simulated_sky import add_noise, convolve_psf
from encoder.simulated_truth import Galaxy, SurveyParameters, draw_galaxy
from encoder.simulated_votes import draw_votes

__all__ = ["SimulatedCutouts", "SurveyParameters", "draw_cutouts"]

FIELD_PX = 424
SHAPE_R_FACTOR = 0.04
SMALLEST_PIXSCALE_ARCSEC = 0.1


@dataclass(frozen=True)
class SimulatedCutouts:
    """Cutouts with known truth.

    Attributes:
        flux: Nanomaggies per native 0.262" pixel area in g, r, z, (n, 3, size, size); rows grow to the north.
        votes: Votes of every answer in the tree's order, (n, 34).
        truth: One array (n,) for every field of `simulated_truth.Galaxy`, and flux_g, flux_r, flux_z.
    """

    flux: NDArray[np.float32]
    votes: NDArray[np.int64]
    truth: dict[str, NDArray[np.generic]]


def draw_cutouts(n: int, seed: int, size: int = 160) -> SimulatedCutouts:
    """Draw galaxies and their votes for training, without bricks.

    The field is 424 x max(0.04 shape_r, 0.1) arcsec. A field is drawn and given its noise on native pixels (binned
    2 x 2 where the output pixel is wider than 2.3 natives) and then area-averaged to the output
    grid, or interpolated where the output is finer: noise is correlated just as in a cutout of a brick.

    Args:
        n: How many.
        seed: The same seed gives the same cutouts; give each process its own.
        size: Width and height of a cutout, pixels.
    """
    survey = SurveyParameters()
    rng = np.random.default_rng(seed)
    galaxies = [draw_galaxy(rng, survey) for _ in range(n)]
    flux = np.empty((n, 3, size, size), np.float32)
    votes = np.empty((n, 34), np.int64)
    for i, galaxy in enumerate(galaxies):
        flux[i] = cutout(galaxy, rng, survey, size)
        votes[i] = draw_votes(galaxy, rng, survey)
    return SimulatedCutouts(flux, votes, truth_columns(galaxies))


def cutout(galaxy: Galaxy, rng: Generator, survey: SurveyParameters, size: int) -> NDArray[np.float32]:
    """One galaxy in its field with noise, (3, size, size) nanomaggies per native pixel area."""
    field_arcsec = FIELD_PX * max(SHAPE_R_FACTOR * galaxy.shape_r_arcsec, SMALLEST_PIXSCALE_ARCSEC)
    ratio = field_arcsec / survey.pixel_scale_arcsec / size
    step = 2 if ratio > 2.3 else 1  # noqa: PLR2004 - the PSF stays sampled at 2.5 pixels a FWHM
    n = math.ceil(field_arcsec / survey.pixel_scale_arcsec / step) + 3
    middle = (n - 1) / 2 + rng.uniform(-0.5, 0.5, 2)
    image = _field(galaxy, rng, survey, n, middle, step)
    add_noise(image, rng, survey, step)
    across, down = (_averaging(n, float(m), ratio / step, size) for m in middle)
    averaged: NDArray[np.float32] = np.matmul(np.matmul(down, image), across.T).astype(np.float32, copy=False)
    return averaged


def truth_columns(galaxies: list[Galaxy]) -> dict[str, NDArray[np.generic]]:
    """One array for every field of a galaxy, and its true fluxes."""
    rows = [asdict(galaxy) for galaxy in galaxies]
    columns: dict[str, NDArray[np.generic]] = {
        name: np.array([row[name] for row in rows]) for name in rows[0]
    }
    flux = np.array([total_flux(galaxy) for galaxy in galaxies])
    return columns | {f"flux_{band}": flux[:, i] for i, band in enumerate("grz")}


def _field(
    galaxy: Galaxy, rng: Generator, survey: SurveyParameters, n: int, middle: NDArray[np.float64], step: int
) -> NDArray[np.float32]:
    """The noiseless field around a galaxy, (3, n, n), on pixels `step` natives wide."""
    pixel = survey.pixel_scale_arcsec * step
    x, y = np.meshgrid(*((np.arange(n) - m) * pixel for m in middle))
    if galaxy.artefact == "spikes":
        image = np.zeros((3, n, n), np.float32)
    else:
        image = paint(galaxy, x.astype(np.float32), y.astype(np.float32), pixel)
        image = convolve_psf(image, survey, step)
        image *= np.float32(1 / step**2)
    add_points(image, draw_faint(rng, survey, n * step, n * step), survey, step)
    add_points(image, draw_stars(rng, survey, n * step, n * step), survey, step)
    if galaxy.artefact == "spikes":
        at = middle + rng.normal(0, 0.04 * n, 2)
        add_bright_star(image, float(at[0]), float(at[1]), _star_flux(rng), survey, step)
    if galaxy.artefact == "trail":
        near = (middle + rng.normal(0, 0.04 * n, 2)) * step
        add_trail(image, draw_trail(rng, float(near[0]), float(near[1])), step)
    return image


def _star_flux(rng: Generator) -> NDArray[np.float32]:
    r_mag = float(rng.uniform(10.5, 14.5))
    magnitudes = np.array([r_mag + rng.uniform(0.2, 1.0), r_mag, r_mag - rng.uniform(0, 0.6)])
    return (10 ** ((22.5 - magnitudes) / 2.5)).astype(np.float32)


def _averaging(n: int, middle: float, ratio: float, size: int) -> NDArray[np.float32]:
    """Weights (size, n) of a box `max(ratio, 1)` pixels wide: area averaging, or linear interpolation."""
    centres = middle + (np.arange(size) - (size - 1) / 2) * ratio
    half = max(ratio, 1.0) / 2
    edges = np.arange(n + 1) - 0.5
    covered = np.clip(edges[None, :], (centres - half)[:, None], (centres + half)[:, None])
    weights = np.diff(covered, axis=1)
    averaging: NDArray[np.float32] = (weights / weights.sum(1, keepdims=True)).astype(np.float32)
    return averaging
