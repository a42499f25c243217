"""The galaxies that an encoder is judged on: real ones from their folders, and simulated ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from encoder.errors import EvaluationError, LabelTableError
from encoder.evaluation.sets.samples import Sample, sample_of_files, sample_of_simulated
from encoder.heads.probe import FOLDS
from encoder.model.gz_tree import GZD5
from encoder.simulation.truth import SurveyParameters
from encoder.training.labels.efigi import RINGS, attribute_columns, has_ring, stratified_test_mask
from encoder.training.labels.label_tables import read_labels, require_unique, vote_counts
from encoder.training.pictures.simulated import draw_galaxies, true_fractions

EFIGI = "efigi"
DECALS_RINGS = "gz_decals_rings"
DECALS_FIXTURE = "gz_decals_dr5_fixture"
DECALS_VOTES = "gz_decals_votes"
FIRST_VOTES = Path("votes") / "gz_decals_q1_votes.csv"
TESTED = 0.4
"""Share of EFIGI that is tested on, ring-stratified, by a hash of the name."""
MIN_TAGGED = 30
"""A tag of fewer test galaxies is listed and not counted in the mean."""
WHOLE_FRAME = 1.0

TAGS: Mapping[str, tuple[str, float]] = {
    "inner ring": ("Inner_Ring", 0.5),
    "outer ring": ("Outer_Ring", 0.5),
    "bar": ("Bar_Length", 0.5),
    "multiplicity": ("Multiplicity", 0.5),
    "perturbation": ("Perturbation", 0.75),
    "hot spots": ("Hot_Spots", 0.75),
    "dust": ("Visible_Dust", 0.75),
    "pseudo ring": ("Pseudo_Ring", 0.5),
    "bulge": ("Bulge_to_Total", 0.75),
    "arm strength": ("Arm_Strength", 0.5),
    "arm curvature": ("Arm_Curvature", 0.75),
    "arm rotation": ("Arm_Rotation", 0.75),
    "dust dispersion": ("Dust_Dispersion", 0.75),
    "flocculence": ("Flocculence", 0.75),
    "inclination": ("Inclination", 0.75),
    "contamination": ("Contamination", 0.75),
}
"""Attribute and least value of each tag; an attribute that cannot be judged is no tag."""
COUNTED = tuple(TAGS)[:7]
"""The tags whose mean is reported."""
_LAST_ELLIPTICAL, _SPIRALS = -4, (1, 7)

# Answers of the first two DECaLS campaigns that another tree calls otherwise; a question that is not the
# same there (bar, bulge size, merging, arm count) is left out.
_EARLIER = {"how-rounded_round": "how-rounded_completely"}
_EARLIER_QUESTIONS = {
    "smooth-or-featured",
    "disk-edge-on",
    "has-spiral-arms",
    "how-rounded",
    "edge-on-bulge",
    "spiral-winding",
}


@dataclass(frozen=True)
class EfigiSet:
    """EFIGI galaxies with expert attributes.

    Attributes:
        sample: All n galaxies of EFIGI and their pictures.
        table: The expert attributes, one row a galaxy.
        tested: Whether each galaxy is tested on, (n,); the projection is fitted on the others.
    """

    sample: Sample
    table: pd.DataFrame
    tested: NDArray[np.bool_]

    @cached_property
    def ringed(self) -> NDArray[np.bool_]:
        """Test galaxies with any ring, (tested,)."""
        return has_ring(self.table)[self.tested]

    @cached_property
    def tags(self) -> dict[str, NDArray[np.bool_]]:
        """Test galaxies with each tag that two at least have, (tested,) each."""
        rows = self.table[self.tested]
        tags = {tag: rows[column].to_numpy() >= least for tag, (column, least) in TAGS.items()}
        return {tag: tagged for tag, tagged in tags.items() if tagged.sum() > 1}

    @cached_property
    def counted_tags(self) -> dict[str, NDArray[np.bool_]]:
        """Those of the tags whose mean is reported."""
        return {t: self.tags[t] for t in COUNTED if t in self.tags and self.tags[t].sum() >= MIN_TAGGED}

    @cached_property
    def featured(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which test galaxies are clearly elliptical or spiral, (tested,), and of those, which are spiral."""
        stage = self.table["T"].to_numpy()[self.tested]
        spiral = (stage >= _SPIRALS[0]) & (stage <= _SPIRALS[1])
        clear = (stage <= _LAST_ELLIPTICAL) | spiral
        return clear, spiral[clear]


@dataclass(frozen=True)
class RingSet:
    """Galaxies with and without a ring.

    Attributes:
        sample: The n galaxies and their pictures.
        ringed: Whether each galaxy has a ring, (n,).
    """

    sample: Sample
    ringed: NDArray[np.bool_]


@dataclass(frozen=True)
class VoteSet:
    """Real galaxies with volunteers' votes, to judge by.

    Attributes:
        title: Name of the set in tables.
        sample: The n galaxies and their pictures.
        votes: Vote counts, (n, 34); 0 where nobody was asked.
        truth: Fractions that are right on average, (n, 34), where somebody knows them; None for real
            galaxies.
    """

    title: str
    sample: Sample
    votes: NDArray[np.float32]
    truth: NDArray[np.float32] | None = None


