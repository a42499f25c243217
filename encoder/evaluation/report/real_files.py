"""Files of the figures on real galaxies: JSON and plots."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from encoder.evaluation.evaluate_real import RealFigures
from encoder.evaluation.figures.contenders import Contender
from encoder.evaluation.figures.real_tables import NEW_HEAD
from encoder.evaluation.report import real_plots
from encoder.evaluation.report.real_report import make_measured
from encoder.training.head.vote_figures import question_columns, with_sums


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
        real: What was measured.
        name: Name of that encoder.
        output: Folder to write into.
    """
    files = []

    def named(plot: str) -> Path:
        files.append(output / f"{plot}.png")
        return files[-1]

    if "real_votes" in real.tables:
        table = real.tables["real_votes"]
        real_plots.plot_ratios(table, named("real_ratios"))
        own = table[(table["encoder"] == name) & (table["head"] == NEW_HEAD)]
        if real.alpha is not None and real.votes is not None:
            alpha = with_sums(real.alpha)
            real_plots.plot_reliability(question_columns(), alpha, real.votes, own, named("real_reliability"))
    if "learning_curve" in real.tables:
        real_plots.plot_curves(real.tables["learning_curve"], named("learning_curve"))
    return files
