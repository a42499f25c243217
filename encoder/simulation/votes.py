"""From a true galaxy to the votes of forty volunteers on the Galaxy Zoo DECaLS tree.

Truth gives each question a Dirichlet whose mean leans to the right answer as far as the feature can be SEEN
(apparent size, inclination, signal to noise, strength), and whose concentration says how alike galaxies with
the same truth are voted. A question is put to those volunteers whose earlier answers lead to it.
"""

import math

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from encoder.model.gz_tree import GZD5
from encoder.simulation.truth import Galaxy, SurveyParameters

CONCENTRATION = 25.0
FIRST_VOTES = (38, 44)
_HALF_SAY_EDGE_ON = 0.38
"""Axis ratio of a galaxy of which half of those asked say that it is seen from the edge.

As in Galaxy Zoo 2: there it is 0.45 in the pictures, which seeing rounds, and the share falls as fast from it
(336 galaxies). Volunteers call inclined disks edge-on.
"""


def draw_votes(galaxy: Galaxy, rng: Generator, survey: SurveyParameters) -> NDArray[np.int64]:
    """Votes of each answer of the tree, (34,); a question's total is the votes that led to it."""
    votes = np.zeros(GZD5.n_answers, np.int64)
    chances = vote_chances(galaxy, survey)
    for question in GZD5.questions:
        asked = sum(int(votes[GZD5.index(label)]) for label in question.asked_after)
        if not question.asked_after:
            asked = int(rng.integers(*FIRST_VOTES))
        p = rng.dirichlet(CONCENTRATION * chances[question.name] + 0.02)
        votes[question.slice] = rng.multinomial(asked, p)
    return votes


def vote_chances(galaxy: Galaxy, survey: SurveyParameters) -> dict[str, NDArray[np.float64]]:
    """Mean vote fraction of every question's answers, each summing to 1, by question name."""
    clarity = visibility(galaxy, survey)
    arms = clarity * _arms_stand_out(galaxy)
    chances = {
        "smooth-or-featured": _smooth_or_featured(galaxy, clarity),
        "disk-edge-on": _yes_no(_edge_on(galaxy)),
        "has-spiral-arms": _yes_no(_spiral(galaxy, arms)),
        "bar": _bar(galaxy, clarity),
        "bulge-size": _bulge_size(galaxy),
        "how-rounded": _how_rounded(galaxy),
        "edge-on-bulge": _edge_on_bulge(galaxy, clarity),
        "spiral-winding": _winding(galaxy, arms),
        "spiral-arm-count": _arm_count(galaxy, arms),
        "merging": _merging(galaxy),
    }
    return {name: np.asarray(p, float) / np.sum(p) for name, p in chances.items()}


def visibility(galaxy: Galaxy, survey: SurveyParameters) -> float:
    """How well structure inside a galaxy can be seen, 0..1: resolved, and brighter than the noise."""
    resolved = _sigmoid((galaxy.shape_r_arcsec / survey.psf_fwhm_arcsec - 1.7) / 0.45)
    area = math.pi * galaxy.shape_r_arcsec**2 * max(galaxy.axis_ratio, 0.2)
    surface_mag = galaxy.r_mag + 2.5 * math.log10(2 * area)
    return resolved * _sigmoid((survey.depth_mag[1] - 0.2 - surface_mag) / 0.5)


def _smooth_or_featured(galaxy: Galaxy, clarity: float) -> list[float]:
    if galaxy.kind == "artefact":
        return [0.1, 0.1, 0.8]
    contrast = {
        "elliptical": -3.0,
        "disk": -1.1,
        "spiral": 1.0,
        "edge-on": 1.1,
        "irregular": 0.9,
        "artefact": 0,
    }
    score = contrast[galaxy.kind] + 2.2 * galaxy.arm_strength + 1.1 * galaxy.bar_strength
    score += (
        1.2 * (galaxy.ring != "none")
        + {"none": 0, "minor": 0.4, "major": 1.6, "merger": 0.8}[galaxy.disturbance]
    )
    score += 1.8 * (galaxy.edge_on_bulge == "none" and galaxy.kind == "edge-on") - 1.3 * galaxy.bulge_fraction
    featured = 0.02 + 0.95 * _sigmoid(score) * (0.15 + 0.85 * clarity)
    return [1 - featured, featured, 0.09]


def _edge_on(galaxy: Galaxy) -> float:
    if galaxy.kind == "edge-on":
        return 0.93
    flat = galaxy.axis_ratio if galaxy.kind != "elliptical" else galaxy.axis_ratio + 0.05
    return 0.03 + 0.95 * _sigmoid((_HALF_SAY_EDGE_ON - flat) / 0.09)


