"""The figures as pictures; every encoder keeps its colour in all of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from encoder.evaluation.contenders import IMAGENET, SCRATCH
from encoder.evaluation.fractions import observed_fractions, reliability
from encoder.evaluation.real_sets import Voted
from encoder.gz_tree import GZD5

_COLOURS = ("#1f5fa8", "#2a9d5c", "#8c4fb0", "#c2477f", "#3aa6b9")
_BASELINES = {IMAGENET: "#e08a1e", SCRATCH: "#8a8a8a"}
_SETS = ("#1f5fa8", "#2a9d5c", "#c23b22")
_DPI = 130
_CHANCE = 0.5


def colours(names: Sequence[str]) -> dict[str, str]:
    """A colour for each encoder."""
    releases = [name for name in names if name not in _BASELINES]
    chosen = {name: _COLOURS[i % len(_COLOURS)] for i, name in enumerate(releases)}
    return {name: chosen.get(name) or _BASELINES[name] for name in names}


def plot_tags(table: pd.DataFrame, file: Path) -> None:
    """Precision at 10 and recall at 100 of every tag."""
    figure = Figure((11, 6.2), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    names = list(dict.fromkeys(table["encoder"]))
    first = table[table["encoder"] == names[0]].sort_values(["counted", "precision"])
    tags = first["tag"].tolist()
    at = {tag: i for i, tag in enumerate(tags)}
    for axes, key, chance, title in (
        (left, "precision", "share", "P@10: of the 10 nearest, share with the same tag"),
        (right, "recall", "recall_of_chance", "R@100: of all with the tag, share among the 100 nearest"),
    ):
        axes.scatter(first[chance], range(len(tags)), marker="|", s=130, color="#444444", label="chance")
        for name, colour in colours(names).items():
            own = table[table["encoder"] == name]
            axes.scatter(own[key], [at[tag] for tag in own["tag"]], color=colour, label=name, zorder=3)
        axes.set_title(title, fontsize=10)
        axes.set_xlim(left=0)
        axes.grid(axis="x", alpha=0.3)
    counted = dict(zip(first["tag"], first["counted"], strict=True))
    tagged = dict(zip(first["tag"], first["tagged"], strict=True))
    left.set_yticks(
        range(len(tags)), [f"{tag} ({tagged[tag]}){' *' if counted[tag] else ''}" for tag in tags]
    )
    left.legend(fontsize=9, loc="lower right")
    figure.supxlabel("(test galaxies with the tag), * counted in the mean", fontsize=9)
    _save(figure, file)


def plot_rings(table: pd.DataFrame, file: Path) -> None:
    """Ring accuracy against the number of labels."""
    figure = Figure((7, 5), layout="constrained")
    axes = figure.subplots()
    names = list(dict.fromkeys(table["encoder"]))
    shades = colours(names)
    for i, ((name, method), rows) in enumerate(table.groupby(["encoder", "method"], sort=False)):
        deep = method != "frozen"
        shade = shades[str(name)]
        axes.errorbar(
            rows["labels"] * (1 + 0.012 * i),
            rows["mean"],
            rows["deviation"],
            color=shade,
            linestyle="--" if deep else "-",
            marker="s" if deep else "o",
            markersize=5,
            capsize=3,
            label=f"{name}, {method}",
        )
    labels = sorted(set(table["labels"]))
    axes.set_xscale("log")
    axes.set_xticks(labels, [str(n) for n in labels])
    axes.minorticks_off()
    axes.axhline(_CHANCE, color="#444444", linewidth=0.8)
    axes.set_xlabel("labelled rings (and as many without)")
    axes.set_ylabel("balanced accuracy, EFIGI rings")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=9, loc="upper left")
    _save(figure, file)


def plot_components(table: pd.DataFrame, chosen: int, file: Path) -> None:
    """Variance and retrieval against the number of components; a line at the catalogue's."""
    figure = Figure((10, 4.2), layout="constrained")
    both = figure.subplots(1, 2)
    for axes, key, label in zip(
        both,
        ("variance", "precision"),
        ("share of variance held", "mean P@10 of the counted tags"),
        strict=True,
    ):
        for name, colour in colours(list(dict.fromkeys(table["encoder"]))).items():
            rows = table[table["encoder"] == name]
            axes.plot(rows["components"], rows[key], "o-", markersize=4, color=colour, label=name)
        axes.axvline(chosen, color="#444444", linewidth=0.8, linestyle=":")
        axes.set_xscale("log")
        ticks = [2, 5, 10, 20, 40, 80, 200, 500, 1000]
        axes.set_xticks(ticks, [str(k) for k in ticks])
        axes.minorticks_off()
        axes.set_ylim(bottom=0)
        axes.set_xlabel(f"principal components (dotted: {chosen})")
        axes.set_ylabel(label)
        axes.grid(alpha=0.3)
    both[0].legend(fontsize=9, loc="lower right")
    _save(figure, file)


