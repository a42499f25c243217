"""Figures of what is found and learnt; every encoder keeps its colour in all of them."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from encoder.model.baselines import IMAGENET, SCRATCH

_COLOURS = ("#1f5fa8", "#2a9d5c", "#8c4fb0", "#c2477f", "#3aa6b9")
_BASELINES = {IMAGENET: "#e08a1e", SCRATCH: "#8a8a8a"}
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
    save(figure, file)


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
    axes.legend(fontsize=9, loc="lower right")
    save(figure, file)


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
    save(figure, file)


def save(figure: Figure, file: Path) -> None:
    """Write a PNG without anything that changes from run to run."""
    figure.savefig(file, dpi=_DPI, metadata={"Software": None}, facecolor=figure.get_facecolor())
