"""The anomalies that are searched for: rings and perturbations of EFIGI, odd kinds of a simulated survey."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from encoder.evaluation.anomalies.isophotes import measure_isophotes
from encoder.evaluation.anomalies.methods import list_methods, prepare_search
from encoder.evaluation.anomalies.survey import survey_vectors
from encoder.evaluation.anomalies.table import AnomalySet, SearchTables, measure
from encoder.evaluation.anomalies.task_run import TaskRun
from encoder.evaluation.figures.contenders import Contender
from encoder.evaluation.figures.measures import has_seen_test_galaxies
from encoder.evaluation.sets.real import EfigiSet
from encoder.evaluation.sets.samples import Sample
from encoder.model.recipe import ImageRecipe
from encoder.training.labels.efigi import RINGS

MIN_ATTRIBUTE = 0.75
"""Minimum value of an attribute that makes an anomaly."""
PERTURBATION = "Perturbation"
RINGS_QUESTION = f"EFIGI, any ring >= {MIN_ATTRIBUTE:g}"
PERTURBATION_QUESTION = f"EFIGI, perturbation >= {MIN_ATTRIBUTE:g}"
SURVEY_QUESTION = "simulated mergers and irregular galaxies"


def search_rings(real: EfigiSet, compared: Sequence[Contender], run: TaskRun) -> SearchTables:
    """Rings among EFIGI's test galaxies.

    Args:
        real: EFIGI with its split into galaxies to test on and others.
        compared: The release first, and ImageNet where it is there.
        run: The evaluation: its protocol, cache and notes.
    """
    return _efigi_anomalies(real, RINGS_QUESTION, RINGS, compared, run)


def search_perturbed(real: EfigiSet, compared: Sequence[Contender], run: TaskRun) -> SearchTables:
    """Perturbed galaxies among EFIGI's test galaxies; arguments as `search_rings`."""
    return _efigi_anomalies(real, PERTURBATION_QUESTION, (PERTURBATION,), compared, run)


def search_survey(real: EfigiSet, compared: Sequence[Contender], run: TaskRun) -> SearchTables:
    """Kinds of a simulated survey that training left out; arguments as `search_rings`.

    Every encoder sees one view of a picture: galaxies lie as they happen to lie, and eight views take longer.
    """
    compared = [replace(each, encoder=replace(each.encoder, view_set=1)) for each in compared]
    n, encoders = run.protocol.simulated, {each.name: each.encoder for each in compared}
    advance = run.bar("drawing and encoding the simulated survey", n * (1 + len(encoders)))
    survey = survey_vectors(n, encoders, compared[0].encoder.recipe, run.cache, advance)
    anomaly_set = AnomalySet(SURVEY_QUESTION, survey.anomalous, halved=False)
    return _searches(real, anomaly_set, survey.embedding, survey.isophotes, compared, run)


def _efigi_anomalies(
    real: EfigiSet, name: str, attributes: Sequence[str], compared: Sequence[Contender], run: TaskRun
) -> SearchTables:
    own, tested = compared[0], real.tested
    if has_seen_test_galaxies(real, own):
        run.notes.append(f"{own.name} was trained on some of these EFIGI galaxies: its figures flatter it")
    sample = _part(real.sample, tested)
    advance = run.bar("isophotes of EFIGI", len(sample.ids))
    isophotes = measure_isophotes(sample, own.encoder.recipe, run.cache, advance)
    anomalous = real.table[list(attributes)].to_numpy()[tested].max(axis=1) >= MIN_ATTRIBUTE
    embedding = {each.name: run.vectors(real.sample, each)[tested] for each in compared}
    return _searches(real, AnomalySet(name, anomalous, halved=True), embedding, isophotes, compared, run)


def _searches(
    real: EfigiSet,
    anomaly_set: AnomalySet,
    embedding: Mapping[str, NDArray[np.float32]],
    isophotes: NDArray[np.float32],
    compared: Sequence[Contender],
    run: TaskRun,
) -> SearchTables:
    """Every method on the galaxies that have isophotes: on the others the baseline has nothing to say."""
    shown = ~np.isnan(isophotes[:, 0])  # a row has all features or none
    name, anomalous = anomaly_set.name, anomaly_set.anomalous[shown]
    run.notes.append(
        f"{name}: {len(shown)} galaxies, {anomaly_set.anomalous.sum()} anomalies, "
        f"encoder {compared[0].name}; left out for every method, as without ellipses: {(~shown).sum()}, "
        f"{anomaly_set.anomalous[~shown].sum()}"
    )
    vectors = {c.name: prepare_search(embedding[c.name][shown], _reference(real, c, run)) for c in compared}
    ways = list_methods(compared[0].name, vectors, isophotes[shown])
    repeats, batches = run.protocol.repeats, run.protocol.batches
    advance = run.bar(f"searching, {name}", repeats * len(ways))
    return measure(AnomalySet(name, anomalous, anomaly_set.halved), ways, repeats, batches, advance)


def _reference(real: EfigiSet, contender: Contender, run: TaskRun) -> NDArray[np.float32]:
    """Galaxies that are judged nowhere, (m, d): EFIGI's training split and simulated ones."""
    return np.concatenate(
        [run.vectors(real.sample, contender)[~real.tested], run.vectors(run.reference, contender)]
    )


def _part(sample: Sample, chosen: NDArray[np.bool_]) -> Sample:
    rows = np.flatnonzero(chosen).tolist()

    def picture(i: int, recipe: ImageRecipe) -> Tensor:
        return sample.picture(rows[i], recipe)

    ids = [sample.ids[i] for i in rows]
    return Sample(f"{sample.name}-tested", ids, f"{sample.version} {rows}", picture)
