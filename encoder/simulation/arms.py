"""Logarithmic arms: spiral arms and tidal tails, each with its own length, pitch and brightness.

An arm is a ridge along azimuth = start + cot(pitch) ln(R / R0). Real arms are uneven: strengths, pitches and
lengths are jittered arm by arm, the ridge wanders, spurs branch off, and knots of young stars lie along it.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from encoder.simulation.plane import Plane
from encoder.simulation.truth import Galaxy

Image = NDArray[np.float32]


@dataclass(frozen=True)
class Arm:
    """One arm; radii and widths in disk scale lengths.

    Attributes:
        start: Azimuth at the inner radius, radians.
        winding: Cotangent of the pitch angle, with the sense of rotation as its sign.
        inner: Radius at which the arm begins.
        outer: Radius at which it fades.
        width: Gaussian sigma across the arm at the inner radius.
        flare: Growth of that sigma with radius.
        brightness: Brightness relative to the galaxy's other arms.
    """

    start: float
    winding: float
    inner: float
    outer: float
    width: float
    flare: float
    brightness: float


def draw_arms(galaxy: Galaxy, rng: Generator, phase0: float, inner: float) -> list[Arm]:
    """The arms of a spiral, beginning at the bar's ends or near the bulge."""
    sense = 1.0 if rng.random() < 0.5 else -1.0  # noqa: PLR2004 - either way round
    tan = math.tan(math.radians(galaxy.pitch_deg))
    # Neighbouring ridges lie 2 pi R tan(pitch) / m apart: an arm takes a sixth of that at most.
    room = 2 * math.pi * tan / max(galaxy.arms, 2)
    flare = min(0.16, room / 7)
    arms = []
    for j in range(galaxy.arms):
        start = phase0 + 2 * math.pi * j / galaxy.arms + float(rng.normal(0, 0.12 if galaxy.arms > 1 else 0))
        winding = sense / (tan * float(rng.lognormal(0, 0.07)))
        outer = inner + float(rng.uniform(2.0, 3.4))
        arms.append(Arm(start, winding, inner, outer, 0.06, flare, float(rng.lognormal(0, 0.25))))
    for _ in range(int(rng.integers(0, 3)) if galaxy.arms > 1 else 0):
        parent = arms[int(rng.integers(len(arms)))]
        arms.append(_spur(parent, rng))
    return arms


def draw_tails(galaxy: Galaxy, rng: Generator) -> list[Arm]:
    """One or two open, widening tidal tails."""
    sense = 1.0 if rng.random() < 0.5 else -1.0  # noqa: PLR2004 - either way round
    start = float(rng.uniform(0, 2 * math.pi))
    count = 1 if galaxy.disturbance == "minor" or rng.random() < 0.4 else 2  # noqa: PLR2004 - a share
    tails = []
    for j in range(count):
        pitch = math.radians(float(rng.uniform(28, 60)))
        outer = float(rng.uniform(4.0, 7.5))
        start_j = start + math.pi * j + float(rng.normal(0, 0.3))
        tails.append(
            Arm(start_j, sense / math.tan(pitch), 1.2, outer, 0.2, 0.09, float(rng.lognormal(0, 0.4)))
        )
    return tails


