"""Deep fine-tuning: the last blocks of an encoder, or all, learn a task from labelled pictures.

Two stages (paper, section 6): the head alone on frozen vectors, from where the linear probe ends, so that the
first step is no worse than that (Kumar et al. 2022, arXiv:2202.10054); then head and blocks together at low
rates on turned, mirrored and zoomed pictures. What is kept has the lowest held-out loss.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from torch import Tensor

from encoder.errors import TrainingError
from encoder.finetuning.data import class_counts
from encoder.finetuning.report import Epoch
from encoder.finetuning.run import TuningRun
from encoder.finetuning.settings import TunedTask, TuningSettings, require
from encoder.finetuning.tuned_file import TunedEncoder, load_tuned, predict_probability
from encoder.heads.probe import fit_probe
from encoder.inference.embed import encode_pictures
from encoder.model.baselines import IMAGENET, SCRATCH, imagenet_encoder, untrained_encoder
from encoder.model.encoder import Encoder

__all__ = ["TunedEncoder", "TunedTask", "TuningSettings", "compare_tuning", "finetune", "load_tuned"]

_MIN_PER_CLASS = 2
_FULL_RATE = 1e-3
"""Learning rate of the baselines' blocks: what they have yet to learn is more than a low rate gives."""


def finetune(
    encoder: Encoder,
    pictures: Tensor,
    votes: NDArray[np.float32],
    task: TunedTask,
    settings: TuningSettings | None = None,
    checkpoint: Path | None = None,
    progress: Callable[[Epoch], None] = lambda _: None,
) -> TunedEncoder:
    """Tune a copy of an encoder; on a CPU the same input gives the same weights.

    Galaxies on which people disagree teach the fractions of their votes. Of 10 labels or more of every class
    a fifth of each is held out, and the training ends when it learns no more. Of fewer all are learnt from:
    the first stage is then the probe's solution as it is, the second a fixed number of steps. The network is
    in eval mode throughout: statistics of batch normalisation stay as they were.

    Args:
        encoder: The encoder that the training starts from, on the device that it uses.
        pictures: Pictures of n galaxies made by the encoder's recipe, (n, 3, size, size) uint8.
        votes: Number of votes for each class, (n, n_classes); a galaxy has one or more.
        task: The task that is learnt.
        settings: How deep, how long and how fast to train; None for the defaults.
        checkpoint: File that holds the state after each epoch; a killed training goes on from it and ends as
            it would have ended.
        progress: Called with the report of each epoch once it is in the checkpoint.

    Raises:
        LearningError: Pictures, votes or settings do not fit the encoder or each other; a class has fewer
            than 2 galaxies; the loss is no number; or the checkpoint is damaged or of another training.
    """
    settings = settings or TuningSettings()
    encoder = replace(encoder, precision="float32")
    shares = vote_shares(encoder, pictures, votes, task)
    run = TuningRun(encoder, pictures, shares, task, settings)
    if checkpoint is None or not run.resume(checkpoint):
        run.train_head(progress)
        run.save(checkpoint)
    while not run.is_done:
        row = run.train_epoch()
        run.save(checkpoint)
        progress(row)
    return run.result()


