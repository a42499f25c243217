"""Learn a task from its labels, and give every galaxy its probability: labels in, a column out."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

import numpy as np
import psycopg
from numpy.typing import NDArray

from catalog.database.connection import connect
from catalog.releases.vectors import (
    ProjectedRelease,
    Vectors,
    current_projected_release,
    read_vectors,
    stream_vectors,
)
from catalog.tasks.labels import Votes, count_votes
from catalog.tasks.model_versions import (
    NewVersion,
    ScoreChunk,
    Version,
    add_scores,
    find_current_version,
    find_newest_version,
    find_unscored_galaxies,
    list_score_classes,
    publish_version,
)
from catalog.tasks.ranking import draw_unlabelled
from catalog.tasks.retired_labels import count_retired_galaxies
from catalog.tasks.tasks import Task, find_task, show_task
from encoder.errors import LearningError, first_line
from encoder.heads.fit import TaskHead, fit_head
from galcat.errors import WorkflowError
from galcat.workflows.writing import writing

TOLERATED_LOSS = 0.03
"""Of area under the ROC curve, or accuracy: a model that lost more against the one shown is worse than it."""
METHOD = "head"
_SAMPLE = 2_000


@dataclass(frozen=True)
class LearningResult:
    """What became of a task that was to be learnt.

    Attributes:
        version: The task's newest model.
        is_new: Whether it was learnt just now; else no label had come since it was.
        galaxies: Number of galaxies that got a score now.
    """

    version: Version
    is_new: bool
    galaxies: int


@dataclass(frozen=True)
class TrainingSet:
    """What a head learns from, at one moment.

    Attributes:
        task: The task, with its classes.
        release: The current release, whose vectors are used.
        votes: What people say of the galaxies that have a vector.
        vectors: (n, d) full vectors of these galaxies.
    """

    task: Task
    release: ProjectedRelease
    votes: Votes
    vectors: NDArray[np.float32]

    def fit_head(self, *, is_measured: bool = True) -> TaskHead:
        """Fit a linear head to the votes.

        Args:
            is_measured: Whether its report says how good it is, which takes most of the time.

        Raises:
            LearningError: There are not two galaxies of each class.
        """
        return fit_head(self.vectors, self.votes.votes, self.task.classes, is_measured=is_measured)

    def make_version(
        self, method: str, model: bytes, report: dict[str, object], shown: Version | None
    ) -> NewVersion:
        """Make the version of the task that a model learnt from this set is.

        Args:
            method: How it was learnt.
            model: The model as it is stored.
            report: Its figures, as they are stored.
            shown: The version whose columns are shown now, which a worse one does not replace; None where
                the new one is shown whatever its figures are.
        """
        refused = None if shown is None else regression_reason(method, report, shown)
        release_id, labels_seen = self.release.release_id, self.votes.labels_seen
        return NewVersion(self.task, release_id, method, labels_seen, model, report, refused)


def learn(
    url: str, name: str, *, even_if_worse: bool = False, progress: Callable[[int], None] | None = None
) -> LearningResult:
    """Learn a task anew where labels have come since, and show the scores of all galaxies at once.

    Labels that come meanwhile are for the next time. Killed at any moment, the former column stays. Where
    nobody labelled, galaxies that were ingested since get their scores.

    Args:
        url: URL of the catalogue's database.
        name: Name of the task.
        even_if_worse: Show the new model though it recognises the labels less well than the former.
        progress: Told how many more galaxies have been read.

    Raises:
        CatalogError: There is no such task.
        WorkflowError: The task has ratings and no classes, or labels of retired galaxies and too few others.
        LearningError: There are not two galaxies of each class.
    """
    with writing(url) as connection:
        training_set = read_training_set(connection, name)
        newest = find_newest_version(connection, training_set.task, training_set.release.release_id)
        shown = find_current_version(connection, training_set.task, training_set.release.release_id)
        if (
            newest is not None
            and newest.method == METHOD
            and shown is not None  # else its columns were dropped
            and newest.labels_seen == training_set.votes.labels_seen
            and not (even_if_worse and newest.refused)
        ):
            show_task(connection, name)
            return LearningResult(
                newest, is_new=False, galaxies=_score_later_ones(connection, training_set, shown)
            )
        with naming_retired(connection, name):
            head = training_set.fit_head()
        report = asdict(head.report) | {"drift": _drift(connection, training_set, head, shown)}
        new = training_set.make_version(METHOD, head.to_bytes(), report, None if even_if_worse else shown)
        counter = ScoreCounter(progress)
        with connect(url, autocommit=True) as reader, stream_vectors(reader, training_set.release) as chunks:
            scores = _score(head, training_set.task, chunks)
            version = publish_version(connection, new, counter.count(scores))
    return LearningResult(version, is_new=True, galaxies=counter.galaxies)


def read_training_set(connection: psycopg.Connection, name: str) -> TrainingSet:
    """Read the labels of a task with classes, and the vectors of the galaxies that have some.

    Raises:
        CatalogError: There is no such task.
        WorkflowError: The task has ratings and no classes.
    """
    task = find_task(connection, name)
    if task.kind == "interest":
        raise WorkflowError(f"task {name} has ratings of 0 to 5: see galcat anomalies")
    release = current_projected_release(connection)
    votes = count_votes(connection, task)
    ids, vectors = read_vectors(connection, release, votes.object_ids.tolist())
    kept = np.isin(votes.object_ids, ids)
    return TrainingSet(task, release, Votes(ids, votes.votes[kept], votes.labels_seen), vectors)


@contextmanager
def naming_retired(connection: psycopg.Connection, name: str) -> Iterator[None]:
    """Where labels are too few to learn from, say so if some are of retired galaxies.

    Raises:
        WorkflowError: Labels are too few, and some are of retired galaxies.
        LearningError: Labels are too few.
    """
    try:
        yield
    except LearningError as error:
        if not (retired := count_retired_galaxies(connection, name)):
            raise
        raise WorkflowError(
            f"task {name} has labels of {retired} retired galaxies, from which nothing is learnt: "
            f"galcat tasks retired {name} names the galaxies that lie there now; {first_line(error)}"
        ) from error


def regression_reason(method: str, report: dict[str, object], shown: Version) -> str | None:
    """Why a model should not replace the one shown, unasked; None where nothing speaks against it.

    Args:
        method: How the model was learnt: a linear head does not take the place of a tuned network.
        report: What was measured of the model.
        shown: The model that is shown now.
    """
    if (method, shown.method) == ("head", "deep"):
        return "a tuned network is shown, and this is a linear head"
    for figure, title in (("auc", "area under the ROC curve"), ("accuracy", "balanced accuracy")):
        new, old = report.get(figure), shown.report.get(figure)
        if isinstance(old, float) and isinstance(new, float):
            what = f"on labels held out its {title} is {new:.3f}, that of the one shown {old:.3f}"
            return what if new < old - TOLERATED_LOSS else None
    if isinstance(shown.report.get("accuracy"), float):
        return "the one shown was measured on labels held out, and of this there are too few"
    return None


def _drift(
    connection: psycopg.Connection, training_set: TrainingSet, head: TaskHead, shown: Version | None
) -> float | None:
    """How far probabilities move from the version that is shown, on average over random galaxies."""
    if shown is None or shown.method != METHOD:
        return None
    drawn = draw_unlabelled(connection, training_set.task, training_set.release.release_id, _SAMPLE)
    _, vectors = read_vectors(connection, training_set.release, drawn)
    if not len(vectors):
        return None
    before = TaskHead.from_bytes(shown.model).score(vectors).probability
    return float(np.abs(head.score(vectors).probability - before).mean())


def _score_later_ones(
    connection: psycopg.Connection, training_set: TrainingSet, shown: Version | None
) -> int:
    """Score galaxies that came after the scores that are shown."""
    if shown is None or shown.method != METHOD:
        return 0
    later = find_unscored_galaxies(connection, training_set.task, shown, training_set.release.release_id)
    if not later:
        return 0
    head = TaskHead.from_bytes(shown.model)
    chunk = read_vectors(connection, training_set.release, later)
    return add_scores(connection, training_set.task, shown, _score(head, training_set.task, [chunk]))


def _score(head: TaskHead, task: Task, chunks: Iterable[Vectors]) -> Iterator[ScoreChunk]:
    columns = [place - 1 for place in list_score_classes(task)]
    for ids, vectors in chunks:
        scores = head.score(vectors)
        yield ids, scores.probability[:, columns], scores.uncertainty[:, columns]


@dataclass
class ScoreCounter:
    """A counter to put chunks of scores through.

    Attributes:
        progress: Told how many more galaxies came by.
        galaxies: Number of galaxies that came by so far.
    """

    progress: Callable[[int], None] | None = None
    galaxies: int = 0

    def count(self, chunks: Iterable[ScoreChunk]) -> Iterator[ScoreChunk]:
        """Pass the chunks on, and count each when it is taken."""
        for chunk in chunks:
            self.galaxies += len(chunk[0])
            if self.progress is not None:
                self.progress(len(chunk[0]))
            yield chunk
