"""Figures of the vote fractions: their errors, and how far they can be believed."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from encoder.evaluation.figures.fractions import observed_fractions, reliability
from encoder.evaluation.report.plots import colours, save
from encoder.evaluation.sets.real import VoteSet
from encoder.model.gz_tree import GZD5

_SETS = ("#1f5fa8", "#2a9d5c", "#c23b22")
_APART = 0.16


def plot_errors(table: pd.DataFrame, file: Path) -> None:
    """Mean absolute deviation of the fractions, beside the constant's, the truth's and the votes' noise."""
    titles = list(dict.fromkeys(table["set"]))
    figure = Figure((4.2 * len(titles) + 1.5, 5.4), layout="constrained")
    row = figure.subplots(1, len(titles), sharey=True, squeeze=False)[0]
    questions = [q.name for q in GZD5.questions]
    names = list(dict.fromkeys(table["encoder"]))
    shades = colours(names)
    for axes, title in zip(row, titles, strict=True):
        rows = table[table["set"] == title]
        first = rows[rows["encoder"] == names[0]]
        at = np.array([questions.index(q) for q in first["question"]])
        axes.barh(at, first["constant"].fillna(0), color="#dddddd", label="constant")
        axes.barh(at, first["vote_noise"], color="#aaaaaa", height=0.35, label="noise of the votes")
        if first["truth"].notna().any():
            axes.scatter(first["truth"], at, marker="|", s=180, color="black", label="truth")
        for i, name in enumerate(names):
            own = rows[rows["encoder"] == name]
            heights = [questions.index(q) + (i - (len(names) - 1) / 2) * _APART for q in own["question"]]
            axes.scatter(own["error"], heights, color=shades[name], s=28, zorder=3, label=name)
        counts = dict(zip(first["question"], first["galaxies"], strict=True))
        axes.set_title(f"{title}\n(at most {max(counts.values())} galaxies a question)", fontsize=10)
        axes.set_xlabel("mean absolute deviation of the fractions")
        axes.grid(axis="x", alpha=0.3)
    row[0].set_yticks(range(len(questions)), questions)
    row[0].invert_yaxis()
    labels = {
        text: handle for axes in row for handle, text in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(labels.values(), labels.keys(), loc="outside lower center", ncols=len(labels), fontsize=9)
    save(figure, file)


def plot_calibration(
    voted: Sequence[VoteSet], alphas: Mapping[str, NDArray[np.float32]], table: pd.DataFrame, file: Path
) -> None:
    """Voted against said fractions of each question, and the coverage of the 90 % intervals.

    Args:
        voted: The sets of galaxies with votes.
        alphas: Concentrations that one encoder predicts, (n, 34), by the title of the set.
        table: Figures of that encoder.
        file: Path of the PNG to write.
    """
    figure = Figure((14, 6.8), layout="constrained")
    panels = figure.subplots(2, 5, sharex=True, sharey=True).ravel()
    for panel, question in zip(panels, GZD5.questions, strict=True):
        panel.plot([0, 1], [0, 1], color="#444444", linewidth=0.8)
        covers = []
        for one, colour in zip(voted, _SETS, strict=False):
            observed = observed_fractions(one.votes, GZD5)[:, question.slice]
            said = GZD5.fractions(alphas[one.title])[:, question.slice]
            rows = np.isfinite(observed[:, 0])
            points = np.array(reliability(said[rows].ravel(), observed[rows].ravel())).reshape(-1, 2)
            panel.plot(*points.T, "o-", ms=4, color=colour, label=one.title)
            covers.append((_coverage(table, one.title, question.name), colour))
        for i, (text, colour) in enumerate(reversed(covers)):
            panel.text(
                0.97, 0.03 + 0.085 * i, text, color=colour, fontsize=9, ha="right", transform=panel.transAxes
            )
        panel.set_title(question.name, fontsize=10)
        panel.grid(alpha=0.3)
    figure.supxlabel("fraction said (in numbers: share of the counts inside the 90 % intervals)", fontsize=10)
    figure.supylabel("fraction voted", fontsize=10)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), fontsize=9)
    save(figure, file)


def _coverage(table: pd.DataFrame, title: str, question: str) -> str:
    rows = table[(table["set"] == title) & (table["question"] == question)]
    return f"{100 * rows['coverage'].iloc[0]:.0f} %" if len(rows) else "no votes"
