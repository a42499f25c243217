"""What to look at in a task: galaxies to label next, and those that are most probable as of this moment."""

from dataclasses import dataclass

import numpy as np
import psycopg
from numpy.typing import NDArray

from catalog.releases.vectors import ProjectedRelease, current_projected_release, read_vectors
from catalog.search.memory.held import Held
from catalog.tasks.model_versions import find_current_version
from catalog.tasks.ranking import draw_unlabelled, most_uncertain, top_by_linear_head
from catalog.tasks.tasks import Task, find_task
from encoder.heads.fit import Scores, TaskHead
from encoder.heads.suggestions import suggest
from encoder.model.projection import Projection
from galcat.errors import WorkflowError
from galcat.workflows.tasks.learn import METHOD, TrainingSet, read_training_set

_POOL = 10_000
_REFINED = 10
"""So many times more galaxies are looked at with full vectors than are asked for."""
_MIN_REFINED = 5_000


@dataclass(frozen=True)
class Suggestions:
    """Galaxies with what a model says of them.

    Attributes:
        task: The task that they are for.
        object_ids: (n,) int64, the best suggestion first.
        probability: (n, classes) float32; None where there is no model yet.
    """

    task: Task
    object_ids: NDArray[np.int64]
    probability: NDArray[np.float32] | None


def suggest_labels(connection: psycopg.Connection, name: str, n: int) -> Suggestions:
    """Suggest galaxies that the shown model cannot place, no near-copies of each other.

    Before there is a model they are random ones.

    Raises:
        CatalogError: There is no such task.
        WorkflowError: The task has ratings and no classes.
    """
    task, release = find_task(connection, name), current_projected_release(connection)
    if task.kind == "interest":
        raise WorkflowError(f"task {name} has ratings of 0 to 5: see galcat anomalies")
    version = find_current_version(connection, task, release.release_id)
    if version is None:
        drawn = draw_unlabelled(connection, task, release.release_id, n)
        return Suggestions(task, np.array(drawn, dtype=np.int64), None)
    pool = most_uncertain(connection, task, version, max(_POOL, n))
    ids, search = read_vectors(connection, release, pool.object_ids.tolist(), "search")
    rows = np.flatnonzero(np.isin(pool.object_ids, ids))
    scores = Scores(pool.probability[rows], pool.uncertainty[rows])
    order = np.searchsorted(ids, pool.object_ids[rows])
    chosen = rows[suggest(scores, search[order], n)]
    return Suggestions(task, pool.object_ids[chosen], pool.probability[chosen])


def find_most_likely(
    connection: psycopg.Connection,
    name: str,
    n: int,
    class_name: str | None = None,
    *,
    unlabelled: bool = False,
) -> Suggestions:
    """Find the n most probable galaxies as of this moment, without waiting for the column.

    The head in 40 dimensions looks at every galaxy once; of the first, ten times as many as wanted, the full
    vectors decide.

    Args:
        connection: Open connection to the catalogue; only read from.
        name: Name of the task.
        n: Number of galaxies to find.
        class_name: Class that they shall probably have; None for the second of two.
        unlabelled: Leave out what somebody has labelled.

    Raises:
        CatalogError: There is no such task.
        WorkflowError: The task has ratings, or no such class.
        LearningError: There are not two galaxies of each class.
    """
    training_set = read_training_set(connection, name)
    place = _class(training_set.task, class_name)
    head = find_head(connection, training_set)
    known = training_set.votes.object_ids if unlabelled else np.empty(0, np.int64)
    return rank_by_head(connection, training_set, head, n, place, known)


def rank_by_head(
    connection: psycopg.Connection,
    training_set: TrainingSet,
    head: TaskHead,
    n: int,
    place: int,
    known: NDArray[np.int64],
    held: Held | None = None,
) -> Suggestions:
    """Find the n galaxies that a head finds most probable of a class.

    Args:
        connection: Open connection to the catalogue; only read from.
        training_set: What the head was learnt from.
        head: The linear model of the task, which was learnt from these labels.
        n: Number of galaxies to find.
        place: Number of the class among those of the task.
        known: object_ids of galaxies to leave out.
        held: All galaxies in memory, which make it quicker; None where they are not held.
    """
    looked_at = max(_REFINED * n, _MIN_REFINED)
    direction = _direction(head, training_set.release, place)
    first = top_by_linear_head(connection, training_set.release, direction, looked_at, known, held)
    ids, vectors = read_vectors(connection, training_set.release, first)
    probability = head.score(vectors).probability
    best = np.lexsort((ids, -probability[:, place]))[:n]
    return Suggestions(training_set.task, ids[best], probability[best])


def find_head(connection: psycopg.Connection, training_set: TrainingSet) -> TaskHead:
    """The shown model where nobody has labelled since, else one learnt now, which nobody has measured.

    Raises:
        LearningError: There are not two galaxies of each class.
    """
    version = find_current_version(connection, training_set.task, training_set.release.release_id)
    if (
        version is not None
        and version.method == METHOD
        and version.labels_seen == training_set.votes.labels_seen
    ):
        return TaskHead.from_bytes(version.model)
    return training_set.fit_head(is_measured=False)


def _class(task: Task, class_name: str | None) -> int:
    if class_name is None and task.kind == "binary":
        return 1
    if class_name not in task.classes:
        said = "say which class" if class_name is None else f"{class_name!r} is no class"
        raise WorkflowError(f"task {task.name}: {said} of {', '.join(task.classes)}")
    return task.classes.index(class_name)


def _direction(head: TaskHead, release: ProjectedRelease, place: int) -> NDArray[np.float32]:
    """Where a class becomes more probable, (40,): away from the mean of all classes."""
    projection = Projection(release.mean, release.components, release.deviations, release.scale)
    weight, _ = head.project(projection)
    logits = np.vstack([np.zeros_like(weight), weight]) if len(weight) == 1 else weight
    direction: NDArray[np.float32] = logits[place] - logits.mean(axis=0)
    return direction