def load_efigi(data: Path) -> EfigiSet:
    """EFIGI with its fixed test split.

    Raises:
        LabelTableError: The table, a column or a number is missing or wrong.
        EvaluationError: A picture is missing.
    """
    path = data / EFIGI / "attributes.csv"
    columns = list(dict.fromkeys(["T", *RINGS, *(tag for tag, _ in TAGS.values()), *attribute_columns()]))
    table = require_unique(read_labels(path, "PGCname", columns, ["image"]), "PGCname", path)
    names = table["PGCname"].tolist()
    files = [path.parent / "images" / name for name in table["image"]]
    tested = stratified_test_mask(table, TESTED)
    return EfigiSet(sample_of_files(EFIGI, names, files, WHOLE_FRAME), table, tested)


def load_decals_rings(data: Path) -> RingSet:
    """Galaxy Zoo DECaLS galaxies that volunteers tagged as ringed, or did not.

    Raises:
        LabelTableError: The table, a column or a number is missing or wrong.
        EvaluationError: A picture is missing.
    """
    path = data / DECALS_RINGS / "labels.csv"
    table = require_unique(read_labels(path, "iauname", ["ring"], ["image"]), "iauname", path)
    files = [path.parent / "images" / name for name in table["image"]]
    sample = sample_of_files(DECALS_RINGS, table["iauname"].tolist(), files, None)
    ringed = table["ring"].to_numpy() == 1
    for of, what in ((ringed, "with a ring"), (~ringed, "without")):
        if of.sum() < FOLDS:
            raise LabelTableError(f"label table {path} has {of.sum()} galaxies {what}, {FOLDS} are needed")
    return RingSet(sample, ringed)


def load_decals_votes(data: Path) -> VoteSet:
    """Every real DECaLS picture at hand that has counted votes: the published tables', and the ring set's.

    Of the ring set only the first question was counted. A galaxy that was put up twice has both counts.

    Raises:
        LabelTableError: A table, a column or a number is missing or wrong.
        EvaluationError: A picture is missing, or nothing is there.
    """
    files: dict[str, Path] = {}
    votes: dict[str, NDArray[np.float32]] = {}
    for table, images in _vote_tables(data):
        for name, counts in table.items():
            if name in images:
                files[name] = images[name]
                votes[name] = votes.get(name, np.zeros(GZD5.n_answers, np.float32)) + counts
    if not votes:
        raise EvaluationError(f"{data}: no picture of its vote tables is there")
    names = sorted(votes)
    sample = sample_of_files(DECALS_VOTES, names, [files[name] for name in names], None)
    return VoteSet("real DECaLS", sample, np.stack([votes[name] for name in names]))


def _vote_tables(data: Path) -> list[tuple[dict[str, NDArray[np.float32]], dict[str, Path]]]:
    found = []
    fixture, rings, first = data / DECALS_FIXTURE, data / DECALS_RINGS, data / FIRST_VOTES
    if fixture.is_dir():
        images = {file.stem: file for file in sorted(fixture.rglob("*.png"))}
        same = {label: label for label in GZD5.labels}
        earlier = {
            label: _EARLIER.get(label, label)
            for question in GZD5.questions
            if question.name in _EARLIER_QUESTIONS
            for label in question.labels
        }
        found.append((_votes(fixture / "gz_decals_volunteers_5.csv", same), images))
        found.append((_votes(fixture / "gz_decals_volunteers_1_and_2.csv", earlier), images))
    if rings.is_dir() and first.parent.is_dir():
        images = {file.stem: file for file in sorted((rings / "images").iterdir())}
        found.append(
            (_votes(data / FIRST_VOTES, {label: label for label in GZD5.questions[0].labels}), images)
        )
    return found


def _votes(path: Path, columns: Mapping[str, str]) -> dict[str, NDArray[np.float32]]:
    """Votes of each galaxy, (34,), by its name; `columns` says where the count of an answer is."""
    table = read_labels(path, "iauname", list(columns.values()))
    counts = vote_counts(table, list(columns.values()), path)
    votes = np.zeros((len(table), GZD5.n_answers), np.float32)
    votes[:, [GZD5.index(label) for label in columns]] = counts
    summed: dict[str, NDArray[np.float32]] = {}
    for name, row in zip(table["iauname"], votes, strict=True):
        summed[name] = summed.get(name, np.zeros(GZD5.n_answers, np.float32)) + row
    return summed


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


def load_simulated_votes(n: int, cache: Path) -> list[VoteSet]:
    """Galaxies of the usual ranges with a seed of their own, and as many of ranges never trained on.

    Args:
        n: Number of galaxies in each of the two sets.
        cache: Folder that the pictures are kept in.
    """
    sets = (
        ("simulated", "simulated", FRESH_SEED, SurveyParameters()),
        ("simulated, other ranges", "simulated_other", FRESH_SEED + 1, OTHER_RANGES),
    )
    voted = []
    for title, name, seed, survey in sets:
        galaxies = draw_galaxies(n, seed, cache, survey)
        sample = sample_of_simulated(name, galaxies, f"{seed} {survey} {galaxies.votes.tolist()}")
        voted.append(VoteSet(title, sample, galaxies.votes, true_fractions(n, seed, survey)))
    return voted
