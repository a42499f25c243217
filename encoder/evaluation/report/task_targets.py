"""What was promised of the anomaly searches, beside what was measured."""

import pandas as pd

from encoder.evaluation.anomalies.methods import ASTRONOMALY, GP
from encoder.evaluation.figures.contenders import IMAGENET

OVER_ASTRONOMALY = 1.5
OVER_IMAGENET = 1.3
SURVEY_TOP_50 = 1.0


def target_table(summary: pd.DataFrame) -> pd.DataFrame:
    """The release's Gaussian process, first batch random: question, target, value, wanted, reached.

    Of questions with a half B: its average precision there over that of the Astronomaly baseline and of the
    Gaussian process on ImageNet's vectors. Of others: the paper's protocol, top 50.

    Args:
        summary: Of `anomaly_table.summary`, of all questions.
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