def arm_image(arms: list[Arm], p: Plane, rng: Generator, falloff: float = 1.45) -> tuple[Image, Image]:
    """Light of all arms, and the dust along their inner edges.

    Args:
        arms: The arms to draw.
        p: Coordinates of the pixels in the plane of the galaxy.
        rng: Randomness of the small structure.
        falloff: Scale length of the arms' brightness in units of the disk's.

    Returns:
        Light (any normalisation) and optical depth in r, both (h, w).
    """
    r = np.maximum(p.radius / np.float32(p.scale), 0.02)
    log_r = np.log(r)
    phases = rng.uniform(0, 2 * math.pi, 3)
    wander = 0.16 * np.cos(3.1 * log_r + np.cos(p.azimuth - phases[0]) + phases[1]).astype(np.float32)
    wander += np.float32(0.10) * np.cos(7 * log_r + 2 * p.azimuth + np.float32(phases[2]))
    light, dust = np.zeros_like(r), np.zeros_like(r)
    depth = float(rng.uniform(0.1, 0.7))
    for arm in arms:
        ridge, across = _ridge(arm, r, log_r, p.azimuth + wander)
        clumps = np.exp(0.45 * np.cos(9 * log_r * arm.winding / 3 + np.float32(rng.uniform(0, 6.28))))
        clumps *= np.exp(0.3 * np.cos(17 * log_r + 5 * p.azimuth + np.float32(rng.uniform(0, 6.28))))
        light += np.float32(arm.brightness) * ridge * clumps
        dust = np.maximum(dust, depth * ridge * np.exp(-0.5 * ((across + 1.1) / 0.45) ** 2))
    light *= np.exp(-r / np.float32(falloff))
    return light, dust


def add_knots(arms: list[Arm], p: Plane, rng: Generator, scatter: float = 0.12) -> Image:
    """Star-forming knots along the arms: clusters of points, sharp before the PSF.

    Args:
        arms: The arms along which the knots lie.
        p: Coordinates of the pixels in the plane of the galaxy.
        rng: Source of all randomness.
        scatter: Distance from the ridge, in units of the radius.

    Returns:
        Light of the knots, (h, w), in any normalisation.
    """
    count, points = int(rng.integers(25, 60)), 9
    arm = [arms[int(i)] for i in rng.integers(0, len(arms), count)]
    inner = np.array([a.inner for a in arm])
    r = inner + (np.array([a.outer for a in arm]) - inner) * rng.beta(1.2, 1.9, count)
    azimuth = np.array([a.start + a.winding * math.log(rr / a.inner) for a, rr in zip(arm, r, strict=True)])
    flux = rng.lognormal(0, 0.9, count) * np.exp(-r / 2.2)
    u = np.repeat(r * np.cos(azimuth) + rng.normal(0, scatter, count) * r, points)
    v = np.repeat(r * np.sin(azimuth) + rng.normal(0, scatter, count) * r, points)
    u, v = u + rng.normal(0, 0.07, u.size), v + rng.normal(0, 0.07, u.size)
    return p.splat(u * p.scale, v * p.scale, np.repeat(flux, points))


def _spur(parent: Arm, rng: Generator) -> Arm:
    """A short, more open branch off an arm."""
    inner = float(parent.inner + rng.uniform(0.0, 0.5) * (parent.outer - parent.inner))
    return Arm(
        start=parent.start + parent.winding * math.log(inner / parent.inner),
        winding=parent.winding * float(rng.uniform(0.45, 0.75)),
        inner=inner,
        outer=inner + float(rng.uniform(0.8, 1.6)),
        width=parent.width,
        flare=parent.flare * 0.8,
        brightness=parent.brightness * float(rng.uniform(0.4, 0.8)),
    )


def _ridge(arm: Arm, r: Image, log_r: Image, azimuth: Image) -> tuple[Image, Image]:
    """Brightness of an arm's ridge (1 on it), and the distance across in units of its width."""
    turn = (
        azimuth - np.float32(arm.start) - np.float32(arm.winding) * (log_r - np.float32(math.log(arm.inner)))
    )
    turn -= np.float32(2 * math.pi) * np.round(turn / np.float32(2 * math.pi))
    sine = 1 / math.hypot(1, arm.winding)
    across = r * turn * np.float32(sine) / (np.float32(arm.width) + np.float32(arm.flare) * r)
    begins = np.clip((r / np.float32(arm.inner) - 0.75) / 0.45, 0, 1)
    fades = np.clip((np.float32(arm.outer * 1.15) - r) / np.float32(0.5 * arm.outer), 0, 1)
    ridge: Image = np.exp(-0.5 * across**2) * begins * (fades * fades * (3 - 2 * fades))
    ridge *= np.float32(0.5) + np.float32(0.5) * np.cos(turn)  # nothing is left where the azimuth wraps
    return ridge, across * np.float32(math.copysign(1, arm.winding))
