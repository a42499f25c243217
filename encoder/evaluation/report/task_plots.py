"""Figures of what a person finds with few ratings, and of rings from few labels."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from encoder.evaluation.anomalies.methods import ASTRONOMALY, OF_RANDOM, RANDOM, SCORE, SEEDED
from encoder.evaluation.figures.few_labels import FROZEN, FROZEN_HEAD
from encoder.evaluation.report.plots import colours, save

_OTHERS = {ASTRONOMALY: "#c23b22", RANDOM: "#8a8a8a"}
_LINES = {SEEDED: "--", OF_RANDOM: ":", SCORE: "-."}
_CHANCE = 0.5
_APART = 1.03


def plot_found(found: pd.DataFrame, summary: pd.DataFrame, file: Path) -> None:
    """Anomalies found against galaxies rated, and the most that could be."""
    questions = list(dict.fromkeys(found["question"]))
    figure = Figure((max(8.0, 5.2 * len(questions)), 5.8), layout="constrained")
    panels = figure.subplots(1, len(questions), squeeze=False)[0]
    for axes, question in zip(panels, questions, strict=True):
        own = found[found["question"] == question]
        total = _of(summary, question, "anomalies")["mean"].iloc[0]
        rated = sorted(set(own["rated"]))
        axes.plot(
            [0, *rated], [0, *(min(n, total) for n in rated)], "k", linewidth=0.8, label="the most possible"
        )
        for (encoder, method), rows in own.groupby(["encoder", "method"], sort=False):
            colour, line = _style(own, str(encoder), str(method))
            axes.plot(rows["rated"], rows["mean"], line, color=colour, label=_legend_label(encoder, method))
            if line == "-":  # more bands would hide each other
                low, high = rows["mean"] - rows["deviation"], rows["mean"] + rows["deviation"]
                axes.fill_between(rows["rated"], low, high, color=colour, alpha=0.12, linewidth=0)
        axes.set_title(question, fontsize=10)
        axes.set_xlabel("galaxies rated")
        axes.set_xlim(0, max(rated))
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("anomalies among them (mean ± spread of the repeats)")
    _legend(figure, panels)
    save(figure, file)


def plot_precision(summary: pd.DataFrame, file: Path) -> None:
    """Average precision among galaxies that were never shown."""
    table = summary[summary["figure"] == "average_precision"]
    questions = list(dict.fromkeys(table["question"]))
    figure = Figure((9, 0.6 + 2.9 * len(questions)), layout="constrained")
    panels = figure.subplots(len(questions), squeeze=False)[:, 0]
    for axes, question in zip(panels, questions, strict=True):
        own = table[table["question"] == question]
        names = [_legend_label(e, m) for e, m in zip(own["encoder"], own["method"], strict=True)]
        shades = [_style(own, e, m)[0] for e, m in zip(own["encoder"], own["method"], strict=True)]
        axes.barh(names, own["mean"], xerr=own["deviation"], color=shades, capsize=3, ecolor="#444444")
        axes.invert_yaxis()
        axes.set_title(question, fontsize=10)
        axes.set_xlim(left=0)
        axes.grid(axis="x", alpha=0.3)
        axes.set_axisbelow(True)
    panels[-1].set_xlabel("average precision on half B (mean ± spread of the repeats)")
    save(figure, file)


def plot_few_labels(table: pd.DataFrame, file: Path) -> None:
    """Accuracy against the number of labelled rings."""
    titles = list(dict.fromkeys(table["set"]))
    figure = Figure((5.8 * len(titles) + 0.4, 5.4), layout="constrained")
    panels = figure.subplots(1, len(titles), sharey=True, squeeze=False)[0]
    shades = colours(list(dict.fromkeys(table["encoder"])))
    for axes, title in zip(panels, titles, strict=True):
        of_set = table[table["set"] == title]
        for i, ((encoder, method), rows) in enumerate(of_set.groupby(["encoder", "method"], sort=False)):
            axes.errorbar(
                rows["labels"] * _APART**i,
                rows["accuracy"],
                rows["accuracy_deviation"],
                color=shades[str(encoder)],
                linestyle={FROZEN: "-", FROZEN_HEAD: ":"}.get(str(method), "--"),
                marker="o" if str(method) in {FROZEN, FROZEN_HEAD} else "s",
                markersize=5,
                capsize=2,
                elinewidth=0.9,
                label=_legend_label(encoder, method),
            )
        labels = sorted(set(of_set["labels"]))
        axes.set_xscale("log")
        axes.set_xticks(labels, [str(n) for n in labels])
        axes.minorticks_off()
        axes.axhline(_CHANCE, color="#444444", linewidth=0.8)
        axes.set_title(f"{title} (tested on {of_set['tested'].iloc[0]})", fontsize=10)
        axes.set_xlabel("labelled rings (and as many without)")
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("accuracy on a balanced test set")
    _legend(figure, panels)
    save(figure, file)


def _style(of_question: pd.DataFrame, encoder: str, method: str) -> tuple[str, str]:
    if method in _OTHERS:
        return _OTHERS[method], "-"
    encoders = [name for name in dict.fromkeys(of_question["encoder"]) if name]
    return colours(encoders)[encoder], _LINES.get(method, "-")


def _legend_label(encoder: object, method: object) -> str:
    return f"{encoder}: {method}" if encoder else str(method)


def _of(summary: pd.DataFrame, question: str, figure: str) -> pd.DataFrame:
    return summary[(summary["question"] == question) & (summary["figure"] == figure)]


def _legend(figure: Figure, panels: Sequence[Axes]) -> None:
    """One legend below all panels."""
    labels = {t: h for axes in panels for h, t in zip(*axes.get_legend_handles_labels(), strict=True)}
    columns = 2 if len(panels) == 1 else 3
    figure.legend(labels.values(), labels.keys(), loc="outside lower center", ncols=columns, fontsize=8)
