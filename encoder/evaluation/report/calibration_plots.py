"""Reliability of vote fractions before and after a calibration to a survey, on votes held out."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from encoder.evaluation.report.plots import save

_COLUMNS = 3
_BINS = 8
_BEFORE, _AFTER = "#c23b22", "#1f5fa8"
_LEAST = 3


@dataclass(frozen=True)
class Reliability:
    """What is drawn of one question.

    Attributes:
        title: Heading of its panel.
        votes: Votes, (n, k).
        before: The network's Dirichlet parameters, (n, k).
        after: Those calibrated without the galaxy's own votes, (n, k); None where nothing was fitted.
    """

    title: str
    votes: NDArray[np.floating[Any]]
    before: NDArray[np.floating[Any]]
    after: NDArray[np.floating[Any]] | None


def plot_calibration(questions: Sequence[Reliability], title: str, file: Path) -> None:
    """Draw voted against said fractions, a panel a question; on the line is right.

    Answers are taken together, in bins that hold equally many of them. Bars span twice the standard error.

    Args:
        questions: The questions that are drawn, a panel each.
        title: Heading of the figure.
        file: PNG to write.
    """
    rows = ceil(len(questions) / _COLUMNS)
    figure = Figure((3.5 * _COLUMNS, 3.4 * rows + 0.6), layout="constrained")
    panels = figure.subplots(rows, _COLUMNS, sharex=True, sharey=True, squeeze=False).ravel()
    for axes, question in zip(panels, questions, strict=False):
        axes.plot((0, 1), (0, 1), color="#999999", linewidth=1)
        _draw(axes, question.before, question.votes, _BEFORE, "the network's")
        if question.after is not None:
            _draw(axes, question.after, question.votes, _AFTER, "calibrated, held out")
        axes.set_title(question.title, fontsize=9)
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
        axes.set_aspect("equal")
        axes.grid(alpha=0.25)
    for axes in panels[len(questions) :]:
        axes.set_visible(False)
    shown = panels[: len(questions)]
    for i, axes in enumerate(shown):
        if i + _COLUMNS >= len(questions):
            axes.set_xlabel("fraction that is said")
            axes.tick_params(labelbottom=True)
        if i % _COLUMNS == 0:
            axes.set_ylabel("fraction of the votes")
    labels = {
        text: handle for axes in shown for handle, text in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.suptitle(title, fontsize=11)
    figure.legend(labels.values(), labels.keys(), loc="outside lower center", ncols=2, fontsize=9)
    save(figure, file)


def _draw(
    axes: Axes,
    alpha: NDArray[np.floating[Any]],
    votes: NDArray[np.floating[Any]],
    colour: str,
    label: str,
) -> None:
    said = (alpha / alpha.sum(axis=1, keepdims=True)).ravel()
    voted = (votes / votes.sum(axis=1, keepdims=True)).ravel()
    order = np.argsort(said, kind="stable")
    parts = [part for part in np.array_split(order, _BINS) if len(part) >= _LEAST]
    across = [said[part].mean() for part in parts]
    up = [voted[part].mean() for part in parts]
    error = [2 * voted[part].std(ddof=1) / np.sqrt(len(part)) for part in parts]
    axes.errorbar(across, up, error, color=colour, marker="o", markersize=4, linewidth=1.2, label=label)
