"""Simulated galaxies as cutouts for training, each with its votes and its truth, without bricks."""

import math
from dataclasses import asdict, dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.sparse import csr_array

from encoder.model.gz_tree import GZD5
from encoder.model.recipe import FIELD_PX
from encoder.simulation.field import add_points, add_trail, draw_faint, draw_stars, draw_trail
from encoder.simulation.galaxies import total_flux
from encoder.simulation.scene import APART, artefact_star
from encoder.simulation.sky import add_noise
from encoder.simulation.stamps import add_galaxy
from encoder.simulation.truth import Galaxy, SurveyParameters, draw_galaxy
from encoder.simulation.votes import draw_votes, vote_chances
from encoder.surveys.description import ScaleRule

_SCALE = ScaleRule()


@dataclass(frozen=True)
class SimulatedCutouts:
    """Cutouts with known truth.

    Attributes:
        flux: Nanomaggies per native 0.262" pixel area in g, r, z, (n, 3, size, size); rows grow to the north.
        votes: Votes of every answer in the tree's order, (n, 34).
        truth: One array (n,) for every field of `encoder.simulation.truth.Galaxy`, and flux_g, flux_r and
            flux_z.
    """

    flux: NDArray[np.float32]
    votes: NDArray[np.int64]
    truth: dict[str, NDArray[np.generic]]


def draw_cutouts(
    n: int, seed: int, size: int = 160, survey: SurveyParameters | None = None
) -> SimulatedCutouts:
    """Draw galaxies and their votes for training, without bricks.

    The field is 424 x max(0.04 shape_r, 0.1) arcsec. A field is drawn and given its noise on native pixels
    (binned 2 x 2 where the output pixel is wider than 2.3 natives), then area-averaged to the output grid, or
    interpolated where the output is finer: noise is correlated just as in a cutout of a brick.

    Args:
        n: Number of galaxies to draw.
        seed: The same seed gives the same cutouts; give each process its own.
        size: Width and height of a cutout, pixels.
        survey: Ranges to draw from; without it, the usual ones.
    """
    survey = survey or SurveyParameters()
    rng = np.random.default_rng(seed)
    galaxies = [draw_galaxy(rng, survey) for _ in range(n)]
    flux = np.empty((n, 3, size, size), np.float32)
    votes = np.empty((n, GZD5.n_answers), np.int64)
    for i, galaxy in enumerate(galaxies):
        flux[i] = cutout(galaxy, rng, survey, size)
        votes[i] = draw_votes(galaxy, rng, survey)
    return SimulatedCutouts(flux, votes, truth_columns(galaxies))


def expected_fractions(n: int, seed: int, survey: SurveyParameters | None = None) -> NDArray[np.float32]:
    """Mean vote fractions of the galaxies of `draw_cutouts`, (n, 34): what knowing the truth foretells.

    Args:
        n: The number of galaxies that was given to `draw_cutouts`.
        seed: The seed that was given to it.
        survey: The ranges that were given to it; None for the usual ones.
    """
    survey = survey or SurveyParameters()
    rng = np.random.default_rng(seed)
    galaxies = [draw_galaxy(rng, survey) for _ in range(n)]
    chances = [vote_chances(galaxy, survey) for galaxy in galaxies]
    rows = [np.concatenate([c[question.name] for question in GZD5.questions]) for c in chances]
    return np.stack(rows).astype(np.float32)


def cutout(galaxy: Galaxy, rng: Generator, survey: SurveyParameters, size: int) -> NDArray[np.float32]:
    """One galaxy in its field with noise, (3, size, size) nanomaggies per native pixel area."""
    field_arcsec = FIELD_PX * max(_SCALE.shape_r * galaxy.shape_r_arcsec, _SCALE.minimum_arcsec)
    ratio = field_arcsec / survey.pixel_scale_arcsec / size
    step = 2 if ratio > 2.3 else 1  # noqa: PLR2004 - the PSF stays sampled at 2.5 pixels a FWHM
    n = math.ceil(field_arcsec / survey.pixel_scale_arcsec / step) + 3
    middle = (n - 1) / 2 + rng.uniform(-0.5, 0.5, 2)
    image = _field(galaxy, rng, survey, n, middle, step)
    add_noise(image, rng, survey, step)
    across, down = (_averaging(n, float(m), ratio / step, size) for m in middle)
    return np.stack([(across @ (down @ band).T).T for band in image])


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
    image = np.zeros((3, n, n), np.float32)
    x, y = (float(m) for m in middle)
    if galaxy.artefact == "spikes":
        add_points(image, artefact_star(galaxy, x * step, y * step), survey, step)
    else:
        add_galaxy(image, galaxy, x, y, survey, step)
    area_arcmin2 = (n * step * survey.pixel_scale_arcsec / 60) ** 2
    for _ in range(int(rng.poisson(survey.neighbours_per_arcmin2 * area_arcmin2))):
        neighbour, at = draw_galaxy(rng, survey), rng.uniform(0, n, 2)
        apart_arcsec = math.dist(at, middle) * survey.pixel_scale_arcsec * step
        if apart_arcsec > APART * (galaxy.shape_r_arcsec + neighbour.shape_r_arcsec):
            add_galaxy(image, neighbour, float(at[0]), float(at[1]), survey, step)
    add_points(image, draw_faint(rng, survey, n * step, n * step), survey, step)
    add_points(image, draw_stars(rng, survey, n * step, n * step), survey, step)
    if galaxy.artefact == "trail":
        near = (middle + rng.normal(0, 0.02 * n, 2)) * step
        add_trail(image, draw_trail(rng, float(near[0]), float(near[1])), step)
    return image


def _averaging(n: int, middle: float, ratio: float, size: int) -> csr_array:
    """Weights (size, n) of a box `max(ratio, 1)` pixels wide: area averaging, or linear interpolation.

    All but a few weights of a row are zero.
    """
    centres = middle + (np.arange(size) - (size - 1) / 2) * ratio
    half = max(ratio, 1.0) / 2
    edges = np.arange(n + 1) - 0.5
    covered = np.clip(edges[None, :], (centres - half)[:, None], (centres + half)[:, None])
    weights = np.diff(covered, axis=1)
    return csr_array((weights / weights.sum(1, keepdims=True)).astype(np.float32))
