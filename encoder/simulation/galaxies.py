"""A true galaxy's light on a pixel grid, before PSF and noise.

Every part (bulge, disk, arms, bar, ring, tail) is painted in the plane of the disk and seen inclined.
Parts are (h, w) images of sum 1; a part's age gives its colour. Lengths inside are arcsec.
"""

import math
from dataclasses import replace

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from encoder.simulation.arms import add_knots, arm_image, draw_arms, draw_tails
from encoder.simulation.plane import Plane, plane_of
from encoder.simulation.truth import Galaxy
from encoder.surveys.magnitudes import to_nanomaggies

Image = NDArray[np.float32]
_WAVES = 6
REACH = 6.0  # a stamp's half width in half-light radii; profiles taper to 0 there


def paint(galaxy: Galaxy, x: Image, y: Image, pixel_arcsec: float) -> NDArray[np.float32]:
    """Paint a galaxy.

    Args:
        galaxy: The galaxy to paint.
        x: Offset from its centre towards the west (growing with the column), arcsec, (h, w).
        y: Offset towards the north (growing with the row), arcsec, (h, w).
        pixel_arcsec: Width of a pixel, arcsec.

    Returns:
        Image in g, r and z, (3, h, w), nanomaggies per pixel; the sum of a band is the galaxy's total flux.
    """
    rng = np.random.default_rng(galaxy.texture_seed)
    image = np.zeros((3, *x.shape), np.float32)
    x, y = _disturb(galaxy, rng, x, y)
    bodies = {
        "elliptical": _elliptical,
        "artefact": _elliptical,
        "edge-on": _edge_on,
        "irregular": _irregular,
    }
    bodies.get(galaxy.kind, _disk)(galaxy, plane_of(galaxy, x, y, pixel_arcsec), rng, image)
    _add_disturbance(galaxy, x, y, pixel_arcsec, rng, image)
    image *= _taper(x, y, galaxy.shape_r_arcsec)
    scale: Image = total_flux(galaxy) / image.sum((1, 2), dtype=np.float32)
    image *= scale[:, None, None]
    return image


def total_flux(galaxy: Galaxy) -> NDArray[np.float32]:
    """Flux of the whole object in g, r, z, nanomaggies, (3,)."""
    age = galaxy.youth * (1 - galaxy.bulge_fraction) if galaxy.kind != "elliptical" else 0.0
    return (to_nanomaggies(galaxy.r_mag) * colour(age, galaxy.redshift)).astype(np.float32)


def colour(youth: float, redshift: float) -> NDArray[np.float32]:
    """Flux in g, r, z relative to r of a population, redder with age and redshift, (3,)."""
    g_minus_r = 0.70 - 0.50 * youth + (1.5 - 0.4 * youth) * redshift
    r_minus_z = 0.58 - 0.44 * youth + 0.8 * redshift
    return np.array([10 ** (-0.4 * g_minus_r), 1.0, 10 ** (0.4 * r_minus_z)], np.float32)


def _disk(galaxy: Galaxy, p: Plane, rng: Generator, image: Image) -> None:
    """Exponential disk with whatever it has of bulge, bar, rings and arms."""
    r = p.radius / np.float32(p.scale)
    light = 1 - galaxy.bulge_fraction
    bar = light * (0.06 + 0.26 * galaxy.bar_strength) if galaxy.bar_strength else 0.0
    ring = light * (0.0 if galaxy.ring == "none" else float(rng.uniform(0.2, 0.4)))
    arms = (light - bar - ring) * galaxy.arm_strength
    phase0 = float(rng.uniform(0, 2 * math.pi))
    disk = np.exp(-np.hypot(r, 0.1)) * _lognormal(_waves(rng, p.major, p.minor, 1.2 * p.scale), 0.08)
    dust = np.zeros_like(disk)
    if galaxy.arms:
        inner = galaxy.bar_length if galaxy.bar_strength else 0.45
        spiral = draw_arms(galaxy, rng, phase0, inner)
        pattern, dust = arm_image(spiral, p, rng)
        _add(image, galaxy, pattern, arms * 0.8, galaxy.youth + 0.15)
        knots = add_knots(spiral, p, rng)
        _add(image, galaxy, knots, arms * 0.2 * galaxy.youth, 1.25)
    _add(image, galaxy, disk, light - bar - ring - arms, galaxy.youth * 0.8)
    if ring:
        where = 1.7 if galaxy.ring == "inner" else 3.0
        if galaxy.bar_strength and galaxy.ring == "inner":
            where = galaxy.bar_length * 1.05
        _add(
            image, galaxy, _ring(p, where, 0.12 * where, rng), ring, galaxy.youth + float(rng.uniform(0, 0.5))
        )
    image *= np.exp(-dust * np.array([1.3, 1.0, 0.6], np.float32)[:, None, None])
    if bar:
        _add(image, galaxy, _bar(galaxy, p, phase0), bar, 0.1)
    if galaxy.bulge_fraction:
        # A bulge is a flattened spheroid: rounder on the sky than its disk.
        q = 1 - 0.6 * (1 - galaxy.axis_ratio)
        bulge_re = p.scale * (0.22 + 0.75 * galaxy.bulge_fraction)
        _add(image, galaxy, sersic(p, q, galaxy.sersic, bulge_re), galaxy.bulge_fraction, 0.0)