def compare_tuning(
    encoder: Encoder,
    pictures: Tensor,
    votes: NDArray[np.float32],
    task: TunedTask,
    tested: NDArray[np.bool_],
    skipped: Callable[[str], None],
    settings: TuningSettings | None = None,
    folder: Path | None = None,
    progress: Callable[[Epoch], None] = lambda _: None,
) -> pd.DataFrame:
    """What the tuning is worth: the same labels and the same test galaxies for every method.

    The baselines train all blocks, at 1e-3; like every network here with the normalisation
    folded away, which costs the untrained one most.

    Args:
        encoder: The release to compare with its baselines.
        pictures: Pictures of n galaxies made by the encoder's recipe, (n, 3, size, size) uint8.
        votes: Number of votes for each class, (n, n_classes); a galaxy has one or more.
        task: The task that is learnt.
        tested: Whether each galaxy is tested on, (n,); no method learns from those.
        skipped: Called with one line for each baseline that is left out, which says why.
        settings: How the networks are tuned; None for the defaults.
        folder: Where the state of each training is kept, so that a killed comparison goes on.
        progress: Called with the report of each epoch when it is over.

    Returns:
        `method`, `balanced_accuracy`, `auc` (of more classes the mean of each against the rest),
        `trained_parameters`; a row a method.

    Raises:
        LearningError: As `finetune`, or a class has fewer than 2 galaxies to test on.
    """
    settings = settings or TuningSettings()
    shares = vote_shares(encoder, pictures, votes, task)
    truth = shares[tested].argmax(axis=1)
    for name, count in zip(task.classes, class_counts(shares[tested]), strict=True):
        require(count >= _MIN_PER_CLASS, f"class {name!r} has {count} galaxies to test on, 2 are needed")
    learnt, unseen = torch.from_numpy(~tested), torch.from_numpy(tested)
    vote_shares(encoder, pictures[learnt], votes[~tested], task)
    vectors = encode_pictures(encoder, pictures)
    probe = fit_probe(vectors[~tested], shares[~tested])
    regression = probe.steps[-1][1]
    parameters = regression.coef_.size + regression.intercept_.size
    rows = [_figures("frozen", truth, probe.predict_proba(vectors[tested]), parameters)]
    everything = replace(settings, depth=None, rate=_FULL_RATE)
    runs: list[tuple[str, Callable[[Encoder], Encoder], TuningSettings]] = [
        ("deep", lambda release: release, settings),
        (SCRATCH, untrained_encoder, everything),
        (IMAGENET, imagenet_encoder, everything),
    ]
    for name, starts_as, tuning in runs:
        try:
            start = starts_as(encoder)
        except TrainingError as error:
            skipped(f"baseline {name}: {error}")
            continue
        file = folder / f"{task.name}-{name}.pt" if folder else None
        tuned = finetune(start, pictures[learnt], votes[~tested], task, tuning, file, progress)
        probability = predict_probability(tuned.head, encode_pictures(tuned.encoder, pictures[unseen]))
        rows.append(_figures(name, truth, probability, tuned.report.trained_parameters))
    return pd.DataFrame(rows)


def vote_shares(
    encoder: Encoder, pictures: Tensor, votes: NDArray[np.float32], task: TunedTask
) -> NDArray[np.float32]:
    """Fractions of the votes, (n, n_classes), of labels that fit pictures, encoder and task.

    Raises:
        LearningError: Pictures, votes or task do not fit the encoder or each other.
    """
    size, n = encoder.recipe.size, len(task.classes)
    fit = pictures.dtype == torch.uint8 and tuple(pictures.shape[1:]) == (3, size, size)
    given = f"{tuple(pictures.shape)} {str(pictures.dtype).removeprefix('torch.')}"
    require(fit, f"pictures are {given} where (n, 3, {size}, {size}) uint8 is wanted")
    wanted = (len(pictures), n)
    require(votes.shape == wanted, f"votes are of shape {votes.shape}, not {wanted} (galaxies, classes)")
    good = np.isfinite(votes).all(axis=1) & (votes >= 0).all(axis=1) & (votes.sum(axis=1) > 0)
    require(bool(good.all()), f"votes of galaxy {int((~good).argmax())} are negative, no number, or none")
    shares: NDArray[np.float32] = (votes / votes.sum(axis=1, keepdims=True)).astype(np.float32)
    for name, count in zip(task.classes, class_counts(shares), strict=True):
        enough = count >= _MIN_PER_CLASS
        require(enough, f"task {task.name!r}: class {name!r} has {count} galaxies, 2 or more are needed")
    return shares


def _figures(
    method: str, truth: NDArray[np.int64], probability: NDArray[np.floating], trained_parameters: int
) -> dict[str, str | float | int]:
    exact = probability.astype(np.float64)
    exact /= exact.sum(axis=1, keepdims=True)
    binary = exact.shape[1] == 2  # noqa: PLR2004 - two classes
    area = roc_auc_score(truth, exact[:, 1] if binary else exact, multi_class="ovr")
    return {
        "method": method,
        "balanced_accuracy": float(balanced_accuracy_score(truth, exact.argmax(axis=1))),
        "auc": float(area),
        "trained_parameters": trained_parameters,
    }
