"""Which galaxies the simulated survey holds: parameter ranges, and one true record a galaxy.

Nothing here is drawn as an image. A record holds everything that the painter and the vote drawing need,
so that two overlapping bricks show the same galaxy.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal

from numpy.random import Generator

Kind = Literal["elliptical", "disk", "spiral", "edge-on", "irregular", "artefact"]
Ring = Literal["none", "inner", "outer"]
EdgeOnBulge = Literal["none", "rounded", "boxy"]
Disturbance = Literal["none", "minor", "major", "merger"]
Artefact = Literal["none", "trail", "spikes"]
Range = tuple[float, float]

BANDS = ("g", "r", "z")
KINDS: tuple[Kind, ...] = ("elliptical", "disk", "spiral", "edge-on", "irregular", "artefact")
MORE_THAN_FOUR_ARMS = 5


@dataclass(frozen=True)
class SurveyParameters:
    """Every range the simulator draws from; ranges are (low, high).

    Attributes:
        pixel_scale_arcsec: Width of a native pixel, arcsec.
        psf_fwhm_arcsec: Full width at half maximum of the Moffat PSF in every band, arcsec.
        psf_beta: Slope of the Moffat PSF.
        depth_mag: AB magnitude of a point source at 5 sigma, in g, r, z.
        electrons_per_nanomaggy: Sets the photon noise of the galaxies themselves, in g, r, z.
        kind_share: Share of each kind of object, in the order of `KINDS`.
        r_mag: Total AB magnitude in r.
        shape_r_arcsec: Half-light radius along the major axis, arcsec.
        redshift: Redshift; space density is constant, so distant galaxies are more numerous.
        elliptical_axis_ratio: Minor over major axis of ellipticals.
        elliptical_sersic: Sersic index of ellipticals.
        disk_axis_ratio: Cosine of the inclination of disks that are not edge-on.
        thickness: Scale height over scale length of edge-on disks.
        bulge_fraction: Bulge-to-total light of disks and spirals.
        pitch_deg: Pitch angle of spiral arms, degrees: 5 winds tightly, 40 is open.
        arm_share: Share of spirals with 1, 2, 3, 4 and more than 4 arms.
        arm_strength: Share of the disk's light that is in the arms.
        bar_share: Share of disks and spirals with a bar.
        bar_strength: 0..1; above 0.5 volunteers call a bar strong.
        ring_share: Share of disks and spirals with an inner ring and with an outer ring.
        disturbance_share: Share of galaxies with a minor disturbance, a major one, and in a merger.
        neighbours_per_arcmin2: Other galaxies of the same ranges in a training cutout, per square arcmin.
        background_per_arcmin2: Faint galaxies (r 19.5 to 23.5) behind the others, per square arcmin.
        stars_per_arcmin2: Stars, per square arcmin.
        star_r_mag: AB magnitude of stars in r; below `saturation_r_mag` they saturate and show spikes.
        saturation_r_mag: AB magnitude in r at which a star saturates.
    """

    pixel_scale_arcsec: float = 0.262
    psf_fwhm_arcsec: float = 1.3
    psf_beta: float = 3.5
    depth_mag: tuple[float, float, float] = (24.0, 23.4, 22.5)
    electrons_per_nanomaggy: tuple[float, float, float] = (12000.0, 9000.0, 12000.0)
    kind_share: tuple[float, ...] = (0.27, 0.14, 0.36, 0.13, 0.06, 0.04)
    r_mag: Range = (14.5, 19.0)
    shape_r_arcsec: Range = (1.5, 12.0)
    redshift: Range = (0.01, 0.2)
    elliptical_axis_ratio: Range = (0.25, 1.0)
    elliptical_sersic: Range = (2.5, 6.0)
    disk_axis_ratio: Range = (0.36, 1.0)
    thickness: Range = (0.07, 0.15)
    bulge_fraction: Range = (0.0, 0.75)
    pitch_deg: Range = (7.0, 40.0)
    arm_share: tuple[float, float, float, float, float] = (0.07, 0.52, 0.18, 0.10, 0.13)
    arm_strength: Range = (0.15, 0.6)
    bar_share: float = 0.4
    bar_strength: Range = (0.1, 1.0)
    ring_share: tuple[float, float] = (0.09, 0.09)
    disturbance_share: tuple[float, float, float] = (0.06, 0.05, 0.06)
    neighbours_per_arcmin2: float = 0.4
    background_per_arcmin2: float = 7.0
    stars_per_arcmin2: float = 0.6
    star_r_mag: Range = (11.0, 22.0)
    saturation_r_mag: float = 15.5


@dataclass(frozen=True)
class Galaxy:
    """One true object; what does not apply to its kind is 0 or "none".

    Attributes:
        kind: Kind of the object.
        texture_seed: Seeds the small-scale structure, so the same record always draws the same picture.
        redshift: Redshift of the galaxy.
        r_mag: Total AB magnitude in r.
        shape_r_arcsec: Half-light radius along the major axis, arcsec.
        position_angle_deg: Major axis, degrees from north to east.
        axis_ratio: Projected minor over major axis; cos(inclination) for disks.
        sersic: Sersic index of the elliptical or of the bulge.
        youth: 0 for an old red stellar population, 1 for a young blue one, of disk and arms.
        bulge_fraction: Share of the light that is the bulge's.
        edge_on_bulge: Shape of an edge-on disk's bulge.
        arms: Number of spiral arms, 0 for none, 5 and more counts as "more than 4".
        pitch_deg: Pitch angle of the arms, degrees.
        arm_strength: Share of the disk's light that is in the arms.
        bar_strength: 0 for no bar, else 0..1.
        bar_length: Bar half length in disk scale lengths.
        ring: Which ring it has (no Galaxy Zoo question asks).
        disturbance: How far it is disturbed by a neighbour.
        artefact: Which artefact it is.
    """

    kind: Kind
    texture_seed: int
    redshift: float
    r_mag: float
    shape_r_arcsec: float
    position_angle_deg: float
    axis_ratio: float
    sersic: float = 1.0
    youth: float = 0.0
    bulge_fraction: float = 0.0
    edge_on_bulge: EdgeOnBulge = "none"
    arms: int = 0
    pitch_deg: float = 0.0
    arm_strength: float = 0.0
    bar_strength: float = 0.0
    bar_length: float = 0.0
    ring: Ring = "none"
    disturbance: Disturbance = "none"
    artefact: Artefact = "none"


def survey_without(survey: SurveyParameters, left_out: Collection[str]) -> SurveyParameters:
    """The same survey where nothing is of some kinds.

    Args:
        survey: Ranges to draw from.
        left_out: Names in `KINDS`, `merger` or `ring`.

    Raises:
        ValueError: A name is not known, or nothing is left.
    """
    known = (*KINDS, "merger", "ring")
    for name in left_out:
        if name not in known:
            raise ValueError(f"{name!r} is not one of {', '.join(known)}")
    shares = [0.0 if k in left_out else share for k, share in zip(KINDS, survey.kind_share, strict=True)]
    if not sum(shares):
        raise ValueError("no kind of object is left")
    minor, major, merger = survey.disturbance_share
    return replace(
        survey,
        kind_share=tuple(share / sum(shares) for share in shares),
        disturbance_share=(minor, major, 0.0 if "merger" in left_out else merger),
        ring_share=(0.0, 0.0) if "ring" in left_out else survey.ring_share,
    )


_KPC_PER_ARCSEC_AT_Z = 4848.0 * 4283.0 / 1e6  # small-angle, Hubble distance of 4283 Mpc (H0 = 70)
_TYPICAL_M_R: dict[Kind, float] = {
    "elliptical": -21.4,
    "disk": -20.8,
    "spiral": -20.9,
    "edge-on": -20.6,
    "irregular": -18.8,
    "artefact": -20.5,
}


def draw_galaxy(rng: Generator, survey: SurveyParameters) -> Galaxy:
    """Draw one object: its kind by share, then its parameters."""
    kind = KINDS[int(rng.choice(len(KINDS), p=survey.kind_share))]
    return draw_galaxy_of_kind(rng, survey, kind)


def draw_galaxy_of_kind(rng: Generator, survey: SurveyParameters, kind: Kind) -> Galaxy:
    """Draw one object of a given kind."""
    redshift, r_mag, shape_r = _draw_distance(rng, survey, kind)
    seed, angle = int(rng.integers(2**31)), float(rng.uniform(0, 180))

    def galaxy(axis_ratio: float, **rest: object) -> Galaxy:
        return Galaxy(kind, seed, redshift, r_mag, shape_r, angle, axis_ratio, **rest)  # type: ignore[arg-type]

    disturbance = _draw_disturbance(rng, survey)
    if kind == "elliptical":
        low, high = survey.elliptical_axis_ratio
        q = high - (high - low) * float(rng.beta(1.3, 1.6))
        sersic = float(rng.uniform(*survey.elliptical_sersic))
        return galaxy(q, sersic=sersic, bulge_fraction=1.0, disturbance=disturbance)
    if kind == "edge-on":
        return galaxy(float(rng.uniform(*survey.thickness)), **_edge_on(rng), disturbance=disturbance)
    if kind == "irregular":
        q = float(rng.uniform(0.45, 0.95))
        return galaxy(q, youth=float(rng.uniform(0.7, 1.0)), disturbance=disturbance)
    if kind == "artefact":
        artefact: Artefact = "trail" if rng.random() < 0.45 else "spikes"  # noqa: PLR2004 - a share
        return galaxy(float(rng.uniform(0.2, 0.9)), sersic=2.0, bulge_fraction=1.0, artefact=artefact)
    q = float(rng.uniform(*survey.disk_axis_ratio))
    spiral = _arms(rng, survey) if kind == "spiral" else {"youth": float(rng.uniform(0.0, 0.45))}
    return galaxy(q, **_disk(rng, survey, kind), **spiral, disturbance=disturbance)


def _draw_distance(rng: Generator, survey: SurveyParameters, kind: Kind) -> tuple[float, float, float]:
    """Redshift, r magnitude and half-light radius (arcsec) that obey the survey's limits."""
    low, high = survey.redshift
    while True:
        z = (low**3 + (high**3 - low**3) * float(rng.random())) ** (1 / 3)
        z = low + (z - low) * float(rng.random()) ** 0.5
        absolute = _TYPICAL_M_R[kind] + float(rng.normal(0, 0.9))
        distance_pc = 4283e6 * z * (1 + 0.78 * z)
        r_mag = absolute + 5 * math.log10(distance_pc / 10) + 0.9 * z
        slope = 0.24 if kind == "elliptical" else 0.15
        re_kpc = 10 ** (0.72 - slope * (absolute + 20.9) + float(rng.normal(0, 0.16)))
        shape_r = re_kpc / (_KPC_PER_ARCSEC_AT_Z * z * (1 - 1.2 * z))
        inside = _within(r_mag, survey.r_mag) and _within(shape_r, survey.shape_r_arcsec)
        # Galaxy Zoo asked about galaxies that look large: small ones are kept less often.
        if inside and rng.random() < (shape_r / 3.5) ** 1.5:
            return z, r_mag, shape_r