def _elliptical(galaxy: Galaxy, p: Plane, rng: Generator, image: Image) -> None:  # noqa: ARG001 - one signature for all bodies
    _add(image, galaxy, sersic(p, galaxy.axis_ratio, galaxy.sersic, galaxy.shape_r_arcsec), 1.0, 0.0)


def _edge_on(galaxy: Galaxy, p: Plane, rng: Generator, image: Image) -> None:
    """Thin sech^2 disk with a dust lane, and its bulge: none, round, or boxy."""
    scale = galaxy.shape_r_arcsec / 1.25
    along = np.hypot(p.major / np.float32(scale), 0.15)
    warp = np.float32(rng.normal(0, 0.012) / scale) * p.major * np.abs(p.major)
    height = (p.minor + warp) / np.float32(galaxy.axis_ratio * scale)
    clumps = _lognormal(_waves(rng, p.major, p.minor * 3, 0.7 * scale), 0.25 * galaxy.youth)
    disk = np.exp(-along) * clumps / np.cosh(np.minimum(np.abs(height), 20)) ** 2
    _add(image, galaxy, disk, 1 - galaxy.bulge_fraction, galaxy.youth)
    lane = float(rng.uniform(0.0, 1.3)) * np.exp(
        -0.5 * ((height - rng.normal(0, 0.15)) / 0.35) ** 2 - along / 2.5
    )
    if galaxy.bulge_fraction:
        boxy = galaxy.edge_on_bulge == "boxy"
        q, re, box = (0.5, 0.6 * scale, 5.0) if boxy else (float(rng.uniform(0.65, 0.95)), 0.35 * scale, 2.0)
        _add(image, galaxy, sersic(p, q, galaxy.sersic, re, box), galaxy.bulge_fraction, 0.0)
    image *= np.exp(-lane * np.array([1.4, 1.0, 0.55], np.float32)[:, None, None])


def _irregular(galaxy: Galaxy, p: Plane, rng: Generator, image: Image) -> None:
    """A lopsided blue body with clumps."""
    r = p.radius / np.float32(p.scale)
    patches = _lognormal(_waves(rng, p.major, p.minor, 2.4 * p.scale), 0.25)
    patches *= _lognormal(_waves(rng, p.major, p.minor, 4.0 * p.scale), 0.35)
    body = np.exp(-np.hypot(r, 0.7) * (1 + 0.3 * np.cos(p.azimuth - rng.uniform(0, 6.28)))) * patches
    _add(image, galaxy, body, 0.9, galaxy.youth)
    ragged = replace(galaxy, arms=1, pitch_deg=60.0)
    clumps = add_knots(draw_arms(ragged, rng, 0.0, 0.3), p, rng, scatter=1.2)
    _add(image, galaxy, clumps, 0.1, 1.2)


def sersic(p: Plane, axis_ratio: float, index: float, re_arcsec: float, box: float = 2.0) -> Image:
    """A Sersic profile; `box` above 2 makes its isophotes boxy."""
    a, b = np.abs(p.major), np.abs(p.minor) / np.float32(axis_ratio)
    r = np.hypot(a, b) if box == 2.0 else (a**box + b**box) ** np.float32(1 / box)  # noqa: PLR2004 - an ellipse
    r = np.hypot(r, 0.4 * p.pixel) / np.float32(re_arcsec)
    b_n = 2 * index - 1 / 3 + 0.009876 / index
    profile: Image = np.exp(np.float32(-b_n) * r ** np.float32(1 / index))
    return profile


def _bar(galaxy: Galaxy, p: Plane, phase0: float) -> Image:
    u = p.radius * np.cos(p.azimuth - np.float32(phase0)) / np.float32(galaxy.bar_length * p.scale)
    v = p.radius * np.sin(p.azimuth - np.float32(phase0)) / np.float32(galaxy.bar_length * p.scale)
    width = 0.32 - 0.10 * galaxy.bar_strength
    r = (np.abs(u) ** 3 + np.abs(v / np.float32(width)) ** 3) ** np.float32(1 / 3)
    bar: Image = np.exp(-0.8 * r - (r / 0.95) ** 6)
    return bar


def _ring(p: Plane, radius: float, width: float, rng: Generator) -> Image:
    """A slightly oval, patchy annulus; radius and width in scale lengths."""
    oval = 1 + 0.07 * np.cos(2 * (p.azimuth - np.float32(rng.uniform(0, 6.28))))
    r = p.radius / np.float32(p.scale) * oval
    patches = _lognormal(_waves(rng, p.major, p.minor, radius * p.scale), 0.2)
    ring: Image = np.exp(-0.5 * ((r - radius) / width) ** 2) * patches
    return ring


