"""Simulated galaxies that no training has drawn: other seeds, and another survey of other galaxies."""

from pathlib import Path

from encoder.evaluation.sets.real import Voted
from encoder.evaluation.sets.samples import sample_of_simulated
from encoder.simulation.simulate import SurveyParameters
from encoder.training.simulated import simulated_galaxies, true_fractions

FRESH_SEED = 900_001
"""Training refuses seeds as high."""

OTHER_RANGES = SurveyParameters(
    psf_fwhm_arcsec=1.6,
    depth_mag=(23.6, 23.0, 22.1),
    elliptical_sersic=(1.6, 2.5),
    thickness=(0.15, 0.2),
    arm_strength=(0.6, 0.7),
    bar_share=0.5,
    background_per_arcmin2=10.0,
    stars_per_arcmin2=1.0,
)
"""Wider seeing and less depth; ellipticals, edge-on disks and arms outside the usual ranges."""


def simulated_votes(n: int, cache: Path) -> list[Voted]:
    """Galaxies of the usual ranges with a seed of their own, and as many of ranges never trained on.

    Args:
        n: Of each.
        cache: Folder that the pictures are kept in.
    """
    sets = (
        ("simulated", "simulated", FRESH_SEED, SurveyParameters()),
        ("simulated, other ranges", "simulated_other", FRESH_SEED + 1, OTHER_RANGES),
    )
    voted = []
    for title, name, seed, survey in sets:
        galaxies = simulated_galaxies(n, seed, cache, survey)
        sample = sample_of_simulated(name, galaxies, f"{seed} {survey} {galaxies.votes.tolist()}")
        voted.append(Voted(title, sample, galaxies.votes, true_fractions(n, seed, survey)))
    return voted