def plot_errors(table: pd.DataFrame, file: Path) -> None:
    """Mean absolute deviation of the fractions, beside the constant's and the noise of the votes."""
    titles = list(dict.fromkeys(table["set"]))
    figure = Figure((4.2 * len(titles) + 1.5, 5), layout="constrained")
    row = figure.subplots(1, len(titles), sharey=True, squeeze=False)[0]
    questions = [q.name for q in GZD5.questions]
    names = list(dict.fromkeys(table["encoder"]))
    shades = colours(names)
    for axes, title in zip(row, titles, strict=True):
        rows = table[table["set"] == title]
        first = rows[rows["encoder"] == names[0]]
        at = [questions.index(q) for q in first["question"]]
        axes.barh(at, first["constant"].fillna(0), color="#dddddd", label="constant")
        axes.barh(at, first["vote_noise"], color="#aaaaaa", height=0.35, label="noise of the votes")
        for name in names:
            own = rows[rows["encoder"] == name]
            at = [questions.index(q) for q in own["question"]]
            axes.scatter(own["error"], at, color=shades[name], zorder=3, label=name)
        counts = dict(zip(first["question"], first["galaxies"], strict=True))
        axes.set_title(f"{title}\n(at most {max(counts.values())} galaxies a question)", fontsize=10)
        axes.set_xlabel("mean absolute deviation of the fractions")
        axes.grid(axis="x", alpha=0.3)
    row[0].set_yticks(range(len(questions)), questions)
    row[0].invert_yaxis()
    row[-1].legend(fontsize=8, loc="lower right")
    _save(figure, file)


def plot_calibration(
    voted: Sequence[Voted], alphas: Mapping[str, NDArray[np.float32]], table: pd.DataFrame, file: Path
) -> None:
    """Voted against said fractions of each question, and the coverage of the 90 % intervals.

    Args:
        voted: Sets with votes.
        alphas: (n, 34) of one encoder, by the title of the set.
        table: Figures of that encoder.
        file: PNG to write.
    """
    figure = Figure((14, 6.4), layout="constrained")
    panels = figure.subplots(2, 5, sharex=True, sharey=True).ravel()
    for panel, question in zip(panels, GZD5.questions, strict=True):
        panel.plot([0, 1], [0, 1], color="#444444", linewidth=0.8)
        for one, colour in zip(voted, _SETS, strict=False):
            observed = observed_fractions(one.votes, GZD5)[:, question.slice]
            said = GZD5.fractions(alphas[one.title])[:, question.slice]
            rows = np.isfinite(observed[:, 0])
            points = reliability(said[rows].ravel(), observed[rows].ravel())
            label = f"{one.title}: {_coverage(table, one.title, question.name)}"
            panel.plot(
                *zip(*points, strict=True) if points else ([], []), "o-", ms=4, color=colour, label=label
            )
        panel.set_title(question.name, fontsize=10)
        panel.grid(alpha=0.3)
        panel.legend(fontsize=6.5, loc="upper left", title="90 % intervals cover", title_fontsize=6.5)
    figure.supxlabel("fraction said")
    figure.supylabel("fraction voted")
    _save(figure, file)


def plot_map(search: NDArray[np.float32], pictures: Mapping[int, NDArray[np.uint8]], file: Path) -> None:
    """Thumbnails at the places of their galaxies in the first two components.

    Args:
        search: (n, 2) or wider.
        pictures: (h, w, 3) of the galaxies to show, by row of `search`.
        file: PNG to write.
    """
    figure = Figure((11, 11), layout="constrained", facecolor="black")
    axes = figure.subplots()
    width = map_cell(search)
    for i, picture in pictures.items():
        x, y = search[i, :2] - width / 2
        axes.imshow(
            picture, extent=(x, x + width[0], y, y + width[1]), aspect="auto", interpolation="bilinear"
        )
    shown = search[list(pictures), :2]
    axes.set_xlim(shown[:, 0].min() - width[0], shown[:, 0].max() + width[0])
    axes.set_ylim(shown[:, 1].min() - width[1], shown[:, 1].max() + width[1])
    _dark(axes)
    axes.set_xlabel("first principal component")
    axes.set_ylabel("second principal component")
    _save(figure, file)


def map_cell(search: NDArray[np.float32], cells: int = 24) -> NDArray[np.float64]:
    """Width and height of a thumbnail on the map: the central 99 % of galaxies span `cells` of them, (2,)."""
    low, high = np.percentile(search[:, :2], [0.5, 99.5], axis=0)
    size: NDArray[np.float64] = np.maximum((high - low) / cells, np.finfo(np.float32).eps)
    return size


def map_rows(search: NDArray[np.float32]) -> list[int]:
    """One galaxy for each cell of the map that has any: the one nearest to the cell's centre."""
    place = search[:, :2] / map_cell(search)
    cell = np.floor(place).astype(int)
    apart = np.linalg.norm(place - cell - _CHANCE, axis=1)
    best: dict[tuple[int, int], int] = {}
    for i in np.argsort(apart, kind="stable"):
        best.setdefault((int(cell[i, 0]), int(cell[i, 1])), int(i))
    return sorted(best.values())


def _coverage(table: pd.DataFrame, title: str, question: str) -> str:
    rows = table[(table["set"] == title) & (table["question"] == question)]
    return f"{100 * rows['coverage'].iloc[0]:.0f} %" if len(rows) else "no votes"


def _dark(axes: Axes) -> None:
    axes.set_facecolor("black")
    axes.tick_params(colors="#999999")
    for side in axes.spines.values():
        side.set_color("#444444")
    axes.xaxis.label.set_color("#cccccc")
    axes.yaxis.label.set_color("#cccccc")


def _save(figure: Figure, file: Path) -> None:
    figure.savefig(file, dpi=_DPI, metadata={"Software": None}, facecolor=figure.get_facecolor())
