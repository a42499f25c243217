"""The report of the tasks as Markdown tables: anomalies, few labels, and the targets set for them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from encoder.evaluation.anomalies.methods import ASTRONOMALY, GP
from encoder.evaluation.figures.contenders import Contender
from encoder.evaluation.report.markdown import markdown_table
from encoder.model.baselines import IMAGENET

_ON_B = {
    "average_precision": "average precision",
    "precision_10": "P@10",
    "precision_20": "P@20",
    "precision_all": "P@all",
}
_ON_POOL = {
    "found": "found",
    "paper_50": "top 50",
    "paper_200": "top 200",
    "paper_all": "top N = anomalies",
    "unrated_average_precision": "average precision, unrated",
}
_FIGURES = {"anomalies": ("average_precision", "found"), "few_labels": ("few_labels",)}


def render_task_report(
    contenders: Sequence[Contender],
    tables: Mapping[str, pd.DataFrame],
    about: Sequence[str],
    figures: Sequence[Path],
) -> str:
    """All figures as Markdown.

    Args:
        contenders: The encoders that were measured.
        tables: Figures by the name of their CSV file; a section whose table is missing is left out.
        about: Lines that say how the figures were measured and what was skipped.
        figures: PNG files beside the report; each is shown in its section.
    """
    drawn = {file.stem: f"![{file.stem}]({file.name})" for file in figures}
    parts = ["# Anomalies and few labels", markdown_table([_identity(c) for c in contenders])]
    parts.append("\n".join(f"* {line}" for line in about))
    if "task_targets" in tables:
        parts += ["## Targets", markdown_table(_target_rows(tables["task_targets"]))]
    if "anomalies" in tables:
        parts += _anomalies(tables["anomalies"])
        parts += [drawn[name] for name in _FIGURES["anomalies"] if name in drawn]
    if "few_labels" in tables:
        parts += _few_labels(tables["few_labels"])
        parts += [drawn[name] for name in _FIGURES["few_labels"] if name in drawn]
    return "\n\n".join(parts) + "\n"


def _identity(contender: Contender) -> dict[str, str]:
    encoder = contender.encoder
    return {"encoder": contender.name, "backbone": encoder.backbone, "sha256": encoder.sha256[:12]}


def _target_rows(targets: pd.DataFrame) -> list[dict[str, str]]:
    return [
        {
            "question": str(row.question),
            "target": str(row.target),
            "measured": f"{row.value:.2f}",
            "wanted": f"{row.wanted:.2f}",
            "reached": "yes" if row.reached else "**no**",
        }
        for row in targets.itertuples()
    ]


def _anomalies(summary: pd.DataFrame) -> list[str]:
    parts = [
        "## Anomalies",
        "Half A is the pool in which galaxies are rated, 5 where anomalous and 0 where not; half B is never "
        "shown. P@k: share of anomalies among the k of B with the highest score. The paper's protocol lists "
        "the pool, rated anomalies first and what was rated dull last; in brackets: what the rated anomalies "
        "alone give. Unrated: the galaxies of the pool that nobody rated. "
        "Mean ± spread over the repeats, whose halves, first batches and forests differ.",
    ]
    for question, own in summary.groupby("question", sort=False):
        means = own.drop_duplicates("figure").set_index("figure")["mean"]
        ceilings = ", ".join(
            f"top {'N = anomalies' if n == 'all' else n} {means[f'ceiling_{n}']:.3f}"
            for n in ("50", "200", "all")
            if f"ceiling_{n}" in means
        )
        parts.append(f"### {question}")
        if "average_precision" in means:
            parts += ["Half B:", markdown_table(_rows(own, _ON_B))]
        parts += [
            f"The pool, {means['anomalies']:.0f} anomalies; no list can have more than: {ceilings}.",
            markdown_table(_rows(own, _ON_POOL)),
        ]
    return parts


def _rows(summary: pd.DataFrame, wanted: Mapping[str, str]) -> list[dict[str, str]]:
    rows = []
    for (encoder, method), own in summary.groupby(["encoder", "method"], sort=False):
        row = {"encoder": str(encoder), "method": str(method), "repeats": str(own["repeats"].max())}
        at = own.set_index("figure")
        for figure, title in wanted.items():
            if figure in at.index:
                mean, deviation = at.loc[figure, ["mean", "deviation"]]
                decimals = 1 if figure == "found" else 3
                row[title] = f"{mean:.{decimals}f} ± {deviation:.{decimals}f}"
                labels = figure.replace("paper", "labels")
                if labels != figure:
                    row[title] += f" ({at['mean'][labels]:.3f})"
        rows.append(row)
    return rows


def _few_labels(table: pd.DataFrame) -> list[str]:
    parts = [
        "## Rings from few labels",
        "Accuracy on a balanced test set / area under the ROC curve, mean ± spread over repeated splits, the "
        "same ones for every method, from n ringed galaxies and n others. Frozen: standardised vectors, "
        "logistic regression with a penalty fixed beforehand. Calibrated head: as the catalogue stores it. "
        "Deep: the network's blocks trained on the same labels.",
    ]
    for title, of_set in table.groupby("set", sort=False):
        rows = []
        for (encoder, method), own in of_set.groupby(["encoder", "method"], sort=False):
            row = {"encoder": str(encoder), "method": str(method), "repeats": str(own["repeats"].iloc[0])}
            rows.append(row | {f"n = {r.labels}": _scores(r) for r in own.itertuples()})
        parts += [f"### {title}: {of_set['tested'].iloc[0]} tested", markdown_table(rows)]
    return parts


def _scores(row: object) -> str:
    accuracy, spread = row.accuracy, row.accuracy_deviation  # type: ignore[attr-defined] # a named tuple
    return f"{accuracy:.3f} ± {spread:.3f} / {row.auc:.3f}"  # type: ignore[attr-defined]


OVER_ASTRONOMALY = 1.5
OVER_IMAGENET = 1.3
SURVEY_TOP_50 = 1.0


def target_table(summary: pd.DataFrame) -> pd.DataFrame:
    """The release's Gaussian process, first batch random: question, target, value, wanted, reached.

    Of questions with a half B: its average precision there over that of the Astronomaly baseline and of the
    Gaussian process on ImageNet's vectors. Of others: the paper's protocol, top 50.

    Args:
        summary: The table of `encoder.evaluation.anomalies.table.summarise`, with all questions.
    """
    rows = []
    for question, own in summary.groupby("question", sort=False):
        values = own.set_index(["encoder", "method", "figure"])["mean"]
        release = own["encoder"].iloc[0]
        if "average_precision" in set(own["figure"]):
            mine = values[release, GP, "average_precision"]
            for target, encoder, method, wanted in (
                ("average precision on B / Astronomaly's", "", ASTRONOMALY, OVER_ASTRONOMALY),
                ("average precision on B / ImageNet + GP's", IMAGENET, GP, OVER_IMAGENET),
            ):
                if (encoder, method, "average_precision") in values:
                    rows.append(
                        (question, target, mine / values[encoder, method, "average_precision"], wanted)
                    )
        elif (release, GP, "paper_50") in values:
            rows.append(
                (question, "paper's protocol, top 50", values[release, GP, "paper_50"], SURVEY_TOP_50)
            )
    table = pd.DataFrame(rows, columns=["question", "target", "value", "wanted"])
    return table.assign(reached=table["value"] >= table["wanted"])
