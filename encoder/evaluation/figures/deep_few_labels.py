"""Rings from few labels, the network tuned too: on the same galaxies as the frozen rows of the table."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from encoder.errors import EvaluationError
from encoder.evaluation.figures.few_labels import RING_TASK, LabelSet, Split, row, splits
from encoder.finetuning.finetune import TuningSettings, compare_tuning
from encoder.model.atomic_file import write_atomically
from encoder.model.baselines import IMAGENET, SCRATCH
from encoder.model.encoder import Encoder

REPEATS = 5
"""Trainings take minutes each on a CPU."""
DEEP = "deep"


def deep_table(
    one: LabelSet,
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
        one: The set.
        name: Name that the table gives the release.
        encoder: The release.
        folder: Where the figures of each training are kept, so that a killed run goes on.
        skipped: Called with one line for each baseline that is left out, which says why.
        advance: Called with the number of splits done since the last call.
        repeats: The first of the frozen rows' splits.
        settings: How networks are tuned; None for the defaults.
    """
    settings = settings or TuningSettings()
    rows = []
    for n in one.labels:
        scores: dict[str, list[tuple[float, float]]] = {}
        for split in splits(one, repeats):
            for method, score in _draw(one, encoder, split, n, settings, folder, skipped).items():
                scores.setdefault(method, []).append(score)
            advance(1)
        of = {DEEP: name, IMAGENET: IMAGENET, SCRATCH: SCRATCH}
        rows += [row(one, of[method], DEEP, n, values) for method, values in scores.items()]
    return pd.DataFrame(rows)


def _draw(
    one: LabelSet,
    encoder: Encoder,
    split: Split,
    n: int,
    settings: TuningSettings,
    folder: Path,
    skipped: Callable[[str], None],
) -> dict[str, tuple[float, float]]:
    """Accuracy and area of each tuned network, trained now or read."""
    learnt = split.first(n)
    file = folder / f"tuned-{_key(one, encoder, learnt, split.tested, settings)}.json"
    if not file.exists():
        rows = np.concatenate([learnt, split.tested])
        tested = np.arange(len(rows)) >= len(learnt)
        votes = np.stack([~one.ringed[rows], one.ringed[rows]], axis=1).astype(np.float32)
        table = compare_tuning(
            encoder, one.sample.pictures(rows, encoder.recipe), votes, RING_TASK, tested, skipped, settings
        )
        tuned = table[table["method"] != "frozen"].set_index("method")[["balanced_accuracy", "auc"]]
        figures = {str(method): list(of) for method, *of in tuned.itertuples()}
        write_atomically(file, json.dumps(figures).encode(), EvaluationError)
    return {method: (of[0], of[1]) for method, of in json.loads(file.read_text()).items()}


def _key(
    one: LabelSet,
    encoder: Encoder,
    learnt: NDArray[np.int64],
    tested: NDArray[np.int64],
    settings: TuningSettings,
) -> str:
    recipe = json.dumps(encoder.recipe.to_dict(), sort_keys=True)
    parts = (encoder.sha256, recipe, encoder.view_set, one.sample.version, settings)
    digest = hashlib.sha256(repr(parts).encode())
    digest.update(learnt.tobytes() + tested.tobytes() + one.ringed.tobytes())
    return digest.hexdigest()[:16]
