"""Rings from few labels, the network tuned too: on the same galaxies as the frozen rows of the table."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from encoder.errors import EvaluationError
from encoder.evaluation.figures.few_labels import RING_TASK, LabelSet, Split, row, splits
from encoder.evaluation.figures.tuning_key import tuning_key
from encoder.finetuning.finetune import TuningSettings, compare_tuning
from encoder.model.atomic_file import write_atomically
from encoder.model.baselines import IMAGENET, SCRATCH
from encoder.model.encoder import Encoder

REPEATS = 5
"""Trainings take minutes each on a CPU."""
DEEP = "deep"


def tuned_few_labels_table(
    label_set: LabelSet,
    name: str,
    encoder: Encoder,
    folder: Path,
    skipped: Callable[[str], None],
    advance: Callable[[int], None],
    repeats: int = REPEATS,
    settings: TuningSettings | None = None,
) -> pd.DataFrame:
    """Rows as `frozen_table`'s: the release, ImageNet and an untrained network, each fine-tuned.

    Args:
        label_set: Galaxies to learn rings from and to test on.
        name: Name that the table gives the release.
        encoder: The release, which is tuned beside its baselines.
        folder: Where the figures of each training are kept, so that a killed run goes on.
        skipped: Called with one line for each baseline that is left out, which says why.
        advance: Called with the number of splits done since the last call.
        repeats: How many of the frozen rows' splits are used, from the first on.
        settings: How networks are tuned; None for the defaults.
    """
    settings = settings or TuningSettings()
    rows = []
    for n in label_set.labels:
        scores: dict[str, list[tuple[float, float]]] = {}
        for split in splits(label_set, repeats):
            for method, score in _draw(label_set, encoder, split, n, settings, folder, skipped).items():
                scores.setdefault(method, []).append(score)
            advance(1)
        names = {DEEP: name, IMAGENET: IMAGENET, SCRATCH: SCRATCH}
        rows += [row(label_set, names[method], DEEP, n, values) for method, values in scores.items()]
    return pd.DataFrame(rows)


def _draw(
    label_set: LabelSet,
    encoder: Encoder,
    split: Split,
    n: int,
    settings: TuningSettings,
    folder: Path,
    skipped: Callable[[str], None],
) -> dict[str, tuple[float, float]]:
    """Accuracy and area of each tuned network, trained now or read."""
    learnt = split.first(n)
    key = tuning_key(encoder, label_set.sample, settings, learnt, split.tested, label_set.ringed)
    file = folder / f"tuned-{key}.json"
    if not file.exists():
        rows = np.concatenate([learnt, split.tested])
        tested = np.arange(len(rows)) >= len(learnt)
        votes = np.stack([~label_set.ringed[rows], label_set.ringed[rows]], axis=1).astype(np.float32)
        table = compare_tuning(
            encoder,
            label_set.sample.pictures(rows, encoder.recipe),
            votes,
            RING_TASK,
            tested,
            skipped,
            settings,
        )
        tuned = table[table["method"] != "frozen"].set_index("method")[["balanced_accuracy", "auc"]]
        figures = {str(method): list(values) for method, *values in tuned.itertuples()}
        write_atomically(file, json.dumps(figures).encode(), EvaluationError)
    return {method: (accuracy, auc) for method, (accuracy, auc) in json.loads(file.read_text()).items()}
