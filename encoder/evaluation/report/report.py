"""The report: numbers as CSV, and as Markdown tables to be put into a model card."""

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from encoder.evaluation.figures.contenders import Contender
from encoder.evaluation.figures.fractions import CONFIDENT, MIN_VOTES
from encoder.evaluation.report.markdown import markdown_table, records
from encoder.evaluation.report.real_report import (
    class_section,
    curve_section,
    decals_section,
    votes_section,
)
from encoder.finetuning.settings import TuningSettings
from encoder.model.recipe import ImageRecipe

_DECIMALS = 6
_FIGURES = {
    "rings": ("rings",),
    "tags": ("tags", "map"),
    "fractions": ("fractions", "calibration"),
    "components": ("components",),
    "real_votes": ("real_ratios", "real_reliability"),
    "learning_curve": ("learning_curve",),
}


def write_tables(tables: Mapping[str, pd.DataFrame], folder: Path) -> list[Path]:
    """One CSV a table."""
    files = []
    for name, table in tables.items():
        file = folder / f"{name}.csv"
        table.round(_DECIMALS).to_csv(file, index=False)
        files.append(file)
    return files


def render_report(
    contenders: Sequence[Contender],
    tables: Mapping[str, pd.DataFrame],
    notes: Sequence[str],
    about_tags: str,
    figures: Sequence[Path] = (),
) -> str:
    """All figures as Markdown.

    Args:
        contenders: The compared encoders, the release first.
        tables: Figures by the name of their CSV file; a section whose table is missing is left out.
        notes: Lines that say what was skipped, and what a reader of the figures must know.
        about_tags: A sentence that says which tags are counted in the mean.
        figures: PNG files beside the report; each is shown in its section.
    """
    drawn = {file.stem: file.name for file in figures}
    parts = [f"# Evaluation of {contenders[0].name}", markdown_table(_identities(contenders))]
    if notes:
        parts.append("\n".join(f"* {note}" for note in notes))
    sections: dict[str, Callable[[pd.DataFrame], list[str]]] = {
        "real_votes": votes_section,
        "learning_curve": curve_section,
        "classes": class_section,
        "edge_on": lambda edge_on: decals_section(tables.get("decals_rank"), edge_on),
        "rings": _rings,
        "decals_rings": _decals_rings,
        "tags": functools.partial(_tags, about_tags),
        "smooth": _smooth,
        "fractions": _fractions,
        "components": _components,
    }
    for name, section in sections.items():
        if name in tables and len(tables[name]):
            parts += section(tables[name])
            parts += [f"![{figure}]({drawn[figure]})" for figure in _FIGURES.get(name, ()) if figure in drawn]
    return "\n\n".join(parts) + "\n"


def _rings(rings: pd.DataFrame) -> list[str]:
    about = (
        "Balanced accuracy on the test galaxies without label, mean ± spread over draws of n rings and n "
        "others from the test split. Frozen: standardised vectors, logistic regression with a penalty "
        f"fixed beforehand. Deep: the last {TuningSettings().depth} blocks of the network tuned on the same "
        "labels."
    )
    return ["## Rings with few labels (EFIGI)", about, markdown_table(_ring_rows(rings))]


def _decals_rings(decals: pd.DataFrame) -> list[str]:
    about = (
        f"All {decals['galaxies'].iloc[0]} galaxies, frozen vectors, area under the ROC curve of 5-fold "
        "cross-validated scores, mean ± spread over shuffles of the folds."
    )
    rows = [{"encoder": r["encoder"], "AUC": _with_spread(r)} for r in records(decals)]
    return ["## Rings of Galaxy Zoo DECaLS", about, markdown_table(rows)]


def _tags(about_tags: str, tags: pd.DataFrame) -> list[str]:
    about = (
        "P@10 / R@100. P@10: of a tagged test galaxy's 10 nearest others, the share with the same tag. "
        "R@100: of all others with the tag, the share among its 100 nearest. Searched: 40 principal "
        "components fitted on the galaxies outside the test split."
    )
    return ["## Search by example (EFIGI tags)", about, about_tags, markdown_table(_tag_rows(tags))]


def _smooth(smooth: pd.DataFrame) -> list[str]:
    about = f"EFIGI T <= -4 against 1..7, {smooth['galaxies'].iloc[0]} galaxies."
    rows = [
        {"encoder": r["encoder"], "balanced accuracy": _number(r["balanced_accuracy"])}
        for r in records(smooth)
    ]
    return ["## Smooth or featured", about, markdown_table(rows)]


