"""What is on the sky in the area of one brick: a function of the seed and the brick's number alone.

So a brick can be drawn without its neighbours having been drawn, and yet all agree on where they overlap.
"""

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from encoder.simulation.field import Points, Trail, draw_faint, draw_stars, draw_trail, join_points
from encoder.simulation.tiling import BRICK_DEG, PIXEL_ARCSEC, Brick
from encoder.simulation.truth import Galaxy, SurveyParameters, draw_galaxy
from encoder.surveys.magnitudes import to_nanomaggies

APART = 3.0  # galaxies keep this many of their summed half-light radii between them
TRAIL_CHANCE = 0.35


@dataclass(frozen=True)
class Scene:
    """The true content of one brick's own area; positions are (n, 2) arrays of ra, dec in degrees.

    Attributes:
        galaxies: The true galaxies, in the order of `positions`.
        positions: Right ascension and declination of the galaxies, degrees.
        points: Stars and faint galaxies; their x and y are pixels of a flat map of the area and not used.
        point_positions: Right ascension and declination of the points, degrees.
        trail: A satellite's track or None; its x and y are not used.
        trail_position: Right ascension and declination of a point on the track, (2,), degrees.
    """

    galaxies: tuple[Galaxy, ...]
    positions: NDArray[np.float64]
    points: Points
    point_positions: NDArray[np.float64]
    trail: Trail | None
    trail_position: NDArray[np.float64]


@lru_cache(maxsize=64)
def draw_scene(brick: Brick, n_galaxies: int, seed: int, survey: SurveyParameters) -> Scene:
    """Draw everything in the area that a brick owns."""
    rng = np.random.default_rng([seed, brick.brickid])
    size = BRICK_DEG * 3600 / PIXEL_ARCSEC
    width = 2 * brick.half_width * math.cos(math.radians(brick.dec)) * 3600 / PIXEL_ARCSEC
    trail = (
        draw_trail(rng, rng.uniform(0, width), rng.uniform(0, size)) if rng.random() < TRAIL_CHANCE else None
    )
    galaxies = [_with_artefact(draw_galaxy(rng, survey), rng, trail) for _ in range(n_galaxies)]
    spots = _place(galaxies, rng, width, size, trail)
    points = [draw_stars(rng, survey, width, size), draw_faint(rng, survey, width, size)]
    points += [
        artefact_star(galaxy, float(x), float(y))
        for galaxy, (x, y) in zip(galaxies, spots, strict=True)
        if galaxy.artefact == "spikes"
    ]
    joined = join_points(points)
    on_sky = _SkyMap(brick, width, size)
    return Scene(
        tuple(galaxies),
        on_sky(spots),
        joined,
        on_sky(np.stack([joined.x, joined.y], axis=1)),
        trail,
        on_sky(np.array([[trail.x, trail.y]]))[0] if trail else np.zeros(2),
    )


def artefact_star(galaxy: Galaxy, x: float, y: float) -> Points:
    """The saturated star beside which a spurious source at (x, y), native pixels, was catalogued."""
    rng = np.random.default_rng(galaxy.texture_seed)
    dx, dy = rng.normal(0, 0.6 * galaxy.shape_r_arcsec / PIXEL_ARCSEC, 2)
    r_mag = float(rng.uniform(10.5, 14.5))
    magnitudes = np.array([[r_mag + rng.uniform(0.2, 1.0), r_mag, r_mag - rng.uniform(0, 0.6)]])
    flux = to_nanomaggies(magnitudes).astype(np.float32)
    return Points(np.array([x + dx]), np.array([y + dy]), flux, np.array([-1]))


@dataclass(frozen=True)
class _SkyMap:
    """From pixels of a flat map of a brick's area to the sky; only densities matter: it may be rough."""

    brick: Brick
    width: float
    size: float

    def __call__(self, spots: NDArray[np.float64]) -> NDArray[np.float64]:
        """Right ascension and declination, (n, 2), degrees, of pixels (n, 2); west is where x grows."""
        ra = self.brick.ra + (0.5 - spots[:, 0] / self.width) * 2 * self.brick.half_width
        dec = self.brick.dec + (spots[:, 1] / self.size - 0.5) * BRICK_DEG
        return np.stack([ra % 360, dec], axis=1)


def _with_artefact(galaxy: Galaxy, rng: Generator, trail: Trail | None) -> Galaxy:
    """Only an area that a trail crosses has artefacts on a trail."""
    if galaxy.kind != "artefact":
        return galaxy
    return replace(galaxy, artefact="trail" if trail and rng.random() < 0.6 else "spikes")  # noqa: PLR2004 - a share


def _place(
    galaxies: list[Galaxy], rng: Generator, width: float, size: float, trail: Trail | None
) -> NDArray[np.float64]:
    """Places for the galaxies, no two of which overlap."""
    radius = np.array([galaxy.shape_r_arcsec for galaxy in galaxies]) / PIXEL_ARCSEC
    spots = np.full((len(galaxies), 2), -1e9)
    for i, galaxy in enumerate(galaxies):
        for _ in range(50):
            spots[i] = rng.uniform(0, 1, 2) * (width, size)
            if trail and galaxy.artefact == "trail":
                spots[i] = _on_trail(trail, rng, width, size)
            apart = np.hypot(*(spots[:i] - spots[i]).T)
            if np.all(apart > APART * (radius[:i] + radius[i])):
                break
    return spots


def _on_trail(trail: Trail, rng: Generator, width: float, size: float) -> NDArray[np.float64]:
    along = np.array([math.cos(trail.angle), math.sin(trail.angle)])
    while True:
        spot: NDArray[np.float64] = np.array([trail.x, trail.y]) + along * rng.uniform(-size, size)
        spot += rng.normal(0, 6, 2)
        if 0 < spot[0] < width and 0 < spot[1] < size:
            return spot
