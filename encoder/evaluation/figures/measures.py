"""Every figure as tables, one row a figure of one encoder, from the vectors of all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

import numpy as np
import pandas as pd
from sklearn.metrics import balanced_accuracy_score

from encoder.evaluation.figures.contenders import Contender
from encoder.evaluation.figures.fractions import fraction_figures
from encoder.evaluation.figures.real_tables import mean_ratio
from encoder.evaluation.figures.retrieval import find_nearest, measure_components, measure_retrieval
from encoder.evaluation.sets.real import COUNTED, MIN_TAGGED, EfigiSet, RingSet, VoteSet
from encoder.heads.probe import REPEATS, cross_validated_auc, few_label_accuracy, possible_labels
from encoder.model.encoder import EncodedPictures
from encoder.model.gz_tree import GZD5
from encoder.model.projection import fit_projection

Vectors = Mapping[str, EncodedPictures]
"""What each encoder says of one sample, by the encoder's name."""


def tag_table(efigi: EfigiSet, vectors: Vectors) -> pd.DataFrame:
    """Retrieval of every tag among the test galaxies, in 40 components of the training galaxies."""
    rows = []
    for name, encoded in vectors.items():
        projection = fit_projection(encoded.embedding[~efigi.tested])
        neighbours = find_nearest(projection.apply(encoded.embedding[efigi.tested]))
        for tag, tagged in efigi.tags.items():
            found = asdict(measure_retrieval(neighbours, tagged))
            rows.append({"encoder": name, "tag": tag, "counted": tag in efigi.counted_tags, **found})
    return pd.DataFrame(rows)


def smooth_table(efigi: EfigiSet, vectors: Vectors, contenders: Sequence[Contender]) -> pd.DataFrame:
    """Balanced accuracy of smooth against featured, T <= -4 against 1..7, of releases that answer GZD-5."""
    clear, spiral = efigi.featured
    smooth, featured = (GZD5.index(f"smooth-or-featured_{a}") for a in ("smooth", "featured-or-disk"))
    rows = []
    for contender in contenders:
        if contender.answers_gzd5 and 0 < spiral.sum() < len(spiral):
            alpha = vectors[contender.name].concentrations_alpha[efigi.tested][clear]
            said = alpha[:, featured] > alpha[:, smooth]
            accuracy = balanced_accuracy_score(spiral, said)
            rows.append({"encoder": contender.name, "galaxies": len(spiral), "balanced_accuracy": accuracy})
    return pd.DataFrame(rows, columns=["encoder", "galaxies", "balanced_accuracy"])


def ring_table(efigi: EfigiSet, vectors: Vectors) -> pd.DataFrame:
    """Balanced accuracy on rings against the number of labels, frozen vectors."""
    rows = []
    for name, encoded in vectors.items():
        for n in possible_labels(efigi.ringed):
            score = asdict(few_label_accuracy(encoded.embedding[efigi.tested], efigi.ringed, n))
            rows.append({"encoder": name, "method": "frozen", "labels": n, "repeats": REPEATS, **score})
    return pd.DataFrame(rows, columns=["encoder", "method", "labels", "repeats", "mean", "deviation"])


def decals_table(rings: RingSet, vectors: Vectors) -> pd.DataFrame:
    """Area under the ROC curve of DECaLS rings, frozen vectors."""
    return pd.DataFrame(
        [
            {
                "encoder": name,
                "galaxies": len(rings.ringed),
                **asdict(cross_validated_auc(e.embedding, rings.ringed)),
            }
            for name, e in vectors.items()
        ]
    )


def component_table(efigi: EfigiSet, vectors: Vectors) -> pd.DataFrame:
    """Variance and retrieval against the number of components."""
    rows = []
    for name, encoded in vectors.items():
        fitted, searched = (encoded.embedding[part] for part in (~efigi.tested, efigi.tested))
        tags = efigi.counted_tags or efigi.tags
        rows += [{"encoder": name, **asdict(f)} for f in measure_components(fitted, searched, tags)]
    return pd.DataFrame(rows)