def _fractions(fractions: pd.DataFrame) -> list[str]:
    about = (
        f"Mean absolute deviation over all answers of a question, where at least {MIN_VOTES} people "
        "answered it. Constant: always the mean of the other galaxies of the set. Vote noise: what a "
        "perfect predictor would have. Truth: the simulator's own mean fractions, which no picture can "
        "beat. Confident: galaxies where one answer has "
        f"{CONFIDENT:.0%} of the votes. Coverage: share of the counts inside the central 90 % interval of "
        "the Dirichlet-multinomial predictive distribution, answer by answer (beta-binomial); a count on the "
        "edge of the interval is inside by part, so a right posterior covers 90 % however few the votes."
    )
    parts = ["## Vote fractions", about]
    for (name, title), own in fractions.groupby(["encoder", "set"], sort=False):
        parts += [f"### {name}: {title}", markdown_table(_fraction_rows(own))]
    return parts


def _components(components: pd.DataFrame) -> list[str]:
    about = (
        "Variance of the galaxies outside the test split that the components hold / mean P@10 of the counted "
        "tags when they alone are searched."
    )
    return ["## Number of components", about, markdown_table(_component_rows(components))]


def _describe_picture(recipe: ImageRecipe) -> str:
    frame = (
        f"crop {recipe.crop:g}" if recipe.framing is None else f"frame {recipe.framing.view_radii:g} radii"
    )
    return f"{recipe.size} px, {frame}"


def _identities(contenders: Sequence[Contender]) -> list[dict[str, str]]:
    return [
        {
            "encoder": c.name,
            "backbone": c.encoder.backbone,
            "picture": _describe_picture(c.encoder.recipe),
            "views": str(c.encoder.view_set),
            "sha256": c.encoder.sha256[:12],
        }
        for c in contenders
    ]


def _ring_rows(rings: pd.DataFrame) -> list[dict[str, str]]:
    rows = []
    for (name, method), own in rings.groupby(["encoder", "method"], sort=False):
        row = {"encoder": str(name), "method": f"{method}, {own['repeats'].iloc[0]} draws"}
        rows.append(row | {f"n = {r['labels']}": _with_spread(r) for r in records(own)})
    return rows


def _tag_rows(tags: pd.DataFrame) -> list[dict[str, str]]:
    rows = []
    for tag, own in tags.groupby("tag", sort=False):
        star = " \\*" if own["counted"].iloc[0] else ""
        rows.append({"tag": f"{tag}{star}", "galaxies": str(own["tagged"].iloc[0])} | _pairs(own))
    counted = tags[tags["counted"]]
    if len(counted):
        keys = ["share", "recall_of_chance", "precision", "recall"]
        means = counted.groupby("encoder", sort=False)[keys].mean().reset_index()
        rows.append({"tag": "**mean of \\***", "galaxies": ""} | _pairs(means))
    return rows


def _pairs(of_a_tag: pd.DataFrame) -> dict[str, str]:
    """Precision and recall, of chance and of each encoder."""
    first = of_a_tag.iloc[0]
    pairs = {"chance": f"{first['share']:.3f} / {first['recall_of_chance']:.3f}"}
    return pairs | {r["encoder"]: f"{r['precision']:.3f} / {r['recall']:.3f}" for r in records(of_a_tag)}


_FRACTION_COLUMNS = {
    "error": "error",
    "constant": "constant",
    "truth": "truth",
    "vote_noise": "vote noise",
    "confident_galaxies": "confident galaxies",
    "confident_error": "error there",
    "confident_constant": "constant there",
    "coverage": "coverage",
}


def _fraction_rows(fractions: pd.DataFrame) -> list[dict[str, str]]:
    counts = ("galaxies", "confident_galaxies")
    rows = [
        {"question": r["question"], "galaxies": str(r["galaxies"])}
        | {
            title: str(r[key]) if key in counts else _number(r[key])
            for key, title in _FRACTION_COLUMNS.items()
        }
        for r in records(fractions)
    ]
    means = {
        title: "" if key in counts else _number(fractions[key].mean())
        for key, title in _FRACTION_COLUMNS.items()
    }
    return [*rows, {"question": "**mean**", "galaxies": ""} | means]


def _component_rows(components: pd.DataFrame) -> list[dict[str, str]]:
    rows: dict[int, dict[str, str]] = {}
    for r in records(components):
        row = rows.setdefault(r["components"], {"components": str(r["components"])})
        row[r["encoder"]] = f"{r['variance']:.3f} / {r['precision']:.3f}"
    return [rows[k] for k in sorted(rows)]


def _with_spread(row: Mapping[str, Any]) -> str:
    return f"{row['mean']:.3f} ± {row['deviation']:.3f}"


def _number(value: float) -> str:
    return "" if pd.isna(value) else f"{value:.3f}"
