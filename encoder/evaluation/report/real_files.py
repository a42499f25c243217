"""Files of the figures on real galaxies: JSON and plots."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from encoder.evaluation.evaluate_real import RealFigures
from encoder.evaluation.figures.contenders import Contender
from encoder.evaluation.figures.fractions import reliability
from encoder.evaluation.figures.real_tables import NEW_HEAD
from encoder.evaluation.report.plots import colours, save
from encoder.evaluation.report.real_report import make_measured
from encoder.training.head.scales import min_votes
from encoder.training.head.vote_figures import question_columns, with_sums

_APART = 0.22


def write_json(
    tables: Mapping[str, pd.DataFrame], compared: Sequence[Contender], remarks: Sequence[str], output: Path
) -> list[Path]:
    """All figures in `evaluation.json`, and those that the release can carry in `measured.json`.

    Args:
        tables: Figures by the name of their CSV file.
        compared: The encoders, the release first.
        remarks: What a reader must know.
        output: Folder to write into.
    """
    about = [
        {
            "name": c.name,
            "sha256": c.encoder.sha256,
            "backbone": c.encoder.backbone,
            "views": c.encoder.view_set,
            "recipe": c.encoder.recipe.to_dict(),
        }
        for c in compared
    ]
    whole = {name: json.loads(table.to_json(orient="records")) for name, table in tables.items()}
    files = [output / "evaluation.json"]
    files[0].write_text(json.dumps({"encoders": about, "remarks": list(remarks), "tables": whole}, indent=1))
    if "real_votes" in tables and (found := make_measured(compared[0].name, tables["real_votes"])):
        files.append(output / "measured.json")
        files[-1].write_text(json.dumps({"sha256": compared[0].encoder.sha256, **found}, indent=1))
    return files


def plot_real(real: RealFigures, name: str, output: Path) -> list[Path]:
    """The plots of figures on real galaxies; the reliability diagram is of one encoder.

    Args:
        real: The figures on real galaxies.
        name: Name of that encoder.
        output: Folder to write into.
    """
    files = []

    def plot_path(plot: str) -> Path:
        files.append(output / f"{plot}.png")
        return files[-1]

    if "real_votes" in real.tables:
        table = real.tables["real_votes"]
        plot_ratios(table, plot_path("real_ratios"))
        own = table[(table["encoder"] == name) & (table["head"] == NEW_HEAD)]
        if real.alpha is not None and real.votes is not None:
            alpha = with_sums(real.alpha)
            plot_reliability(question_columns(), alpha, real.votes, own, plot_path("real_reliability"))
    if "learning_curve" in real.tables:
        plot_curves(real.tables["learning_curve"], plot_path("learning_curve"))
    return files


def plot_ratios(table: pd.DataFrame, file: Path) -> None:
    """Error over the constant's with its 95 % interval, a panel a set.

    Args:
        table: The table `real_votes`.
        file: Path of the PNG to write.
    """
    titles = list(dict.fromkeys(table["set"]))
    figure = Figure((4.6 * len(titles) + 2.2, 5.2), layout="constrained")
    panels = figure.subplots(1, len(titles), sharex=True, squeeze=False)[0]
    names = list(dict.fromkeys(table["encoder"] + ", " + table["head"]))
    shades = colours(names)
    for axes, title in zip(panels, titles, strict=True):
        own = table[table["set"] == title]
        questions = list(dict.fromkeys(own["question"]))
        shown = list(dict.fromkeys(own["encoder"] + ", " + own["head"]))
        for i, name in enumerate(shown):
            rows = own[(own["encoder"] + ", " + own["head"]) == name]
            at = [questions.index(q) + (i - (len(shown) - 1) / 2) * _APART for q in rows["question"]]
            around = np.abs(rows[["ratio_low", "ratio_high"]].to_numpy().T - rows["ratio"].to_numpy())
            axes.errorbar(
                rows["ratio"], at, xerr=around, fmt="o", ms=4, color=shades[name], label=name, lw=1.2
            )
        axes.axvline(1, color="#444444", lw=0.8)
        counts = dict(zip(own["question"], own["galaxies"], strict=True))
        axes.set_yticks(range(len(questions)), [f"{q} ({counts[q]})" for q in questions], fontsize=9)
        axes.invert_yaxis()
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("error / constant's error")
        axes.grid(axis="x", alpha=0.3)
    panels[0].set_xlim(0, min(2.5, float(np.nanmax(table["ratio_high"])) * 1.05))
    _legend(figure, panels)
    save(figure, file)


def plot_reliability(
    columns: Sequence[tuple[str, slice]],
    alpha: NDArray[np.float32],
    votes: NDArray[np.float32],
    table: pd.DataFrame,
    file: Path,
) -> None:
    """Fractions voted against fractions said, a panel a question, with error, bias and coverage in words.

    Args:
        columns: Questions and their columns.
        alpha: Concentrations, (n, columns).
        votes: Votes of the same galaxies, (n, columns).
        table: The rows of `real_votes` of the same encoder, head and set.
        file: Path of the PNG to write.
    """
    known = [(name, part) for name, part in columns if name in set(table["question"])]
    width = min(5, max(1, len(known)))
    height = -(-len(known) // width)
    figure = Figure((2.9 * width, 3.1 * height + 0.4), layout="constrained")
    panels = figure.subplots(height, width, sharex=True, sharey=True, squeeze=False).ravel()
    for panel, (name, part) in zip(panels, known, strict=False):
        rows = votes[:, part].sum(axis=1) >= min_votes(name)
        said = alpha[rows, part] / alpha[rows, part].sum(axis=1, keepdims=True)
        observed = votes[rows, part] / votes[rows, part].sum(axis=1, keepdims=True)
        panel.plot([0, 1], [0, 1], color="#444444", lw=0.8)
        panel.scatter(said.ravel(), observed.ravel(), s=4, alpha=0.18, color="#1f5fa8", lw=0)
        points = np.array(reliability(said.ravel(), observed.ravel())).reshape(-1, 2)
        panel.plot(*points.T, "o-", ms=4, color="#c23b22")
        row = table[table["question"] == name].iloc[0]
        words = (
            f"error / constant {row['ratio']:.2f}\nbias {row['bias']:+.3f}\n"
            f"covered {100 * row['coverage']:.0f} %"
        )
        panel.text(0.03, 0.97, words, fontsize=8, va="top", transform=panel.transAxes)
        panel.set_title(f"{name} ({int(row['galaxies'])})", fontsize=9)
        panel.grid(alpha=0.3)
    for panel in panels[len(known) :]:
        panel.set_axis_off()
    figure.supxlabel("fraction said", fontsize=10)
    figure.supylabel("fraction voted", fontsize=10)
    save(figure, file)


def plot_curves(table: pd.DataFrame, file: Path) -> None:
    """Error over the constant's against the number of galaxies with votes, a panel a question."""
    questions = list(dict.fromkeys(table["question"]))
    width = min(5, len(questions))
    height = -(-len(questions) // width)
    figure = Figure((2.9 * width, 2.8 * height + 0.6), layout="constrained")
    panels = figure.subplots(height, width, sharex=True, squeeze=False).ravel()
    names = list(dict.fromkeys(table["encoder"]))
    shades = colours(names)
    for panel, question in zip(panels, questions, strict=False):
        for name in names:
            own = table[(table["encoder"] == name) & (table["question"] == question)]
            panel.fill_between(
                own["galaxies"], own["ratio_low"], own["ratio_high"], color=shades[name], alpha=0.15, lw=0
            )
            panel.plot(own["galaxies"], own["ratio"], "o-", ms=4, color=shades[name], label=name)
        panel.set_title(question, fontsize=9)
        panel.set_xscale("log")
        ticks = sorted(set(table["galaxies"]))
        panel.set_xticks(ticks, [str(n) for n in ticks], fontsize=8)
        panel.minorticks_off()
        panel.axhline(1, color="#444444", lw=0.8)
        panel.grid(alpha=0.3)
    for panel in panels[len(questions) :]:
        panel.set_axis_off()
    figure.supxlabel("galaxies with votes that the head was fitted on", fontsize=10)
    figure.supylabel("error / constant's error", fontsize=10)
    _legend(figure, panels[: len(questions)])
    save(figure, file)


def _legend(figure: Figure, panels: Iterable[Axes]) -> None:
    labels = {
        name: handle
        for panel in panels
        for handle, name in zip(*panel.get_legend_handles_labels(), strict=True)
    }
    figure.legend(
        list(labels.values()), list(labels), loc="outside upper center", ncols=min(3, len(labels)), fontsize=9
    )
