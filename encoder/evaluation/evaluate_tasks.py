"""Evaluation of the tasks: what a person finds with few ratings, and learns from few labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from rich.progress import Progress

from encoder.errors import EvaluationError
from encoder.evaluation.anomalies.questions import (
    PERTURBATION,
    PERTURBATION_QUESTION,
    SURVEY_QUESTION,
    search_perturbed,
    search_rings,
    search_survey,
)
from encoder.evaluation.anomalies.survey import ODD_KINDS
from encoder.evaluation.anomalies.table import summarise
from encoder.evaluation.anomalies.task_run import Protocol, TaskRun
from encoder.evaluation.figures.contenders import Contender, load_contenders
from encoder.evaluation.figures.few_labels import LabelSet, decals_rings_labels, efigi_rings, frozen_table
from encoder.evaluation.figures.tuned_few_labels import tuned_few_labels_table
from encoder.evaluation.report import task_plots
from encoder.evaluation.report.report import write_tables
from encoder.evaluation.report.task_report import render_task_report, target_table
from encoder.evaluation.sets.real import DECALS_RINGS, EFIGI, EfigiSet, load_decals_rings, load_efigi
from encoder.evaluation.sets.samples import check_untrained_on
from encoder.model.atomic_file import make_folder
from encoder.model.baselines import IMAGENET
from encoder.model.encoder import DEFAULT_WEIGHTS

REPORT = "tasks.md"
_UNTRAINED_ON = {"efigi": (PERTURBATION,), "simulated": ODD_KINDS}
_TOLD = f"{PERTURBATION}, {', '.join(ODD_KINDS)}"


@dataclass(frozen=True)
class TaskEvaluation:
    """What `galcat evaluate tasks` measured, and the files that it wrote.

    Attributes:
        targets: A row a target; empty where nothing was searched.
        few_labels: A row an encoder, method and number of labels; empty where there were no rings.
        files: Every file that was written.
        skipped: One line for each figure that is missing, which says why.
        notes: Sentences that a reader of the figures must know.
    """

    targets: pd.DataFrame
    few_labels: pd.DataFrame
    files: list[Path]
    skipped: list[str]
    notes: list[str]


def evaluate_tasks(
    weights: Path | None,
    data: Path,
    output: Path,
    *,
    undisturbed: Path | None = None,
    protocol: Protocol | None = None,
    device: str | None = None,
    progress: Progress | None = None,
) -> TaskEvaluation:
    """Measure searches for anomalies and rings from few labels; write tables, figures and `tasks.md`.

    Vectors, isophotes and trainings are kept in the output folder: a run that was killed goes on.

    Args:
        weights: The release; None for the one that ships with the package.
        data: Folder with `efigi` and `gz_decals_rings`; where one is missing, its figures are.
        output: Folder to write into; made if it is not there.
        undisturbed: A release trained without perturbations, mergers and irregular galaxies; without it
            nobody searches for them.
        protocol: None for the full one, without tuning of networks.
        device: The device that encodes pictures, such as `cpu` or `cuda`; None for the best of this machine.
        progress: Where progress bars are shown; None shows none.

    Raises:
        EncoderError: A weights file, table, column or picture is missing or wrong, or the undisturbed release
            was trained on what it is to find.
    """
    if not data.is_dir():
        raise EvaluationError(f"no data folder {data}")
    run = TaskRun(output / "cache", protocol or Protocol(), progress)
    compared = load_contenders(
        weights, [undisturbed] if undisturbed else [], None, device, run.skipped.append
    )
    unaware = compared.pop(1) if undisturbed else None
    if unaware:
        check_untrained_on(unaware.encoder, _UNTRAINED_ON)
    run.notes += _files(compared[0], weights, unaware, undisturbed)
    make_folder(run.cache, EvaluationError)
    real = load_efigi(data) if (data / EFIGI).is_dir() else None
    tables = _anomaly_tables(real, compared, unaware, run)
    tables |= _few_labels(_label_sets(real, data, run), compared, run)
    if not tables:
        raise EvaluationError(f"nothing to measure in {data}: {'; '.join(run.skipped)}")
    named = [compared[0], *([unaware] if unaware else []), *compared[1:]]
    files = _write(tables, named, run, output)
    nothing = pd.DataFrame()
    return TaskEvaluation(
        tables.get("task_targets", nothing), tables.get("few_labels", nothing), files, run.skipped, run.notes
    )


def _anomaly_tables(
    real: EfigiSet | None, compared: Sequence[Contender], unaware: Contender | None, run: TaskRun
) -> dict[str, pd.DataFrame]:
    """Every question that there are data and an encoder for."""
    if real is None:
        run.skipped.append(f"anomalies: no folder {EFIGI}")
        return {}
    imagenet = [one for one in compared if one.name == IMAGENET]
    results = [search_rings(real, [compared[0], *imagenet], run)]
    if unaware:
        results.append(search_perturbed(real, [unaware, *imagenet], run))
    if unaware and run.protocol.simulated:
        results.append(search_survey(real, [unaware, *imagenet], run))
    if not unaware:
        why = "needs an encoder that was not trained on them (--undisturbed FILE), and none was given"
        run.skipped += [f"{PERTURBATION_QUESTION}: {why}", f"{SURVEY_QUESTION}: {why}"]
    elif not run.protocol.simulated:
        run.skipped.append(f"{SURVEY_QUESTION}: no survey was asked for")
    repeats = pd.concat([one.repeats for one in results], ignore_index=True)
    return {
        "anomalies": summarise(repeats),
        "anomaly_repeats": repeats,
        "anomalies_found": pd.concat([one.found for one in results], ignore_index=True),
        "task_targets": target_table(summarise(repeats)),
    }


def _label_sets(real: EfigiSet | None, data: Path, run: TaskRun) -> list[LabelSet]:
    sets = []
    if real:
        sets.append(efigi_rings(real))
    else:
        run.skipped.append(f"EFIGI rings from few labels: no folder {data / EFIGI}")
    if (data / DECALS_RINGS).is_dir():
        sets.append(decals_rings_labels(load_decals_rings(data)))
    else:
        run.skipped.append(f"DECaLS rings from few labels: no folder {data / DECALS_RINGS}")
    return sets


def _few_labels(
    sets: Sequence[LabelSet], compared: Sequence[Contender], run: TaskRun
) -> dict[str, pd.DataFrame]:
    parts = []
    own, protocol = compared[0], run.protocol
    for label_set in sets:
        vectors = {each.name: run.vectors(label_set.sample, each) for each in compared}
        advance = run.bar(f"fitting heads, {label_set.title}", len(label_set.labels) * (len(vectors) + 1))
        parts.append(frozen_table(label_set, vectors, own.name, advance, protocol.splits))
        if protocol.deep_splits:
            advance = run.bar(
                f"tuning networks, {label_set.title}", len(label_set.labels) * protocol.deep_splits
            )
            parts.append(
                tuned_few_labels_table(
                    label_set,
                    own.name,
                    own.encoder,
                    run.cache,
                    run.skipped.append,
                    advance,
                    protocol.deep_splits,
                )
            )
    if sets and not protocol.deep_splits:
        run.skipped.append("rings from few labels with tuned networks: not asked for (--deep)")
    return {"few_labels": pd.concat(parts, ignore_index=True)} if parts else {}


def _files(
    own: Contender, weights: Path | None, unaware: Contender | None, undisturbed: Path | None
) -> list[str]:
    """Which weights were measured, and what of the galaxies they have seen."""
    shipped = f"encoder/weights/{DEFAULT_WEIGHTS}, as it ships: no ring label was read in its training"
    notes = [f"{own.name} is {weights or shipped}"]
    if unaware:
        notes.append(f"{unaware.name} is {undisturbed}; by its configuration it was trained without {_TOLD}")
    galaxies = own.encoder.training.get("galaxies", {})
    if DECALS_RINGS in galaxies:
        notes.append(f"{own.name} has seen the pictures of {DECALS_RINGS}, without labels")
    return notes


def _write(
    tables: Mapping[str, pd.DataFrame], named: Sequence[Contender], run: TaskRun, output: Path
) -> list[Path]:
    figures = []
    if "anomalies" in tables:
        figures += [output / "average_precision.png", output / "found.png"]
        task_plots.plot_precision(tables["anomalies"], figures[0])
        task_plots.plot_found(tables["anomalies_found"], tables["anomalies"], figures[1])
    if "few_labels" in tables:
        figures.append(output / "few_labels.png")
        task_plots.plot_few_labels(tables["few_labels"], figures[-1])
    report = output / REPORT
    about = [*run.notes, *(f"skipped: {reason}" for reason in run.skipped)]
    report.write_text(render_task_report(named, tables, about, figures))
    return [*write_tables(tables, output), *figures, report]
