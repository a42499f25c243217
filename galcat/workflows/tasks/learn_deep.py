"""Learn a task with the network itself: the last blocks are trained on the catalogue's pictures."""

import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import psycopg
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torchvision.transforms.v2 import functional

from catalog.database.connection import connect
from catalog.releases.releases import current_release
from catalog.search.thumbnails import read_thumbnails, stream_thumbnails
from catalog.tasks.labels import Votes
from catalog.tasks.model_versions import (
    ScoreChunk,
    find_current_version,
    list_score_classes,
    publish_version,
)
from catalog.tasks.tasks import Task
from encoder.finetuning.finetune import TunedEncoder, TunedTask, TuningSettings, compare_tuning, finetune
from encoder.finetuning.report import Epoch
from encoder.heads.answers import read_answers
from encoder.model.encoder import Encoder
from galcat.errors import WorkflowError
from galcat.workflows.releases.release_encoder import load_release_encoder
from galcat.workflows.tasks.learn import (
    LearningResult,
    ScoreCounter,
    TrainingSet,
    naming_retired,
    read_training_set,
)
from galcat.workflows.writing import writing

METHOD = "deep"
_TESTED = 0.3


def learn_deep(
    url: str,
    name: str,
    depth: int | None,
    output: Path,
    *,
    weights: str = "",
    even_if_worse: bool = False,
    progress: Callable[[Epoch], None] = lambda _: None,
) -> LearningResult:
    """Tune a copy of the release's encoder to a task, write it as one file, and show its scores.

    It learns from the thumbnails: the pictures that the network saw, smaller and as JPEG. Killed at any
    moment, a second call goes on from the last epoch, whose state is kept beside the file.

    Args:
        url: URL of the catalogue's database.
        name: Name of the task.
        depth: Number of blocks, counted from the network's end, that are trained; None for all.
        output: File that the tuned encoder is written to; there must be none yet.
        weights: Path of the release's weights file; empty to find it by its digest, kept or shipped.
        even_if_worse: Show the new model though it recognises the labels less well than the former.
        progress: Told of each epoch when it is over.

    Raises:
        CatalogError: There is no such task.
        WorkflowError: The task has ratings, these are not the release's weights, or the file is there
            already.
        LearningError: Labels or depth do not do.
    """
    if output.exists():
        raise WorkflowError(f"{output} is there already: name another file, or remove it")
    with writing(url) as connection:
        training_set = read_training_set(connection, name)
        _refuse_none(connection, training_set)
        encoder = _load_encoder(connection, weights)
        pictures = _pictures(
            read_thumbnails(connection, training_set.votes.object_ids.tolist()), training_set.votes, encoder
        )
        settings = TuningSettings(depth=depth)
        state = output.with_name(f".{output.name}.training")
        tuned = finetune(
            encoder,
            pictures,
            _shares(training_set),
            _tuned_task(training_set.task),
            settings,
            state,
            progress,
        )
        tuned.save(output)
        shown = find_current_version(connection, training_set.task, training_set.release.release_id)
        report = _report(tuned, output)
        model = tuned.encoder.sha256.encode()
        new = training_set.make_version(METHOD, model, report, None if even_if_worse else shown)
        counter = ScoreCounter()
        with (
            connect(url, autocommit=True) as reader,
            closing(stream_thumbnails(reader, training_set.release.release_id)) as chunks,
        ):
            version = publish_version(
                connection, new, counter.count(_score(tuned, training_set.task, chunks))
            )
    state.unlink(missing_ok=True)
    return LearningResult(version, is_new=True, galaxies=counter.galaxies)


def compare_methods(
    url: str,
    name: str,
    depth: int | None,
    skipped: Callable[[str], None],
    *,
    weights: str = "",
    progress: Callable[[Epoch], None] = lambda _: None,
) -> pd.DataFrame:
    """What tuning is worth on a task's labels: frozen, deep, from scratch, ImageNet, tested on 30 % of them.

    Nothing is written into the catalogue.

    Args:
        url: URL of the catalogue's database.
        name: Name of the task.
        depth: Number of blocks, counted from the network's end, that are trained; None for all.
        skipped: Told, in a line, why a baseline is left out.
        weights: Path of the release's weights file; empty to find it by its digest, kept or shipped.
        progress: Told of each epoch when it is over.

    Returns:
        `method`, `balanced_accuracy`, `auc`, `trained_parameters`.
    """
    with writing(url) as connection:
        training_set = read_training_set(connection, name)
        _refuse_none(connection, training_set)
        encoder = _load_encoder(connection, weights)
        jpegs = read_thumbnails(connection, training_set.votes.object_ids.tolist())
    tested = np.zeros(len(training_set.votes.object_ids), np.bool_)
    for place in range(len(training_set.task.classes)):
        members = np.flatnonzero(training_set.votes.votes.argmax(axis=1) == place)
        drawn = np.random.default_rng(place).permutation(members)
        tested[drawn[: round(_TESTED * len(members))]] = True
    return compare_tuning(
        encoder,
        _pictures(jpegs, training_set.votes, encoder),
        _shares(training_set),
        _tuned_task(training_set.task),
        tested,
        skipped,
        TuningSettings(depth=depth),
        None,
        progress,
    )


def _refuse_none(connection: psycopg.Connection, training_set: TrainingSet) -> None:
    if not len(training_set.votes.object_ids):
        with naming_retired(connection, training_set.task.name):
            read_answers(training_set.votes.votes, training_set.task.classes)


def _load_encoder(connection: psycopg.Connection, weights: str) -> Encoder:
    release = current_release(connection)
    if release is None:
        raise WorkflowError("the catalogue is empty: there is no release yet")
    return load_release_encoder(release.name, release.weights_sha256, weights)


def _pictures(jpegs: dict[int, bytes], votes: Votes, encoder: Encoder) -> Tensor:
    size = encoder.recipe.size
    return torch.stack([_decode(jpegs[identity], size) for identity in votes.object_ids.tolist()])


def _decode(jpeg: bytes, size: int) -> Tensor:
    """A picture at the network's size, (3, size, size) uint8."""
    with Image.open(io.BytesIO(jpeg)) as image:
        pixels = torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1)
    resized: Tensor = functional.resize(pixels, [size, size], antialias=True)
    return resized


def _score(tuned: TunedEncoder, task: Task, chunks: Iterable[dict[int, bytes]]) -> Iterator[ScoreChunk]:
    columns = [place - 1 for place in list_score_classes(task)]
    for jpegs in chunks:
        pictures = torch.stack([_decode(jpeg, tuned.encoder.recipe.size) for jpeg in jpegs.values()])
        probability = tuned.probability(pictures.float() / 255)
        yield np.array(list(jpegs), dtype=np.int64), probability[:, columns], None


def _shares(training_set: TrainingSet) -> NDArray[np.float32]:
    return training_set.votes.votes.astype(np.float32)


def _tuned_task(task: Task) -> TunedTask:
    return TunedTask(task.name, task.question, task.classes)


def _report(tuned: TunedEncoder, output: Path) -> dict[str, object]:
    last = [epoch for epoch in tuned.report.epochs if epoch.epoch == tuned.report.best_epoch][-1]
    return {
        "file": output.name,
        "galaxies": sum(tuned.report.galaxies.values()),
        "per_class": list(tuned.report.galaxies.values()),
        "accuracy": last.held_out_accuracy,
        "tuning": asdict(tuned.report),
    }