def fraction_table(voted: VoteSet, vectors: Vectors, contenders: Sequence[Contender]) -> pd.DataFrame:
    """Errors of the vote fractions and coverage of the intervals, a row a question."""
    rows = []
    for contender in contenders:
        if contender.answers_gzd5:
            alpha = vectors[contender.name].concentrations_alpha
            about = {"encoder": contender.name, "set": voted.title}
            rows += [about | asdict(f) for f in fraction_figures(alpha, voted.votes, GZD5, voted.truth)]
    return pd.DataFrame(rows)


def summary_table(tables: Mapping[str, pd.DataFrame], contenders: Sequence[Contender]) -> pd.DataFrame:
    """The few numbers that encoders are compared by, a row an encoder; NaN for what was not measured."""
    rows = []
    for contender in contenders:
        own = {
            key: table[table["encoder"] == contender.name]
            for key, table in tables.items()
            if "encoder" in table
        }
        row: dict[str, object] = {"encoder": contender.name, "views": contender.encoder.view_set}
        if "tags" in own:
            counted = own["tags"][own["tags"]["counted"]]
            row |= {"P@10": counted["precision"].mean(), "R@100": counted["recall"].mean()}
        for _, ring in own.get("rings", pd.DataFrame()).iterrows():
            row[f"rings, {ring['labels']} labels, {ring['method']}"] = ring["mean"]
        if "decals_rings" in own:
            row["DECaLS rings, AUC"] = own["decals_rings"]["mean"].mean()
        if "smooth" in own:
            row["smooth or featured"] = own["smooth"]["balanced_accuracy"].mean()
        if "fractions" in own:
            row |= _fraction_means(own["fractions"])
        row |= summarise_real(own)
        rows.append(row)
    return pd.DataFrame(rows)


def has_seen_test_galaxies(efigi: EfigiSet, contender: Contender) -> bool:
    """Whether a release was trained on more of EFIGI than the split leaves, so on some test galaxies."""
    galaxies = contender.encoder.training.get("galaxies", {})
    return isinstance(galaxies, dict) and galaxies.get("efigi", 0) > int((~efigi.tested).sum())


def about_tags(efigi: EfigiSet) -> str:
    """Which tags the mean is over, and which were too rare."""
    left = [tag for tag in COUNTED if tag not in efigi.counted_tags]
    rare = f"; fewer than {MIN_TAGGED} test galaxies have: {', '.join(left)}" if left else ""
    return f"Mean over {', '.join(efigi.counted_tags) or 'no tag'}{rare}."


def summarise_real(own: Mapping[str, pd.DataFrame]) -> dict[str, object]:
    """The few numbers on real galaxies of one encoder, from its rows of each table."""
    found: dict[str, object] = {}
    if "real_votes" in own:
        for (title, head), rows in own["real_votes"].groupby(["set", "head"], sort=False):
            mean = mean_ratio(rows)
            if np.isfinite(mean):
                found[f"error / constant's, {title}, head {head}"] = mean
    for _, row in own.get("classes", pd.DataFrame()).iterrows():
        found[f"AUC, {row['figure']}"] = row["auc"]
    for _, row in own.get("decals_rank", pd.DataFrame()).iterrows():
        found["rank correlation, DECaLS"] = row["rank_correlation"]
    return found


def _fraction_means(fractions: pd.DataFrame) -> dict[str, object]:
    """Means over the questions of each set."""
    means: dict[str, object] = {}
    for title, rows in fractions.groupby("set", sort=False):
        error, constant, coverage = (rows[key].mean() for key in ("error", "constant", "coverage"))
        means[f"fraction error, {title}"] = error
        means[f"the same / constant's, {title}"] = error / constant
        means[f"coverage, {title}"] = coverage
    return means
