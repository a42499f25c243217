"""Galaxies to look at next for a task: the most uncertain, those on top by a head, or a random draw."""

from dataclasses import dataclass
from typing import LiteralString

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import sql

from catalog.constants import SEARCH_TYPE
from catalog.releases.releases import Release
from catalog.search.memory.held import Held
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
_RANDOM: LiteralString = """
    SELECT e.object_id FROM galcat.embedding AS e JOIN galcat.source AS s USING (object_id)
    WHERE e.release_id = %(release)s AND NOT s.is_retired AND {among}
        AND NOT EXISTS (
            SELECT FROM galcat.current_label AS l WHERE l.task = %(task)s AND l.object_id = e.object_id)
    ORDER BY e.object_id # hashtextextended(%(task)s, 0), e.object_id LIMIT %(n)s
"""
_LABELLED: LiteralString = (
    "SELECT hashtextextended(%(task)s, 0), "
    "array(SELECT object_id FROM galcat.current_label WHERE task = %(task)s)"
)
# <#> is the inner product with its sign turned. Retired galaxies are few, and told apart at the end.
_TOP_BY_HEAD: LiteralString = """
    SELECT t.object_id, s.is_retired FROM (
        SELECT e.object_id, e.search OPERATOR(public.<#>) %(weight)s::{vector} AS away
        FROM galcat.embedding AS e
        WHERE e.release_id = %(release)s AND NOT e.object_id = ANY (%(known)s) AND {among}
        ORDER BY away, e.object_id LIMIT %(n)s
    ) AS t JOIN galcat.source AS s USING (object_id) ORDER BY t.away, t.object_id
"""
_AMONG_ALL = sql.SQL("true")
_AMONG = sql.SQL("e.object_id = ANY (%(among)s)")
_ROUNDING = 1e-5
"""Far more than what rounding to single precision changes of an inner product, in units of both lengths."""


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
        task: The task that is asked, one with classes.
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


def draw_unlabelled(
    connection: psycopg.Connection, task: Task, release_id: int, n: int, held: Held | None = None
) -> list[int]:
    """N galaxies without a label: random, and always the same of one catalogue and task.

    Args:
        connection: Open connection to the catalogue.
        task: The task, of whose galaxies with a label none is drawn.
        release_id: Number of the release whose galaxies are drawn.
        n: How many galaxies to give.
        held: All galaxies of the release in memory, which say where to look; None to look at every row.
    """
    parameters = {"release": release_id, "task": task.name, "n": n}
    if held is not None:
        among = _likely_drawn(connection, task, n, held)
        found = _drawn(connection, parameters, among)
        if len(found) == len(among):  # else some are gone, or were labelled meanwhile, and others follow
            return found
    return _drawn(connection, parameters, None)


def _likely_drawn(connection: psycopg.Connection, task: Task, n: int, held: Held) -> list[int]:
    """The galaxies that come first in the random order of a task, by what memory holds."""
    row = connection.execute(_LABELLED, {"task": task.name}).fetchone()
    assert row is not None  # noqa: S101 - it selects from nothing
    key, labelled = int(row[0]), row[1]
    ids = np.concatenate([ids for ids, _ in held.list_vectors()])
    first = _smallest(
        ids ^ np.int64(key), n + len(labelled)
    )  # as many, should all that come first be labelled
    kept = ids[first][~np.isin(ids[first], np.array(labelled, np.int64))]
    best: list[int] = kept[np.argsort(kept ^ np.int64(key))][:n].tolist()
    return best


def top_by_linear_head(
    connection: psycopg.Connection,
    release: Release,
    weight: NDArray[np.float32],
    n: int,
    without: NDArray[np.int64],
    held: Held | None = None,
) -> list[int]:
    """The n galaxies whose searched vectors have the largest inner product with a head's weights.

    Args:
        connection: Open connection to the catalogue.
        release: The current release, whose galaxies are ranked.
        weight: (40,) weights of the head, in the space of search vectors.
        n: How many galaxies to give.
        without: object_ids to leave out, such as those that are labelled.
        held: All galaxies of the release in memory, which say where to look; None to look at every row.
    """
    unit = weight / np.abs(weight).max()  # so that nothing leaves the range of half precision
    parameters = {"release": release.release_id, "known": without.tolist(), "weight": str(unit.tolist())}
    if held is not None:
        among = _likely_on_top(unit.astype(np.float16).astype(np.float32), n, without, held)
        found, _ = _top(connection, parameters, len(among), among)
        if len(found) == len(among):  # else some are gone, and others follow
            return found[:n]
    wanted = n
    while True:
        found, is_more = _top(connection, parameters, wanted, None)
        if len(found) >= n or not is_more:
            return found[:n]
        wanted *= 4


def _likely_on_top(weight: NDArray[np.float32], n: int, without: NDArray[np.int64], held: Held) -> list[int]:
    """Galaxies among which are the n of largest inner product, however it is rounded."""
    ids = np.concatenate([ids for ids, _ in held.list_vectors()])
    value = np.concatenate([vectors @ weight for _, vectors in held.list_vectors()])
    best = _smallest(-value, n + len(without))
    best = best[~np.isin(ids[best], without)]
    if len(best) <= n:
        every: list[int] = ids[best].tolist()
        return every
    least = -np.partition(-value[best], n - 1)[n - 1]
    margin = 4 * _ROUNDING * float(np.linalg.norm(weight)) * held.longest
    near = np.flatnonzero(value >= least - margin)
    among: list[int] = ids[near[~np.isin(ids[near], without)]].tolist()
    return among


def _smallest(values: NDArray[np.generic], n: int) -> NDArray[np.int64]:
    """Places of the n smallest values, in no order; of all where there are fewer."""
    return np.argpartition(values, n - 1)[:n] if n < len(values) else np.arange(len(values))


def _drawn(
    connection: psycopg.Connection, parameters: dict[str, object], among: list[int] | None
) -> list[int]:
    query = sql.SQL(_RANDOM).format(among=_AMONG_ALL if among is None else _AMONG)
    return [int(row[0]) for row in connection.execute(query, parameters | {"among": among})]


def _top(
    connection: psycopg.Connection, parameters: dict[str, object], n: int, among: list[int] | None
) -> tuple[list[int], bool]:
    """Galaxies among the first n that are not retired, the best first; and whether others may follow."""
    query = sql.SQL(_TOP_BY_HEAD).format(
        vector=sql.SQL(SEARCH_TYPE), among=_AMONG_ALL if among is None else _AMONG
    )
    rows = connection.execute(query, parameters | {"n": n, "among": among}).fetchall()
    return [int(identity) for identity, is_retired in rows if not is_retired], len(rows) == n
