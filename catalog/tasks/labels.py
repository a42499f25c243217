"""Labels: what people answer of galaxies. History stays; the last answer of each person counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import psycopg
from numpy.typing import NDArray

from catalog.errors import LabelError
from catalog.result import Result
from catalog.tasks.tasks import Task


@dataclass(frozen=True)
class Label:
    """What one person answers of a galaxy.

    Attributes:
        object_id: object_id of the galaxy.
        value: A class of the task, or a rating of 0 to 5; None takes back what the person said before.
        labeller: Name of the person who says so; None for whoever writes the labels.
        labelled_at: When the person said so, with its time zone; None for the moment of writing.
    """

    object_id: int
    value: str | float | None
    labeller: str | None = None
    labelled_at: datetime | None = None


@dataclass(frozen=True)
class Votes:
    """What people say of the galaxies of a task today.

    Attributes:
        object_ids: (n,) int64, object_ids in rising order.
        votes: (n, classes) number of people who gave each answer.
        labels_seen: Number of rows of the table `label` for the task at that moment.
    """

    object_ids: NDArray[np.int64]
    votes: NDArray[np.float64]
    labels_seen: int


@dataclass(frozen=True)
class Ratings:
    """How interesting people find the galaxies of a task today.

    Attributes:
        object_ids: (n,) int64, object_ids in rising order.
        ratings: (n,) the mean of all people, 0 to 5.
        labels_seen: Number of rows of the table `label` for the task at that moment.
    """

    object_ids: NDArray[np.int64]
    ratings: NDArray[np.float64]
    labels_seen: int


def write_labels(
    connection: psycopg.Connection, task: Task, labels: Sequence[Label], labeller: str, origin: str
) -> int:
    """Store labels, all or none; an answer that a person gives today already is not stored again.

    Args:
        connection: Open connection of somebody who may label.
        task: The task that the labels answer.
        labels: The labels, in the order in which they were given.
        labeller: Name of the person who said those that name nobody.
        origin: How the labels came, such as `cli` or `file`, as the table keeps it.

    Returns:
        How many were new.

    Raises:
        LabelError: An answer is none of the task's, a rating is not in 0..5, or a galaxy is not there.
    """
    is_rating = task.kind == "interest"
    rows = [
        (
            one.object_id,
            None if is_rating else one.value,
            one.value if is_rating else None,
            one.labeller or labeller,
            one.labelled_at,
        )
        for one in labels
    ]
    written = 0
    try:
        with connection.transaction(), connection.cursor() as cursor:
            for object_id, answer, rating, who, when in rows:
                cursor.execute(
                    "INSERT INTO galcat.label "
                    "(task, object_id, answer, rating, labeller, origin, labelled_at) "
                    "SELECT %(task)s, %(id)s, %(answer)s, %(rating)s, %(who)s, %(origin)s, "
                    "coalesce(%(when)s, clock_timestamp()) "
                    "WHERE NOT coalesce((SELECT (l.answer, l.rating) IS NOT DISTINCT FROM "
                    "(%(answer)s::text, %(rating)s::real) FROM galcat.label AS l "
                    "WHERE l.task = %(task)s AND l.object_id = %(id)s AND l.labeller = %(who)s "
                    "ORDER BY l.label_id DESC LIMIT 1), false)",
                    {
                        "task": task.name,
                        "id": object_id,
                        "answer": answer,
                        "rating": rating,
                        "who": who,
                        "origin": origin,
                        "when": when,
                    },
                )
                written += cursor.rowcount
    except psycopg.Error as error:
        raise LabelError(str(error).splitlines()[0]) from error
    return written


def list_labels(connection: psycopg.Connection, task: Task, labeller: str | None = None) -> Result:
    """What people say of a task today, the oldest first, in columns that a file of labels may have.

    Args:
        connection: Open connection to the catalogue; only read from.
        task: The task that the labels answer.
        labeller: Name of the person whose labels are wanted; None for everybody's.

    Returns:
        object_id, ra and dec in ICRS degrees, the answer or the rating, who said it, when, and its origin.
    """
    value = "rating" if task.kind == "interest" else "answer"
    rows = connection.execute(
        "SELECT l.object_id, s.ra, s.dec, coalesce(l.answer, l.rating::text), l.labeller, l.labelled_at, "
        "l.origin FROM galcat.current_label AS l JOIN galcat.source AS s USING (object_id) "
        "WHERE l.task = %(task)s AND (%(who)s::text IS NULL OR l.labeller = %(who)s) ORDER BY l.label_id",
        {"task": task.name, "who": labeller},
    ).fetchall()
    return Result(("object_id", "ra", "dec", value, "labeller", "labelled_at", "origin"), rows)


def withdraw_labels(
    connection: psycopg.Connection, task: Task, object_ids: Sequence[int], labeller: str, origin: str
) -> list[int]:
    """Take back what a person says of some galaxies; the history keeps that it was said.

    Args:
        connection: Open connection of somebody who may label.
        task: The task that the labels answer.
        object_ids: object_ids of the galaxies whose labels are taken back.
        labeller: Name of the person whose labels are taken back.
        origin: How the withdrawal came, as the table keeps it.

    Returns:
        Of which galaxies a label was taken back: the others have none of that person.

    Raises:
        LabelError: The labels cannot be changed.
    """
    said = set(list_labels(connection, task, labeller)["object_id"])
    known = [identity for identity in dict.fromkeys(object_ids) if identity in said]
    write_labels(connection, task, [Label(identity, None) for identity in known], labeller, origin)
    return known


def count_votes(connection: psycopg.Connection, task: Task) -> Votes:
    """Count what people say of each galaxy that is not retired, and the rows of label, at one moment."""
    rows = connection.execute(
        "SELECT l.object_id, array_position(%(classes)s::text[], l.answer), count(*), "
        "(SELECT count(*) FROM galcat.label WHERE task = %(task)s) "
        "FROM galcat.current_label AS l JOIN galcat.source AS s USING (object_id) "
        "WHERE l.task = %(task)s AND NOT s.is_retired GROUP BY 1, 2 ORDER BY 1, 2",
        {"task": task.name, "classes": list(task.classes)},
    ).fetchall()
    ids = np.array(sorted({row[0] for row in rows}), dtype=np.int64)
    votes = np.zeros((len(ids), len(task.classes)))
    for object_id, place, people, _ in rows:
        votes[np.searchsorted(ids, object_id), place - 1] = people
    return Votes(ids, votes, int(rows[0][3]) if rows else 0)


def read_mean_ratings(connection: psycopg.Connection, task: Task) -> Ratings:
    """The mean rating of each galaxy that is not retired, and the rows of label, at one moment."""
    rows = connection.execute(
        "SELECT l.object_id, avg(l.rating), (SELECT count(*) FROM galcat.label WHERE task = %(task)s) "
        "FROM galcat.current_label AS l JOIN galcat.source AS s USING (object_id) "
        "WHERE l.task = %(task)s AND NOT s.is_retired GROUP BY 1 ORDER BY 1",
        {"task": task.name},
    ).fetchall()
    return Ratings(
        np.array([row[0] for row in rows], dtype=np.int64),
        np.array([row[1] for row in rows], dtype=np.float64),
        int(rows[0][2]) if rows else 0,
    )


def write_tags(
    connection: psycopg.Connection,
    object_ids: Sequence[int],
    tag: str,
    labeller: str,
    *,
    withdraw: bool = False,
) -> None:
    """Put a free tag such as #diffuse on galaxies, or take one's own off again; all or none.

    Raises:
        LabelError: The tag is no word, or a galaxy is not there.
    """
    try:
        with connection.transaction(), connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO galcat.tag (object_id, tag, is_withdrawn, labeller, origin) "
                "VALUES (%s, %s, %s, %s, 'tag')",
                [(identity, tag, withdraw, labeller) for identity in object_ids],
            )
    except psycopg.Error as error:
        raise LabelError(str(error).splitlines()[0]) from error
