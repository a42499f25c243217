"""Shapes on the sphere a second way: winding angles, sampled outlines, Girard's theorem; ICRS degrees."""

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Shape = list[float]
"""A circle of three numbers, or a polygon of six and more."""


def holds(shape: Shape, where: SkyCoord) -> NDArray[np.bool_]:
    """Whether each position lies in a shape; a polygon is no larger than the half of the sky about it."""
    if len(shape) == 3:
        return np.asarray(where.separation(SkyCoord(shape[0], shape[1], unit="deg")).deg <= shape[2])
    there = corners(shape)
    direction = where[:, None].position_angle(there[None, :]).rad
    turned = np.diff(direction, axis=1, append=direction[:, :1])
    turned = (turned + np.pi) % (2 * np.pi) - np.pi
    middle = SkyCoord(there.cartesian.sum())
    return np.asarray((where.separation(middle).deg < 90) & (np.abs(turned.sum(axis=1)) > np.pi))


def corners(shape: Shape) -> SkyCoord:
    """Vertices of a polygon, (n,)."""
    pairs = np.array(shape, dtype=float).reshape(-1, 2)
    return SkyCoord(pairs[:, 0], pairs[:, 1], unit="deg")


def outline(shape: Shape, n: int = 300) -> SkyCoord:
    """Positions on the outline, n a circle or an edge."""
    if len(shape) == 3:
        centre = SkyCoord(shape[0], shape[1], unit="deg")
        return centre.directional_offset_by(np.linspace(0, 360, n, endpoint=False) * u.deg, shape[2] * u.deg)
    begin = corners(shape).cartesian.xyz.value.T
    end = np.roll(begin, -1, axis=0)
    step = np.linspace(0, 1, n, endpoint=False)[None, :, None]
    points = (begin[:, None] * (1 - step) + end[:, None] * step).reshape(-1, 3)
    return SkyCoord(*points.T, representation_type="cartesian").transform_to("icrs")


def lies_in(shape: Shape, other: Shape) -> bool:
    """Whether the sampled outline of one shape is inside the other, and encloses nothing that is outside."""
    if len(other) == 3 and other[2] < 180:
        opposite = SkyCoord([other[0] + 180], [-other[1]], unit="deg")
        if holds(shape, opposite)[0]:
            return False
    return bool(holds(other, outline(shape)).all())


def meets(shape: Shape, other: Shape) -> bool:
    """Whether the sampled outline of one shape is somewhere inside the other."""
    return bool(holds(other, outline(shape)).any() or holds(shape, outline(other)).any())


def girard_area(shape: Shape) -> float:
    """Area of a polygon from its interior angles, deg2; its vertices go round as position angles do."""
    there = corners(shape)
    ahead = there.position_angle(there[np.roll(np.arange(len(there)), -1)]).rad
    back = there.position_angle(there[np.roll(np.arange(len(there)), 1)]).rad
    interior = (back - ahead) % (2 * np.pi)
    return float((interior.sum() - (len(there) - 2) * np.pi) * np.degrees(1) ** 2)


def positions_around(ra: float, dec: float, radius_deg: float, n: int, rng: np.random.Generator) -> SkyCoord:
    """Positions evenly over a cap of the sphere."""
    far = np.arccos(1 - rng.uniform(0, 1 - np.cos(np.radians(radius_deg)), n)) * u.rad
    return SkyCoord(ra, dec, unit="deg").directional_offset_by(rng.uniform(0, 360, n) * u.deg, far)


def random_polygon(rng: np.random.Generator, ra: float, dec: float, size_deg: float) -> Shape:
    """A polygon, convex or not, that does not cross itself, about a position; eastwards."""
    n = int(rng.integers(3, 8))
    # No gap of half a turn, so that the position is inside.
    angles = (np.arange(n) + rng.uniform(0, 0.4, n)) * 360 / n + rng.uniform(0, 360)
    there = SkyCoord(ra, dec, unit="deg").directional_offset_by(
        angles * u.deg, size_deg * rng.uniform(0.3, 1, n) * u.deg
    )
    return [float(x) for x in np.column_stack([there.ra.deg, there.dec.deg]).ravel()]
