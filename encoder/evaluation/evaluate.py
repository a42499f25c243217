"""Evaluation: a release in, the paper's figures out, beside those of encoders that know less."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from rich.progress import Progress, TaskID

from encoder.errors import EvaluationError
from encoder.evaluation.evaluate_real import (
    RealSets,
    find_real_sets,
    fit_heads,
    measure_real,
    notes_on_training,
)
from encoder.evaluation.figures import measures
from encoder.evaluation.figures.contenders import Contender, load_contenders
from encoder.evaluation.figures.refitted_heads import HeadData
from encoder.evaluation.figures.tuned_rings import tuned_ring_table
from encoder.evaluation.report import fraction_plots, plots
from encoder.evaluation.report.picture_map import map_cells, plot_map
from encoder.evaluation.report.real_files import plot_real, write_json
from encoder.evaluation.report.report import render_report, write_tables
from encoder.evaluation.sets.real import (
    DECALS_FIXTURE,
    DECALS_RINGS,
    DECALS_VOTES,
    EFIGI,
    EfigiSet,
    RingSet,
    VoteSet,
    load_decals_rings,
    load_decals_votes,
    load_efigi,
    load_simulated_votes,
)
from encoder.evaluation.sets.real_labels import CountedSet
from encoder.evaluation.sets.samples import Sample
from encoder.evaluation.sets.vectors import encode_sample
from encoder.model.atomic_file import make_folder
from encoder.model.baselines import IMAGENET
from encoder.model.encoder import EncodedPictures
from encoder.model.projection import SEARCH_DIMENSIONS, fit_projection

SIMULATED = 500
REPORT = "report.md"


@dataclass(frozen=True)
class Evaluation:
    """What `galcat evaluate` measured, and the files that it wrote.

    Attributes:
        summary: The table of the main figures, with a row for each encoder.
        files: Every file that was written.
        skipped: Figures and baselines that are missing, with the reason.
        notes: Sentences that a reader of the figures must know.
    """

    summary: pd.DataFrame
    files: list[Path]
    skipped: list[str]
    notes: list[str]


@dataclass
class _Sets:
    efigi: EfigiSet | None = None
    rings: RingSet | None = None
    voted: list[VoteSet] = field(default_factory=list)
    real: RealSets = field(default_factory=RealSets)

    @property
    def samples(self) -> list[Sample]:
        named = [s for s in (self.efigi, self.rings, *self.voted) if s is not None]
        return [*(one.sample for one in named), *self.real.samples]

    @property
    def decals_votes(self) -> VoteSet | None:
        """DECaLS galaxies with counts."""
        return next((one for one in self.voted if one.sample.name == DECALS_VOTES), None)


def evaluate(
    weights: Path | None,
    data: Path,
    output: Path,
    *,
    against: Sequence[Path] = (),
    views: int | None = None,
    deep: bool = False,
    simulated: int = SIMULATED,
    baselines: bool = True,
    device: str | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Measure a release and its baselines; write CSV tables, PNG figures and `report.md`.

    Vectors are kept in the output folder: a run that was killed goes on, and a second one is quick.

    Args:
        weights: The release; None for the one that ships with the package.
        data: Folder with `gz2_votes`, `gz1_classes`, `efigi`, `gz_decals_rings`, `gz_decals_dr5_fixture`,
            `decals_fits`, `votes`; where one is missing, its figures are.
        output: Folder to write into; made if it is not there.
        against: Other releases to compare with.
        views: Averaged by every encoder, 1 or 8; None for the release's own number.
        deep: Also tune the last blocks of each network on the few labels, as `finetune` does: hours on a CPU.
        simulated: Galaxies of each simulated set; 0 for none, and for none that heads are fitted on.
        baselines: Whether the network is compared as ImageNet left it, and untrained.
        device: The device that encodes pictures, such as `cpu` or `cuda`; None for the best of this machine.
        progress: Where progress bars are shown; None shows none.

    Raises:
        EncoderError: A weights file, table, column or picture is missing or wrong.
    """
    if not data.is_dir():
        raise EvaluationError(f"no data folder {data}")
    make_folder(output, EvaluationError)
    skipped: list[str] = []
    compared = load_contenders(weights, against, views, device, skipped.append, baselines=baselines)
    sets = _find_sets(data, output / "cache", simulated, skipped.append)
    if not sets.samples:
        raise EvaluationError(f"nothing to measure in {data}: {'; '.join(skipped)}")
    heads: dict[str, HeadData] = {}
    parts = np.empty(0, np.str_)
    if sets.real.counted:
        compared, heads, parts = _fit_heads(
            sets, sets.real.counted, compared, output / "cache", progress, simulated=simulated > 0
        )
    vectors = _encode(sets, compared, output / "cache", progress)
    tables: dict[str, pd.DataFrame] = {}
    files: list[Path] = []
    notes: list[str] = notes_on_training(compared) if sets.real.counted else []
    if sets.efigi:
        notes += [
            f"{c.name} was trained on some of the EFIGI test galaxies: its figures there flatter it"
            for c in compared
            if measures.has_seen_test_galaxies(sets.efigi, c)
        ]
        vectors[EFIGI] |= _whole_pictures(sets.efigi.sample, compared, output / "cache")
        tables |= _efigi_tables(sets.efigi, vectors[EFIGI], compared)
        if deep:
            tuned = tuned_ring_table(sets.efigi, compared, output / "cache", progress)
            tables["rings"] = pd.concat([tables["rings"], tuned], ignore_index=True)
    if sets.rings:
        tables["decals_rings"] = measures.decals_table(sets.rings, vectors[DECALS_RINGS])
    if sets.voted:
        of_sets = [measures.fraction_table(one, vectors[one.sample.name], compared) for one in sets.voted]
        tables["fractions"] = pd.concat(of_sets, ignore_index=True)
    real = measure_real(compared, sets.real, sets.decals_votes, heads, parts, vectors)
    tables |= real.tables
    tables["summary"] = measures.summary_table(tables, compared)
    files += write_tables(tables, output)
    files += write_json(tables, compared, [*notes, *(f"skipped: {reason}" for reason in skipped)], output)
    figures = _plot(sets, vectors, compared, tables, output)
    figures += plot_real(real, compared[0].name, output)
    files += figures
    about_tags = measures.about_tags(sets.efigi) if sets.efigi else ""
    report = output / REPORT
    remarks = [*notes, *(f"skipped: {reason}" for reason in skipped)]
    report.write_text(render_report(compared, tables, remarks, about_tags, figures))
    return Evaluation(tables["summary"], [*files, report], skipped, notes)


