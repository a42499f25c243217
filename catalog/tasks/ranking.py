"""Galaxies to look at next for a task: the most uncertain, those on top by a head, or a random draw."""

from dataclasses import dataclass

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import sql

from catalog.constants import SEARCH_TYPE
from catalog.releases.releases import Release
from catalog.tasks.model_versions import Version
from catalog.tasks.tasks import Task

# Of two classes one probability is stored; the entropy of the other is the same term mirrored.
_UNCERTAIN = """
    SELECT v.object_id, array_agg(v.value ORDER BY v.class), array_agg(v.uncertainty ORDER BY v.class)
    FROM galcat.{scores} AS v
    WHERE v.version_id = %(version)s
        AND NOT EXISTS (
            SELECT FROM galcat.current_label AS l WHERE l.task = %(task)s AND l.object_id = v.object_id)
        AND EXISTS (SELECT FROM galcat.source AS s WHERE s.object_id = v.object_id AND NOT s.is_retired)
    GROUP BY v.object_id
    ORDER BY sum({entropy}) DESC, v.object_id
    LIMIT %(n)s
"""
_TERM = "-CASE WHEN v.value > 0 THEN v.value * ln(v.value) ELSE 0 END"
_OTHER = "-CASE WHEN v.value < 1 THEN (1 - v.value) * ln(1 - v.value) ELSE 0 END"
_RANDOM = """
    SELECT e.object_id FROM galcat.embedding AS e JOIN galcat.source AS s USING (object_id)
    WHERE e.release_id = %(release)s AND NOT s.is_retired
        AND NOT EXISTS (
            SELECT FROM galcat.current_label AS l WHERE l.task = %(task)s AND l.object_id = e.object_id)
    ORDER BY e.object_id # hashtextextended(%(task)s, 0), e.object_id LIMIT %(n)s
"""


# <#> is the inner product with its sign turned.
_TOP_BY_HEAD = sql.SQL(
    "SELECT e.object_id FROM galcat.embedding AS e "
    "WHERE e.release_id = %(release)s AND NOT e.object_id = ANY (%(known)s) "
    "ORDER BY e.search OPERATOR(public.<#>) %(weight)s::{vector} LIMIT %(n)s"
).format(vector=sql.SQL(SEARCH_TYPE))


@dataclass(frozen=True)
class UncertainGalaxies:
    """Galaxies without a label.

    Attributes:
        object_ids: (n,) int64, the most uncertain first.
        probability: (n, classes) float32, of each class.
        uncertainty: (n, classes) float32, standard deviation of each probability.
    """

    object_ids: NDArray[np.int64]
    probability: NDArray[np.float32]
    uncertainty: NDArray[np.float32]


def most_uncertain(connection: psycopg.Connection, task: Task, version: Version, n: int) -> UncertainGalaxies:
    """The n galaxies of largest entropy by a task's stored scores.

    Args:
        connection: Open connection to the catalogue.
        task: A task with classes.
        version: The version whose scores are ranked.
        n: How many galaxies to give.
    """
    is_binary = task.kind == "binary"
    row = connection.execute("SELECT galcat.score_table(%s)", [task.name]).fetchone()
    assert row is not None  # noqa: S101 - the task is there
    query = sql.SQL(_UNCERTAIN).format(
        scores=sql.Identifier(str(row[0])), entropy=sql.SQL(f"{_TERM} {_OTHER}" if is_binary else _TERM)
    )
    parameters = {"version": version.version_id, "task": task.name, "n": n}
    rows = connection.execute(query, parameters).fetchall()
    width = 1 if is_binary else len(task.classes)
    value, uncertainty = (
        np.array([row[i] for row in rows], dtype=np.float32).reshape(len(rows), width) for i in (1, 2)
    )
    if is_binary:
        value, uncertainty = np.hstack([1 - value, value]), np.hstack([uncertainty, uncertainty])
    return UncertainGalaxies(np.array([row[0] for row in rows], dtype=np.int64), value, uncertainty)


def draw_unlabelled(connection: psycopg.Connection, task: Task, release_id: int, n: int) -> list[int]:
    """N galaxies without a label: random, and always the same of one catalogue and task."""
    parameters = {"release": release_id, "task": task.name, "n": n}
    return [int(row[0]) for row in connection.execute(_RANDOM, parameters)]


def top_by_linear_head(
    connection: psycopg.Connection,
    release: Release,
    weight: NDArray[np.float32],
    n: int,
    without: NDArray[np.int64],
) -> list[int]:
    """The n galaxies whose searched vectors have the largest inner product with a head's weights.

    Args:
        connection: Open connection to the catalogue.
        release: The current release, whose galaxies are ranked.
        weight: (40,) weights of the head, in the space of search vectors.
        n: How many galaxies to give.
        without: object_ids to leave out, such as those that are labelled.
    """
    unit = weight / np.abs(weight).max()  # so that nothing leaves the range of half precision
    parameters = {
        "release": release.release_id,
        "known": without.tolist(),
        "weight": str(unit.tolist()),
        "n": n,
    }
    return [int(row[0]) for row in connection.execute(_TOP_BY_HEAD, parameters)]
