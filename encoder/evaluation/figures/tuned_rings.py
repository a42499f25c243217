"""Rings of the EFIGI test split, each contender fine-tuned, on the draws of labels of `ring_table`."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.progress import Progress
from sklearn.metrics import balanced_accuracy_score
from torch import Tensor

from encoder.errors import EvaluationError
from encoder.evaluation.figures.contenders import Contender
from encoder.evaluation.figures.few_labels import RING_TASK
from encoder.evaluation.figures.tuning_key import tuning_key
from encoder.evaluation.sets.real import EfigiSet
from encoder.finetuning.finetune import TuningSettings, finetune
from encoder.heads.probe import Spread, draw_labels, possible_labels
from encoder.model.atomic_file import write_atomically
from encoder.model.encoder import Encoder

REPEATS = 5
_SETTINGS = TuningSettings()


def tuned_ring_table(
    efigi: EfigiSet,
    contenders: Sequence[Contender],
    folder: Path,
    progress: Progress | None,
) -> pd.DataFrame:
    """Balanced accuracy on rings of fine-tuned networks, on the same draws of labels as the frozen ones.

    Args:
        efigi: EFIGI with its test split.
        contenders: The encoders whose networks are tuned.
        folder: Where the result of each draw is kept, so that a killed run goes on.
        progress: Where a progress bar is shown; None shows none.
    """
    labels = possible_labels(efigi.ringed)
    rows = []
    for contender in contenders:
        name, encoder = contender.name, contender.encoder
        total = len(labels) * REPEATS
        bar = progress.add_task(f"fine-tuning, {name}", total=total) if progress else None
        pictures: Tensor | None = None
        for n in labels:
            scores = []
            for repeat, (learnt, tested) in enumerate(draw_labels(efigi.ringed, n, REPEATS)):
                file = folder / f"deep-{tuning_key(encoder, efigi.sample, _SETTINGS)}-{n}-{repeat}.json"
                if not file.exists():
                    if pictures is None:
                        pictures = efigi.sample.pictures(efigi.tested.nonzero()[0], encoder.recipe)
                    score = measure_tuned(encoder, pictures, efigi.ringed, learnt, tested)
                    write_atomically(file, json.dumps(score).encode(), EvaluationError)
                scores.append(float(json.loads(file.read_text())))
                if progress and bar is not None:
                    progress.advance(bar)
            spread = asdict(Spread.of(np.array(scores)))
            rows.append({"encoder": name, "method": "deep", "labels": n, "repeats": REPEATS, **spread})
    return pd.DataFrame(rows)


def measure_tuned(
    encoder: Encoder,
    pictures: Tensor,
    truth: NDArray[np.bool_],
    learnt: NDArray[np.int64],
    tested: NDArray[np.int64],
    settings: TuningSettings = _SETTINGS,
) -> float:
    """Balanced accuracy of an encoder that was fine-tuned on some galaxies, measured on others.

    Args:
        encoder: Encoder from which the training starts.
        pictures: Pictures of all galaxies, made by the encoder's recipe, (n, 3, size, size) uint8.
        truth: Whether each galaxy has a ring, (n,).
        learnt: Rows of the galaxies to learn from.
        tested: Rows of the galaxies to measure on.
        settings: How the encoder is tuned.
    """
    votes = np.stack([~truth, truth], axis=1).astype(np.float32)
    tuned = finetune(encoder, pictures[learnt], votes[learnt], RING_TASK, settings)
    answered = tuned.probability(pictures[tested].float() / 255).argmax(axis=1) == 1
    return float(balanced_accuracy_score(truth[tested], answered))
