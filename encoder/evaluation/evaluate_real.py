"""The real part of an evaluation: votes, classes and DECaLS pictures, for every encoder that is compared."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from encoder.evaluation.figures import real_tables
from encoder.evaluation.figures.contenders import Contender
from encoder.evaluation.figures.refitted_heads import (
    EFIGI,
    HeadData,
    HeadRecipe,
    curve_alphas,
    head_data,
    judged_parts,
    left_out_names,
    unseen_alpha,
    with_new_head,
)
from encoder.evaluation.sets.real import EfigiSet, VoteSet
from encoder.evaluation.sets.real_labels import (
    DECALS_FITS,
    GZ1_CLASSES,
    GZ2_VOTES,
    ClassedSet,
    CountedSet,
    load_decals_pictures,
    load_gz1_classes,
    load_gz2_votes,
    sdss_names,
)
from encoder.evaluation.sets.samples import Sample
from encoder.model.baselines import IMAGENET
from encoder.model.encoder import EncodedPictures
from encoder.model.gz_tree import GZD5


@dataclass
class RealSets:
    """Real galaxies with labels; None where a set is missing.

    Attributes:
        counted: Galaxies with all votes.
        classed: Galaxies with classes.
        decals: Every DECaLS picture.
    """

    counted: CountedSet | None = None
    classed: ClassedSet | None = None
    decals: Sample | None = None

    @property
    def samples(self) -> list[Sample]:
        """What is encoded whole."""
        found = [self.counted.sample] if self.counted else []
        found += [self.classed.sample] if self.classed else []
        return found + ([self.decals] if self.decals else [])

    def needs(self, sample: Sample, contender: Contender) -> bool:
        """Whether an encoder must encode a sample; one of these sets only if its own votes are judged."""
        if self.counted and sample is self.counted.sample:
            return contender.is_release and contender.answers_gzd5 and not _is_fitted_on_votes(contender)
        return contender.answers_gzd5 or all(sample is not own for own in self.samples)


@dataclass
class RealFigures:
    """What was measured on real galaxies.

    Attributes:
        tables: The tables of figures, by the name of their CSV file.
        alpha: Concentrations that the first encoder's heads foretell for the test galaxies with votes,
            (tested, n_answers); None where no such galaxies are there.
        votes: Votes of the same galaxies, (tested, n_columns).
    """

    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    alpha: NDArray[np.float32] | None = None
    votes: NDArray[np.float32] | None = None


def find_real_sets(data: Path, skipped: Callable[[str], None]) -> RealSets:
    """The sets that are there; of each that is not, a line says which figures are missing."""
    sets = RealSets()
    if (data / GZ2_VOTES).is_dir():
        sets.counted = load_gz2_votes(data)
    else:
        skipped(f"votes of real galaxies, calibration, learning curves: no folder {data / GZ2_VOTES}")
    if (data / GZ1_CLASSES).is_dir():
        sets.classed = load_gz1_classes(data, sdss_names(data) if sets.counted else ())
    else:
        skipped(f"classes of Galaxy Zoo 1: no folder {data / GZ1_CLASSES}")
    if (data / DECALS_FITS).is_dir():
        sets.decals = load_decals_pictures(data)
    else:
        skipped(f"edge-on disks of DECaLS: no folder {data / DECALS_FITS}")
    return sets


def fit_heads(
    contenders: Sequence[Contender],
    counted: CountedSet,
    efigi: EfigiSet | None,
    cache: Path,
    advance: Callable[[str, int], None],
    *,
    simulated: bool = True,
) -> tuple[list[Contender], dict[str, HeadData], NDArray[np.str_]]:
    """Vectors to fit heads on for every encoder that knows something, and a head for ImageNet's network.

    Args:
        contenders: The encoders, the release first; all heads are fitted as its is.
        counted: Galaxies with votes.
        efigi: EFIGI; None where it is missing.
        cache: Folder that pictures and vectors are kept in.
        advance: Called with an encoder's name and the number of galaxies that are done.
        simulated: Whether simulated galaxies are drawn for the heads.

    Returns:
        The contenders, ImageNet's with a head; the vectors by name; which galaxies are `test`, (n,).
    """
    first = contenders[0].encoder
    parts, recipe = judged_parts(counted, first), HeadRecipe.of(first)
    if not simulated:
        recipe = replace(recipe, simulated=0)
    not_fitted = left_out_names(first, EFIGI)
    found: dict[str, HeadData] = {}
    compared = []
    for one in contenders:
        contender = one
        if contender.encoder.tree.name == GZD5.name and (contender.is_release or contender.name == IMAGENET):
            found[contender.name] = head_data(
                contender, recipe, counted, efigi, not_fitted, cache, partial(advance, one.name)
            )
            if not contender.is_release:
                contender = with_new_head(contender, found[contender.name], counted, parts)
        compared.append(contender)
    return compared, found, parts


def measure_real(
    contenders: Sequence[Contender],
    sets: RealSets,
    voted: VoteSet | None,
    heads: Mapping[str, HeadData],
    parts: NDArray[np.str_],
    vectors: Mapping[str, Mapping[str, EncodedPictures]],
) -> RealFigures:
    """All figures on real galaxies.

    Args:
        contenders: The encoders to compare, the one that is judged first.
        sets: The real galaxies with their labels.
        voted: DECaLS galaxies with counts; None where there are none.
        heads: What each encoder's heads are fitted on, as `fit_heads` gives it; empty where no galaxies with
            votes are there.
        parts: `test`, `validation` or `training` of each galaxy with votes, (n,), as `fit_heads` gives it.
        vectors: What each encoder says, by the name of the sample and of the encoder.
    """
    found: dict[str, list[pd.DataFrame]] = {}
    figures = RealFigures()
    for contender in contenders:
        if sets.counted and contender.name in heads:
            alpha = unseen_alpha(heads[contender.name], sets.counted, parts)
            for key, table in _vote_tables(contender, sets.counted, heads, parts, vectors, alpha):
                found.setdefault(key, []).append(table)
            if contender is contenders[0]:
                figures.alpha, figures.votes = (x[parts == "test"] for x in (alpha, sets.counted.votes))
        if contender.answers_gzd5:
            for key, table in _decals_tables(contender, sets.decals, voted, vectors):
                found.setdefault(key, []).append(table)
    if sets.classed:
        found["classes"] = [real_tables.class_table(contenders, sets.classed, vectors[GZ1_CLASSES])]
    figures.tables = {key: pd.concat(tables, ignore_index=True) for key, tables in found.items()}
    return figures


def _vote_tables(
    contender: Contender,
    counted: CountedSet,
    heads: Mapping[str, HeadData],
    parts: NDArray[np.str_],
    vectors: Mapping[str, Mapping[str, EncodedPictures]],
    alpha: NDArray[np.float32],
) -> Iterator[tuple[str, pd.DataFrame]]:
    """By heads fitted anew, with their learning curve, and by an own head that has not seen the votes."""
    yield "real_votes", real_tables.votes_table(contender, real_tables.NEW_HEAD, alpha, counted, parts)
    if contender.is_release and not _is_fitted_on_votes(contender):
        own = vectors[GZ2_VOTES][contender.name].concentrations_alpha
        yield "real_votes", real_tables.votes_table(contender, real_tables.OWN_HEAD, own, counted, parts)
    curve = curve_alphas(heads[contender.name], parts)
    yield "learning_curve", real_tables.curve_table(contender, curve, counted, parts)


def _decals_tables(
    contender: Contender,
    pictures: Sample | None,
    voted: VoteSet | None,
    vectors: Mapping[str, Mapping[str, EncodedPictures]],
) -> Iterator[tuple[str, pd.DataFrame]]:
    if voted:
        alpha = vectors[voted.sample.name][contender.name].concentrations_alpha
        yield "real_votes", real_tables.decals_votes_table(contender, voted, alpha)
        yield "decals_rank", pd.DataFrame([real_tables.decals_row(contender, voted, alpha)])
    if pictures:
        alpha = vectors[pictures.name][contender.name].concentrations_alpha
        yield "edge_on", real_tables.edge_on_table(contender, pictures.ids, alpha, voted)


def notes_on_training(contenders: Sequence[Contender]) -> list[str]:
    """What a reader must know of how the figures on real galaxies were come by."""
    protocol = (
        "Votes of Galaxy Zoo 2: heads fitted by the function that fits a release's, on all galaxies with "
        "votes but those of the judged one's fold (five folds, equal pictures in one), concentrations scaled "
        "by the other folds. Judged are galaxies that the network was not trained on."
    )
    silent = (
        f"{contender.name} does not say whether its network was trained on the galaxies with votes: its "
        "figures there may flatter it"
        for contender in contenders
        if contender.is_release and not left_out_names(contender.encoder, GZ2_VOTES)
    )
    return [protocol, *silent]


def _is_fitted_on_votes(contender: Contender) -> bool:
    about = contender.encoder.training.get("head")
    return isinstance(about, dict) and "judged" in about