def _fit_heads(
    sets: _Sets,
    counted: CountedSet,
    compared: Sequence[Contender],
    cache: Path,
    progress: Progress | None,
    *,
    simulated: bool,
) -> tuple[list[Contender], dict[str, HeadData], NDArray[np.str_]]:
    bars: dict[str, TaskID] = {}

    def advance(name: str, n: int) -> None:
        if progress:
            if name not in bars:
                bars[name] = progress.add_task(f"head, {name}", total=None)
            progress.advance(bars[name], n)

    return fit_heads(compared, counted, sets.efigi, cache, advance, simulated=simulated)


def _whole_pictures(sample: Sample, compared: Sequence[Contender], cache: Path) -> dict[str, EncodedPictures]:
    """ImageNet's network on whole pictures, where the release finds frames: they may suit it better."""
    found = {}
    for contender in compared:
        if contender.name == IMAGENET and contender.encoder.recipe.framing:
            encoder = replace(contender.encoder, recipe=replace(contender.encoder.recipe, framing=None))
            found[f"{IMAGENET}, whole pictures"] = encode_sample(sample, encoder, cache, lambda _: None)
    return found


def _find_sets(data: Path, cache: Path, simulated: int, skipped: Callable[[str], None]) -> _Sets:
    sets = _Sets()
    if (data / EFIGI).is_dir():
        sets.efigi = load_efigi(data)
    else:
        skipped(f"tags, ring curve, components, smooth or featured, map: no folder {data / EFIGI}")
    if (data / DECALS_RINGS).is_dir():
        sets.rings = load_decals_rings(data)
    else:
        skipped(f"DECaLS rings: no folder {data / DECALS_RINGS}")
    if simulated:
        sets.voted += load_simulated_votes(simulated, cache)
    else:
        skipped("fractions of simulated galaxies: none were asked for")
    if (data / DECALS_FIXTURE).is_dir():
        sets.voted.append(load_decals_votes(data))
    else:
        skipped(f"fractions of DECaLS galaxies: no folder {data / DECALS_FIXTURE}")
    sets.real = find_real_sets(data, skipped)
    return sets