def _within(value: float, limits: Range) -> bool:
    return limits[0] < value < limits[1]


def _draw_disturbance(rng: Generator, survey: SurveyParameters) -> Disturbance:
    minor, major, merger = survey.disturbance_share
    u = float(rng.random())
    if u < minor:
        return "minor"
    if u < minor + major:
        return "major"
    return "merger" if u < minor + major + merger else "none"


def _edge_on(rng: Generator) -> dict[str, object]:
    shape: EdgeOnBulge = ("none", "rounded", "boxy")[int(rng.choice(3, p=[0.35, 0.45, 0.2]))]
    fraction = 0.0 if shape == "none" else float(rng.uniform(0.2, 0.5))
    return {
        "edge_on_bulge": shape,
        "bulge_fraction": fraction,
        "sersic": 0.7 if shape == "boxy" else 2.5,
        "youth": float(rng.uniform(0.1, 0.9)) * (1.0 - fraction),
    }


def _disk(rng: Generator, survey: SurveyParameters, kind: Kind) -> dict[str, object]:
    low, high = survey.bulge_fraction
    shape = (1.0, 2.6) if kind == "spiral" else (1.4, 1.8)
    fraction = low + (high - low) * float(rng.beta(*shape))
    barred = rng.random() < survey.bar_share
    fraction *= 0.6 if barred else 1.0
    inner, outer = survey.ring_share
    u = float(rng.random())
    return {
        "bulge_fraction": fraction,
        "sersic": float(rng.uniform(1.5, 3.5)),
        "bar_strength": float(rng.uniform(*survey.bar_strength)) if barred else 0.0,
        "bar_length": float(rng.uniform(0.9, 1.8)) if barred else 0.0,
        "ring": "inner" if u < inner else "outer" if u < inner + outer else "none",
    }


def _arms(rng: Generator, survey: SurveyParameters) -> dict[str, object]:
    low, high = survey.pitch_deg
    arms = 1 + int(rng.choice(5, p=survey.arm_share))
    if arms >= MORE_THAN_FOUR_ARMS:
        arms += int(rng.integers(0, 3))
    return {
        "arms": arms,
        "pitch_deg": low + (high - low) * float(rng.beta(1.2, 1.7)),
        "arm_strength": float(rng.uniform(*survey.arm_strength)),
        "youth": float(rng.uniform(0.4, 1.0)),
    }
