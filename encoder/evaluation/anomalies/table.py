"""How well anomalies are found: every method on the same halves, over repeats."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from encoder.anomalies.acquisition import BATCH
from encoder.evaluation.anomalies.search import SearchPolicy, SearchProblem, SimulatedSearchResult
from encoder.heads.probe import Spread

TOPS = (50, 200)
"""The paper's N: galaxies of the list that are looked at."""
PRECISIONS = (10, 20)
_KEYS = ["question", "encoder", "method"]


@dataclass(frozen=True)
class AnomalySet:
    """Galaxies that are searched for one kind of anomaly.

    Attributes:
        name: Short name of the question.
        anomalous: Whether each galaxy is such an anomaly, (n,).
        halved: Whether half of them, B, are never shown and judged on alone; else all are the pool.
    """

    name: str
    anomalous: NDArray[np.bool_]
    halved: bool


@dataclass(frozen=True)
class Method:
    """A way to search, under the names that tables give it.

    Attributes:
        encoder: Whose vectors it searches; empty for none's.
        name: Name of the way to search.
        policy: The way to search, as a function.
    """

    encoder: str
    name: str
    policy: SearchPolicy


@dataclass(frozen=True)
class SearchTables:
    """What was measured of one question.

    Attributes:
        repeats: A row a method and repeat, a column a figure of `figures`.
        found: A row a method and batch: anomalies among the galaxies rated so far, mean and deviation.
    """

    repeats: pd.DataFrame
    found: pd.DataFrame


def measure(
    anomaly_set: AnomalySet,
    methods: Sequence[Method],
    repeats: int,
    batches: int,
    advance: Callable[[int], None],
) -> SearchTables:
    """Search with every method, `repeats` times each; a repeat's pool is the same for all of them.

    Args:
        anomaly_set: Galaxies that are searched for one kind of anomaly.
        methods: The ways to search that are compared.
        repeats: Number of repeats; each has halves, random batches and forests of its own.
        batches: Number of batches that are rated in a search, of 10 galaxies each.
        advance: Called with the number of searches done since the last call.
    """
    rows, found, anomalous = [], [], anomaly_set.anomalous
    for method in methods:
        about = {"question": anomaly_set.name, "encoder": method.encoder, "method": method.name}
        hits = []
        for repeat in range(repeats):
            pool = draw_half(anomalous, repeat) if anomaly_set.halved else np.ones(len(anomalous), np.bool_)
            question = SearchProblem(anomalous, pool, batches)
            search = method.policy(question, repeat)
            rows.append(about | {"repeat": repeat} | figures(question, search))
            hits.append(np.cumsum(anomalous[search.rated])[BATCH - 1 :: BATCH])
            advance(1)
        for i, after in enumerate(np.stack(hits, axis=1).astype(np.float64)):
            found.append(about | {"rated": (i + 1) * BATCH} | asdict(Spread.of(after)))
    return SearchTables(pd.DataFrame(rows), pd.DataFrame(found))


def draw_half(anomalous: NDArray[np.bool_], seed: int) -> NDArray[np.bool_]:
    """Half A of the galaxies, (n,): half of the anomalies and half of the others, by chance."""
    rng = np.random.default_rng([seed, 2])
    chosen = np.zeros(len(anomalous), np.bool_)
    for members in (anomalous, ~anomalous):
        rows = rng.permutation(np.flatnonzero(members))
        chosen[rows[: len(rows) // 2]] = True
    return chosen


def figures(question: SearchProblem, search: SimulatedSearchResult) -> dict[str, float]:
    """The figures of one search.

    On the galaxies that may not be rated, half B, where there are some: `average_precision`, and
    `precision_K`, the share of anomalies among the K highest, K up to their number (`all`).

    On the pool: `found` anomalies among the rated; the paper's protocol, `paper_N`, the share of anomalies
    among the first N of the list in which rated anomalies come first and what was rated as dull last;
    `ceiling_N`, the most that the pool's anomalies allow; `labels_N`, what a list of rated anomalies alone
    would have; and `unrated_average_precision` of the galaxies nobody rated, NaN where no anomaly is left.
    """
    anomalous, hidden = question.anomalous, ~question.pool
    values: dict[str, float] = {}
    if hidden.any():
        values["average_precision"] = float(average_precision_score(anomalous[hidden], search.score[hidden]))
        listed = anomalous[hidden][np.argsort(-search.score[hidden], kind="stable")]
        total = int(listed.sum())
        ks = {str(k): k for k in PRECISIONS if k <= total} | {"all": total}
        values |= {f"precision_{name}": float(listed[:k].mean()) for name, k in ks.items()}
    return values | _on_the_pool(question, search)


def summarise(repeats: pd.DataFrame) -> pd.DataFrame:
    """Mean and deviation of every figure: `question`, `encoder`, `method`, `figure`, `repeats`, ..."""
    long = repeats.drop(columns="repeat").melt(_KEYS, var_name="figure", ignore_index=True).dropna()
    grouped = long.groupby([*_KEYS, "figure"], sort=False)["value"]
    spread = grouped.agg(repeats="count", mean="mean", deviation=lambda values: values.std(ddof=0))
    return spread.reset_index()


def _on_the_pool(question: SearchProblem, search: SimulatedSearchResult) -> dict[str, float]:
    anomalous, total = question.anomalous, int((question.anomalous & question.pool).sum())
    hits = int(anomalous[search.rated].sum())
    unrated = question.pool.copy()
    unrated[search.rated] = False
    rest = np.flatnonzero(unrated)
    rest = rest[np.argsort(-search.score[rest], kind="stable")]
    listed = np.concatenate(
        [np.ones(hits, np.bool_), anomalous[rest], np.zeros(len(search.rated) - hits, bool)]
    )
    values = {"anomalies": float(total), "found": float(hits)}
    for name, n in {**{str(n): n for n in TOPS if n <= len(listed)}, "all": total}.items():
        values[f"paper_{name}"] = float(listed[:n].mean())
        values[f"ceiling_{name}"] = min(total, n) / n
        values[f"labels_{name}"] = min(hits, n) / n
    left = anomalous[rest].any()
    precision = average_precision_score(anomalous[rest], search.score[rest]) if left else np.nan
    return values | {"unrated_average_precision": float(precision)}