def _encode(
    sets: _Sets, compared: Sequence[Contender], cache: Path, progress: Progress | None
) -> dict[str, dict[str, EncodedPictures]]:
    vectors: dict[str, dict[str, EncodedPictures]] = {sample.name: {} for sample in sets.samples}
    for contender in compared:
        samples = [one for one in sets.samples if sets.real.needs(one, contender)]
        total = sum(len(sample.ids) for sample in samples)
        bar = progress.add_task(f"encoding, {contender.name}", total=total) if progress else None

        def advance(n: int, bar: object = bar) -> None:
            if progress and bar is not None:
                progress.advance(bar, n)  # type: ignore[arg-type]

        for sample in samples:
            vectors[sample.name][contender.name] = encode_sample(sample, contender.encoder, cache, advance)
    return vectors


def _efigi_tables(
    efigi_set: EfigiSet, vectors: measures.Vectors, compared: Sequence[Contender]
) -> dict[str, pd.DataFrame]:
    return {
        "tags": measures.tag_table(efigi_set, vectors),
        "rings": measures.ring_table(efigi_set, vectors),
        "components": measures.component_table(efigi_set, vectors),
        "smooth": measures.smooth_table(efigi_set, vectors, compared),
    }


def _plot(
    sets: _Sets,
    vectors: dict[str, dict[str, EncodedPictures]],
    compared: Sequence[Contender],
    tables: dict[str, pd.DataFrame],
    output: Path,
) -> list[Path]:
    files = []

    def name_figure(name: str) -> Path:
        files.append(output / f"{name}.png")
        return files[-1]

    own = compared[0]
    if sets.efigi:
        plots.plot_tags(tables["tags"], name_figure("tags"))
        plots.plot_components(tables["components"], SEARCH_DIMENSIONS, name_figure("components"))
        if len(tables["rings"]):
            plots.plot_rings(tables["rings"], name_figure("rings"))
        _plot_map(sets.efigi, own, vectors[EFIGI][own.name], name_figure("map"))
    if sets.voted and own.answers_gzd5:
        table = tables["fractions"]
        alphas = {v.title: vectors[v.sample.name][own.name].concentrations_alpha for v in sets.voted}
        fraction_plots.plot_errors(table, name_figure("fractions"))
        fraction_plots.plot_calibration(
            sets.voted, alphas, table[table["encoder"] == own.name], name_figure("calibration")
        )
    return files


def _plot_map(efigi_set: EfigiSet, own: Contender, encoded: EncodedPictures, file: Path) -> None:
    projection = fit_projection(encoded.embedding[~efigi_set.tested])
    search = projection.apply(encoded.embedding[efigi_set.tested])
    rows = efigi_set.tested.nonzero()[0]
    pictures = {}
    for cell, i in map_cells(search).items():
        rgb = efigi_set.sample.picture(int(rows[i]), own.encoder.recipe)
        pictures[cell] = (rgb.permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()
    plot_map(search, pictures, file)
