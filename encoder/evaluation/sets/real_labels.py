"""Real galaxies that a release is judged by: Galaxy Zoo 2's votes, Galaxy Zoo 1's classes, DECaLS."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from encoder.errors import EvaluationError, LabelTableError
from encoder.evaluation.sets.real import DECALS_FIXTURE, DECALS_RINGS, load_decals_rings
from encoder.evaluation.sets.samples import Sample, join_samples, sample_of_files
from encoder.model.gz_tree import GZD5
from encoder.surveys.survey_file import load_survey
from encoder.training.campaigns import Campaigns
from encoder.training.config import SourceConfig
from encoder.training.head.sources import folds_of
from encoder.training.labels.label_tables import require_unique
from encoder.training.labels.left_out import gz2_parts
from encoder.training.labels.real_votes import LABEL_READERS
from encoder.training.pictures.augment import Share
from encoder.training.pictures.images import FileImages
from encoder.training.sources import held_out_mask

GZ2_VOTES = "gz2_votes"
GZ1_CLASSES = "gz1_classes"
DECALS_FITS = "decals_fits"
FIELD = 0.6
"""Share of Galaxy Zoo's field that the pictures of Galaxy Zoo 1 and 2 show."""
ELLIPTICAL, EDGE_ON = "elliptical", "edge-on"
_DISKS = ("spiral-clockwise", "spiral-anticlockwise", EDGE_ON)
_HELD_OUT = 0.2
NAMED_EDGE_ON = ("J084235.76+241231.3", "J092608.45+031130.1", "J074349.15+291154.5", "example_b")
"""DECaLS galaxies that are disks seen from the edge: three by 17, 7 and 5 of their voters, one by eye."""
CAMPAIGNS = Campaigns((GZD5,))


@dataclass(frozen=True)
class CountedSet:
    """Real galaxies with volunteers' counts, in folds.

    Attributes:
        sample: The n galaxies and their pictures.
        votes: Counts on GZD-5's answers and their sums, (n, n_columns of `CAMPAIGNS`).
        folds: Fold of each, (n,): pictures that are equal are in one.
        part: `test`, `validation` or `training`, (n,): which of them networks are trained on.
    """

    sample: Sample
    votes: NDArray[np.float32]
    folds: NDArray[np.int64]
    part: NDArray[np.str_]


@dataclass(frozen=True)
class ClassedSet:
    """Real galaxies with a class each.

    Attributes:
        sample: The n galaxies and their pictures.
        featured: Whether each is a spiral or seen from the edge, (n,); the others are elliptical.
        edge_on: Whether each is seen from the edge, (n,).
    """

    sample: Sample
    featured: NDArray[np.bool_]
    edge_on: NDArray[np.bool_]


def load_gz2_votes(data: Path) -> CountedSet:
    """Galaxy Zoo 2 galaxies with all of their votes.

    Raises:
        LabelTableError: The table or a column is missing.
        EvaluationError: A picture is missing.
    """
    path = data / GZ2_VOTES / "labels.csv"
    table = _read(path)
    ids = table["id"].tolist()
    files = [path.parent / "images" / name for name in table["image"]]
    sample = sample_of_files(GZ2_VOTES, ids, files, None, field=FIELD)
    try:
        votes = CAMPAIGNS.votes(LABEL_READERS[GZ2_VOTES](table))
    except KeyError as error:
        raise LabelTableError(f"label table {path} has no column {error}") from error
    folds = folds_of(GZ2_VOTES, ids, FileImages(files))
    return CountedSet(sample, votes, folds, gz2_parts(ids, np.arange(len(ids))))


def load_gz1_classes(data: Path, not_among: Sequence[str] = ()) -> ClassedSet:
    """Galaxy Zoo 1 galaxies of clear classes that the recipe of the house holds out of its training.

    Args:
        data: Folder of the sets.
        not_among: Names of galaxies in SDSS that are left out, because heads are fitted on them.

    Raises:
        LabelTableError: The table or a column is missing, or too few galaxies are left.
        EvaluationError: A picture is missing.
    """
    path = data / GZ1_CLASSES / "labels.csv"
    table = _read(path)
    if "gz1_class" not in table:
        raise LabelTableError(f"label table {path} has no column 'gz1_class'")
    held_out = held_out_mask(SourceConfig(GZ1_CLASSES, Share(1, 1), held_out=_HELD_OUT), table["id"].tolist())
    same = table["id"].isin(list(not_among)).to_numpy()
    table = table[held_out & ~same & table["gz1_class"].isin([ELLIPTICAL, *_DISKS]).to_numpy()]
    classes = table["gz1_class"].to_numpy()
    edge_on, featured = classes == EDGE_ON, classes != ELLIPTICAL
    if not (edge_on.any() and (~featured).any() and (featured & ~edge_on).any()):
        raise LabelTableError(f"label table {path} has no held-out galaxy of one of its classes")
    files = [path.parent / "images" / name for name in table["image"]]
    sample = sample_of_files(GZ1_CLASSES, table["id"].tolist(), files, None, field=FIELD)
    return ClassedSet(sample, featured, edge_on)


def sdss_names(data: Path) -> list[str]:
    """Names in SDSS of the galaxies with all of Galaxy Zoo 2's votes."""
    table = _read(data / GZ2_VOTES / "labels.csv")
    return [] if "dr7objid" not in table else table["dr7objid"].dropna().astype(str).tolist()


def load_decals_pictures(data: Path) -> Sample:
    """Every DECaLS picture at hand, by name: of the ring set, of the published tables, and FITS cutouts.

    Raises:
        EvaluationError: None is there, or one is missing.
    """
    samples = []
    if (data / DECALS_RINGS).is_dir():
        samples.append(load_decals_rings(data).sample)
    files = sorted((data / DECALS_FIXTURE).rglob("*.png"))
    if files:
        samples.append(sample_of_files(DECALS_FIXTURE, [file.stem for file in files], files, None))
    whole = [data / DECALS_FITS / f"example_{name}.fits" for name in "abc"]
    whole = [file for file in whole if file.is_file()]
    if whole:
        survey = load_survey("decals_fits")
        samples.append(
            sample_of_files(DECALS_FITS, [file.stem for file in whole], whole, None, survey=survey)
        )
    if not samples:
        raise EvaluationError(f"no DECaLS picture in {data}")
    return join_samples("decals_pictures", samples)


def _read(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, dtype={"id": str, "image": str, "dr7objid": str}, low_memory=False)
    except FileNotFoundError:
        raise LabelTableError(f"no label table {path}") from None
    for column in ("id", "image"):
        if column not in table:
            raise LabelTableError(f"label table {path} has no column {column!r}")
    return require_unique(table, "id", path)
