"""Which galaxies a person is asked about next, by the labels of this moment."""

from collections.abc import Sequence

import numpy as np
import psycopg
from numpy.typing import NDArray

from catalog.releases.vectors import read_vectors
from catalog.search.memory.galaxy_memory import GalaxyMemory
from catalog.search.memory.held import Held
from catalog.tasks.held_galaxies import find_held_galaxies
from catalog.tasks.ranking import draw_unlabelled
from catalog.tasks.tasks import Task, find_task
from encoder.heads.fit import TaskHead
from encoder.heads.suggestions import suggest
from galcat.errors import WorkflowError
from galcat.workflows.tasks.anomaly_round import open_next_round
from galcat.workflows.tasks.learn import TrainingSet, read_training_set
from galcat.workflows.tasks.suggest import find_head, rank_by_head
from galcat.workflows.writing import writing

Chosen = tuple[list[int], list[str], str]
"""object_ids, what the model believes of each in words, and why these come next."""

_LEAST = 2
"""Galaxies of each answer from which on something can be learnt."""
_POOL = 3_000
"""Random galaxies among which those are sought that the model cannot place."""


def choose_next_labels(url: str, name: str, n: int, memory: GalaxyMemory | None = None) -> Chosen:
    """Choose the next galaxies of a task.

    Of a search that is rated, the open round. Of a task with classes, random galaxies before there are two of
    each answer; then half of them are the most probable ones of the rarest answer, as `galcat tasks likely`
    finds them, and half are those that the model cannot place, as `galcat tasks next` chooses them.

    Args:
        url: URL of the catalogue's database.
        name: Name of the task.
        n: How many galaxies of a task with classes are wanted.
        memory: The galaxies in memory, which make it quicker and choose the same; None where none are held.

    Raises:
        CatalogError: There is no such task.
        WorkflowError: No galaxy is left.
    """
    with writing(url) as connection:
        task = find_task(connection, name)
        if task.kind != "interest":
            return _choose_of_classes(connection, task, n, memory)
    return _choose_of_round(url, name, memory)


def _choose_of_round(url: str, name: str, memory: GalaxyMemory | None) -> Chosen:
    made = open_next_round(url, name, memory=memory)
    waiting = [offer for offer in made.offers if offer.object_id not in made.rated]
    beliefs = [
        "" if one.interest is None else f"expected {one.interest:.1f} \u00b1 {one.uncertainty or 0:.1f}"
        for one in waiting
    ]
    why = (
        f"round {made.round}: those that may surpass the best so far, after {made.ratings} ratings"
        if made.model
        else f"round {made.round}: a first look at random galaxies"
    )
    return [one.object_id for one in waiting], beliefs, why


def _choose_of_classes(
    connection: psycopg.Connection, task: Task, n: int, memory: GalaxyMemory | None
) -> Chosen:
    training_set = read_training_set(connection, task.name)
    held = find_held_galaxies(connection, training_set.release, memory)
    counts = np.bincount(training_set.votes.votes.argmax(axis=1), minlength=len(task.classes))
    if counts.min() < _LEAST:
        drawn = draw_unlabelled(connection, task, training_set.release.release_id, n, held)
        _require_some(task, drawn)
        missing = task.classes[int(counts.argmin())]
        return drawn, [""] * len(drawn), f"random galaxies, until there are {_LEAST} of {missing}"
    rarest, labelled = int(counts.argmin()), training_set.votes.object_ids
    head = find_head(connection, training_set)
    likely = rank_by_head(connection, training_set, head, -(-n // 2), rarest, labelled, held)
    probability = (
        {identity: likely.probability[i] for i, identity in enumerate(likely.object_ids.tolist())}
        if likely.probability is not None
        else {}
    )
    unsure = _find_unsure(connection, training_set, head, n, set(probability), held)
    chosen = _take_turns(list(probability), list(unsure), n)
    _require_some(task, chosen)
    beliefs = [_say(task, probability.get(identity, unsure.get(identity))) for identity in chosen]
    why = (
        f"the most probable of {task.classes[rarest]}, in turn with those that the model cannot place; "
        f"learnt from {len(training_set.votes.object_ids)} galaxies"
    )
    return chosen, beliefs, why


def _find_unsure(
    connection: psycopg.Connection,
    training_set: TrainingSet,
    head: TaskHead,
    n: int,
    without: set[int],
    held: Held | None,
) -> dict[int, NDArray[np.float32]]:
    """Among random galaxies those that the head cannot place, with their probabilities."""
    release = training_set.release
    drawn = draw_unlabelled(connection, training_set.task, release.release_id, _POOL, held)
    pool = [one for one in drawn if one not in without]
    ids, vectors = read_vectors(connection, release, pool)
    if not len(ids):
        return {}
    scores = head.score(vectors)
    _, search = read_vectors(connection, release, ids.tolist(), "search")
    return {int(ids[row]): scores.probability[row] for row in suggest(scores, search, n).tolist()}


def _take_turns(first: Sequence[int], second: Sequence[int], n: int) -> list[int]:
    taken = [one for pair in zip(first, second, strict=False) for one in pair]
    rest = (*first[len(second) :], *second[len(first) :])
    return list(dict.fromkeys((*taken, *rest)))[:n]


def _say(task: Task, probability: NDArray[np.float32] | None) -> str:
    if probability is None:
        return ""
    place = 1 if task.kind == "binary" else int(probability.argmax())
    return f"{task.classes[place]} {float(probability[place]):.2f}"


def _require_some(task: Task, chosen: Sequence[int]) -> None:
    if not chosen:
        raise WorkflowError(f"every galaxy has a label of task {task.name}: none is left")