def _disturb(galaxy: Galaxy, rng: Generator, x: Image, y: Image) -> tuple[Image, Image]:
    """Bend the sky around a disturbed or irregular galaxy so that its body comes out crooked."""
    bend = {"none": 0.0, "minor": 0.1, "major": 0.3, "merger": 0.12}[galaxy.disturbance]
    if galaxy.kind == "irregular":
        bend = max(bend, 0.25)
    bend *= 0.3 if galaxy.kind == "edge-on" else 1.0
    if not bend:
        return x, y
    size = galaxy.shape_r_arcsec
    return (
        x + np.float32(bend * size) * _waves(rng, x, y, 4.5 * size),
        y + np.float32(bend * size) * _waves(rng, x, y, 4.5 * size),
    )


def _add_disturbance(galaxy: Galaxy, x: Image, y: Image, pixel: float, rng: Generator, image: Image) -> None:
    """Tails, shells, second nuclei and companions."""
    if galaxy.disturbance == "none":
        return
    size = galaxy.shape_r_arcsec
    total = float(image[1].sum())
    tilted = replace(galaxy, axis_ratio=float(rng.uniform(0.4, 0.9)), kind="disk", bulge_fraction=0.0)
    p = plane_of(tilted, x, y, pixel)
    tail_light = {"minor": 0.09, "major": 0.28, "merger": 0.2}[galaxy.disturbance]
    tails = draw_tails(galaxy, rng)
    pattern, _ = arm_image(tails, p, rng, falloff=2.2)
    _add(image, galaxy, pattern, tail_light * total, 0.5 * galaxy.youth + 0.2)
    if galaxy.disturbance == "minor":
        return
    apart = size * float(rng.uniform(0.5, 1.1) if galaxy.disturbance == "major" else rng.uniform(1.3, 2.6))
    angle = float(rng.uniform(0, 2 * math.pi))
    share = float(rng.uniform(0.15, 0.35) if galaxy.disturbance == "major" else rng.uniform(0.4, 1.0))
    other = _companion(galaxy, rng, share)
    dx, dy = np.float32(apart * math.cos(angle)), np.float32(apart * math.sin(angle))
    second = np.zeros_like(image)
    body = _elliptical if other.kind == "elliptical" else _disk
    body(other, plane_of(other, x - dx, y - dy, pixel), rng, second)
    image += second * np.float32(share * total / second[1].sum())


def _companion(galaxy: Galaxy, rng: Generator, share: float) -> Galaxy:
    return replace(
        galaxy,
        kind="elliptical" if rng.random() < 0.4 else "spiral",  # noqa: PLR2004 - a share
        shape_r_arcsec=galaxy.shape_r_arcsec
        * math.sqrt(share)
        * (0.6 if galaxy.disturbance == "major" else 0.9),
        position_angle_deg=float(rng.uniform(0, 180)),
        axis_ratio=float(rng.uniform(0.4, 0.95)),
        sersic=2.5,
        bulge_fraction=float(rng.uniform(0.1, 0.4)),
        arms=2,
        pitch_deg=25.0,
        arm_strength=0.35,
        bar_strength=0.0,
        ring="none",
    )


def _add(image: Image, galaxy: Galaxy, part: Image, flux: float, youth: float) -> None:
    """Add a part whose r flux is `flux`, in the colour of its age."""
    weights = colour(youth, galaxy.redshift) * (flux / part.sum())
    for band in range(3):
        image[band] += weights[band] * part


def _waves(rng: Generator, u: Image, v: Image, wavelength: float) -> Image:
    """A smooth random field of mean 0 and variance about 1: a sum of random waves."""
    total = np.zeros_like(u)
    for _ in range(_WAVES):
        angle, phase = rng.uniform(0, 2 * math.pi, 2)
        k = 2 * math.pi / wavelength * float(rng.uniform(0.5, 1.5))
        total += np.cos(
            np.float32(k * math.cos(angle)) * u + np.float32(k * math.sin(angle)) * v + np.float32(phase)
        )
    return total * np.float32(math.sqrt(2 / _WAVES))


def _lognormal(field: Image, sigma: float) -> Image:
    result: Image = np.exp(np.float32(sigma) * field)
    return result


def _taper(x: Image, y: Image, shape_r_arcsec: float) -> Image:
    """1 inside 4.5 half-light radii, falling smoothly to 0 at REACH."""
    r = np.hypot(x, y) * np.float32(1 / shape_r_arcsec)
    t = np.clip((np.float32(REACH) - r) / np.float32(REACH - 4.5), 0, 1)
    taper: Image = t * t * (3 - 2 * t)
    return taper