def _arms_stand_out(galaxy: Galaxy) -> float:
    """Whether arms show in a picture without noise, 0..1: apart, bright against the rest, seen from above."""
    # Neighbouring arms are 2 pi times this apart at the half-light radius; the PSF closes smaller gaps.
    gap_arcsec = galaxy.shape_r_arcsec * math.tan(math.radians(galaxy.pitch_deg)) / max(galaxy.arms, 2)
    bright = galaxy.arm_strength * (1 - galaxy.bulge_fraction)
    from_above = _sigmoid((galaxy.axis_ratio - 0.42) / 0.05)
    return _sigmoid((gap_arcsec - 0.4) / 0.1) * _sigmoid((bright - 0.16) / 0.04) * from_above


def _spiral(galaxy: Galaxy, arms_seen: float) -> float:
    if galaxy.kind != "spiral":
        return 0.06 + 0.08 * (galaxy.ring != "none") + 0.12 * (galaxy.disturbance in ("minor", "major"))
    return 0.1 + 0.86 * arms_seen


def _bar(galaxy: Galaxy, clarity: float) -> list[float]:
    if not galaxy.bar_strength:
        return [0.03, 0.12, 0.85]
    face_on = _sigmoid((galaxy.axis_ratio - 0.4) / 0.1)
    found = (0.15 + 0.85 * clarity) * face_on * (1 - 0.6 * galaxy.bulge_fraction)
    strong = _sigmoid((galaxy.bar_strength - 0.5) / 0.12)
    found *= 0.65 + 0.3 * strong
    return [found * strong, found * (1 - strong) + 0.05, 1 - found]


def _bulge_size(galaxy: Galaxy) -> list[float]:
    fraction = math.sqrt(galaxy.bulge_fraction) + 0.1 * galaxy.bar_strength
    return _near(fraction, (0.85, 0.64, 0.43, 0.22, 0.0), 0.11)


def _how_rounded(galaxy: Galaxy) -> list[float]:
    q = galaxy.axis_ratio
    if galaxy.kind == "edge-on":
        q = 0.15 + 0.35 * galaxy.bulge_fraction
    return _near(q, (0.95, 0.6, 0.2), 0.13)


def _edge_on_bulge(galaxy: Galaxy, clarity: float) -> list[float]:
    right = 0.35 + 0.5 * clarity
    wrong = (1 - right) / 2
    if galaxy.kind != "edge-on":
        return [0.05, 0.25, 0.7]
    if galaxy.edge_on_bulge == "boxy":
        box = right - 0.15  # seen only where the bulge is wider than the PSF
        return [box, wrong * 0.4, wrong * 1.6 + 0.15]
    if galaxy.edge_on_bulge == "none":
        return [0.03, right, 2 * wrong]
    return [wrong * 0.5, wrong * 1.5, right]


def _winding(galaxy: Galaxy, arms_seen: float) -> list[float]:
    guess = [0.35, 0.45, 0.2]
    if not galaxy.arms:
        return guess
    right = _near(galaxy.pitch_deg, (10.0, 20.0, 33.0), 6.0)
    clear = math.sqrt(arms_seen)  # only those who saw arms are asked
    return [clear * r + (1 - clear) * g for r, g in zip(right, guess, strict=True)]


def _arm_count(galaxy: Galaxy, arms_seen: float) -> list[float]:
    chances = np.full(6, 0.03)
    chances[1] += 0.3 * (1 - arms_seen)
    if galaxy.arms:
        right = min(galaxy.arms, 5) - 1
        easy = right < 2  # noqa: PLR2004 - two arms are easy
        chances[right] += 1.9 * arms_seen * (1.0 if easy else 0.7)
        for neighbour in (right - 1, right + 1):
            if 0 <= neighbour <= 4:  # noqa: PLR2004 - the last counted answer
                chances[neighbour] += arms_seen * (0.12 if easy else 0.3)
    chances[5] = 0.1 + 0.6 * (1 - arms_seen)
    return list(chances)


def _merging(galaxy: Galaxy) -> list[float]:
    return {
        "none": [0.86, 0.08, 0.03, 0.03] if galaxy.kind != "irregular" else [0.6, 0.22, 0.13, 0.05],
        "minor": [0.32, 0.53, 0.1, 0.05],
        "major": [0.08, 0.24, 0.53, 0.15],
        "merger": [0.06, 0.07, 0.15, 0.72],
    }[galaxy.disturbance]


def _near(value: float, centres: tuple[float, ...], width: float) -> list[float]:
    """Chances of ordered answers: a bell about each answer's centre."""
    bells = [math.exp(-0.5 * ((value - centre) / width) ** 2) for centre in centres]
    return [0.02 + bell / sum(bells) for bell in bells]


def _yes_no(yes: float) -> list[float]:
    return [yes, 1 - yes]


def _sigmoid(t: float) -> float:
    return 1 / (1 + math.exp(-t))
