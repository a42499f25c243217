"""The sections of the report on real galaxies, and the figures that travel with a release."""

from typing import Any

import pandas as pd

from encoder.evaluation.figures.real_tables import NEW_HEAD, OWN_HEAD, mean_ratio
from encoder.evaluation.report.markdown import markdown_table, records
from encoder.evaluation.sets.real_labels import NAMED_EDGE_ON
from encoder.model.gz_tree import GZD5
from encoder.training.head.vote_figures import SUMMED_BAR


def votes_section(table: pd.DataFrame) -> list[str]:
    """Errors, bias, coverage and log score of each question."""
    parts = [
        "## Votes of real galaxies",
        "Mean absolute error over a question's answers, over that of a constant, of galaxies with at least 5 "
        "voters on it (3 on winding); in brackets the 95 % interval over galaxies drawn again. Bias: mean of "
        "said less voted, of the answer where it is largest. Covered: share of the counts inside the "
        "predictive interval of 90 %, given how many answered. Width: of those intervals, and of the "
        "constant's. Gain: log score less the constant's, nats a galaxy.",
    ]
    for (encoder, head, title), own in table.groupby(["encoder", "head", "set"], sort=False):
        rows = [
            {
                "question": row["question"],
                "galaxies": str(row["galaxies"]),
                "error / constant": with_interval(row, "ratio"),
                "bias": f"{row['bias']:+.3f}",
                "AUC": with_interval(row, "auc"),
                "covered": with_interval(row, "coverage"),
                "width / constant's": f"{row['width']:.2f} / {row['constant_width']:.2f}",
                "gain": with_interval(row, "gain"),
            }
            for row in records(own)
        ]
        mean = mean_ratio(own)
        if mean == mean:  # noqa: PLR0124 - no NaN
            rows.append({"question": "**mean of six**", "error / constant": f"{mean:.3f}"})
        parts += [f"### {encoder}: {title}, head {head}", markdown_table(rows)]
    return parts


def curve_section(table: pd.DataFrame) -> list[str]:
    """Errors against the number of galaxies with votes."""
    parts = [
        "## How many votes it takes",
        "Error / constant's on the test galaxies by heads fitted on so many of the others with votes, beside "
        "simulated galaxies and expert attributes.",
    ]
    for encoder, own in table.groupby("encoder", sort=False):
        rows: dict[str, dict[str, str]] = {}
        for row in records(own):
            line = rows.setdefault(row["question"], {"question": row["question"]})
            line[str(row["galaxies"])] = with_interval(row, "ratio")
        parts += [f"### {encoder}", markdown_table(list(rows.values()))]
    return parts


def class_section(table: pd.DataFrame) -> list[str]:
    """Areas under the ROC curve of Galaxy Zoo 1's classes."""
    rows = [
        {
            "encoder": row["encoder"],
            "head": row["head"],
            "figure": row["figure"],
            "galaxies": str(row["galaxies"]),
            "AUC": with_interval(row, "auc"),
        }
        for row in records(table)
    ]
    return ["## Classes of Galaxy Zoo 1", "Galaxies that are not trained on.", markdown_table(rows)]


def decals_section(ranks: pd.DataFrame | None, edge_on: pd.DataFrame | None) -> list[str]:
    """Rank correlation of featured, and who is said to be edge-on."""
    parts = ["## Real DECaLS galaxies"]
    if ranks is not None:
        rows = [
            {
                "encoder": row["encoder"],
                "galaxies": str(row["galaxies"]),
                "rank correlation": with_interval(row, "rank_correlation"),
            }
            for row in records(ranks)
        ]
        parts += ["Featured, said and voted, galaxies with 5 voters at least.", markdown_table(rows)]
    if edge_on is not None and len(edge_on):
        rows = []
        for encoder, own in edge_on.groupby("encoder", sort=False):
            line: dict[str, str] = {"encoder": str(encoder)}
            named = own[own["named"]].set_index("picture")["fraction"]
            line |= {name: f"{named[name]:.2f}" for name in NAMED_EDGE_ON if name in named.index}
            others = own[~own["named"]]
            line["others > .5"] = f"{len(others)} of {own['pictures'].iloc[0] - len(named)}"
            rows.append(line)
        parts += [
            "Fraction edge-on of disks that are seen so by volunteers or by eye, and how many other pictures "
            "are said to be edge-on; some of those may be (`edge_on.csv` names them).",
            markdown_table(rows),
        ]
    return parts


def make_measured(encoder: str, votes: pd.DataFrame) -> dict[str, Any] | None:
    """What a release can say of itself: the sample, and figures by question as columns are called.

    Args:
        encoder: Name of the release in the table.
        votes: The table `real_votes`.
    """
    own = votes[(votes["encoder"] == encoder) & votes["set"].str.startswith("SDSS")]
    for head in (NEW_HEAD, OWN_HEAD):
        rows = own[own["head"] == head]
        if len(rows):
            break
    else:
        return None
    columns = {question.name: question.column for question in GZD5.questions} | {SUMMED_BAR: "bar"}
    return {
        "sample": f"{rows['galaxies'].max()} real SDSS galaxies with Galaxy Zoo 2 votes, none trained on",
        "questions": {
            columns[row["question"]]: {
                "galaxies": int(row["galaxies"]),
                "error_over_constant": round(row["ratio"], 3),
                "bias": round(row["bias"], 3),
                "coverage_90": round(row["coverage"], 3),
            }
            | ({} if pd.isna(row["auc"]) else {"auc": round(row["auc"], 3)})
            for row in records(rows)
        },
    }


def with_interval(row: dict[str, Any], key: str) -> str:
    """`.46 [.41, .52]`, or nothing where there is no such figure."""
    if pd.isna(row[key]):
        return ""
    return f"{row[key]:.3f} [{row[f'{key}_low']:.2f}, {row[f'{key}_high']:.2f}]"
