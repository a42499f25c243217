"""Rounds of a personal anomaly search: what was offered to be rated, and what was expected then."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import sql

from catalog.database.binary_copy import copy_columns
from catalog.errors import TaskError
from catalog.releases.releases import Release
from catalog.tasks.tasks import Task

_READ: LiteralString = (
    "SELECT m.object_id, m.anomaly_score "
    "FROM galcat.morphology AS m JOIN galcat.source AS s USING (object_id) "
    "WHERE m.release_id = %(release)s AND NOT s.is_retired AND NOT m.object_id = ANY (%(known)s) "
)
# Ids are hashes: their order, seen from somewhere, is a random one that comes out the same again.
_AT_RANDOM: LiteralString = "ORDER BY m.object_id # hashtextextended(%(task)s, 0), m.object_id LIMIT %(n)s"
_STRANGEST: LiteralString = "ORDER BY m.anomaly_score DESC NULLS LAST, m.object_id LIMIT %(n)s"


@dataclass(frozen=True)
class Offer:
    """A galaxy that a round offers to be rated.

    Attributes:
        object_id: object_id of the galaxy.
        expected_improvement: How far its rating is expected to surpass the best; None for a random galaxy.
        interest: Expected rating, 0 to 5; None for a random galaxy.
        uncertainty: Standard deviation of that expectation; None for a random galaxy.
    """

    object_id: int
    expected_improvement: float | None = None
    interest: float | None = None
    uncertainty: float | None = None


@dataclass(frozen=True)
class TopList:
    """The galaxies of highest expected rating, best first.

    Attributes:
        object_ids: (n,) int64, object_ids of the galaxies.
        interest: (n,) expected rating, 0 to 5.
        uncertainty: (n,) standard deviation of that expectation.
    """

    object_ids: NDArray[np.int64]
    interest: NDArray[np.float32]
    uncertainty: NDArray[np.float32]


@dataclass(frozen=True)
class NewAnomalyRound:
    """What is known when the next galaxies are chosen.

    Attributes:
        release_id: Number of the release whose vectors were compared.
        labels_seen: Number of rows of the table `label` that there were by then.
        ratings: Number of galaxies that were rated by then.
        model: The Gaussian process, as the encoder wrote it; None before the first ratings.
    """

    release_id: int
    labels_seen: int
    ratings: int
    model: bytes | None


@dataclass(frozen=True)
class AnomalyRound:
    """A round that was made.

    Attributes:
        round: Number of the round within its task, from 1.
        release_id: Number of the release whose vectors were compared; None where it was dropped since.
        labels_seen: Number of rows of the table `label` that there were by then.
        ratings: Number of galaxies that were rated by then.
        model: The Gaussian process, as the encoder wrote it; None before the first ratings.
        made_at: Time at which the round was made.
        offers: What it offers, best first, without galaxies that were retired since: nobody can rate them.
        rated: Those of them that somebody has rated since, or before.
    """

    round: int
    release_id: int | None
    labels_seen: int
    ratings: int
    model: bytes | None
    made_at: datetime
    offers: tuple[Offer, ...]
    rated: frozenset[int]

    @property
    def is_open(self) -> bool:
        """Whether a galaxy of it still waits for its rating."""
        return any(offer.object_id not in self.rated for offer in self.offers)


def find_last_round(connection: psycopg.Connection, task: Task) -> AnomalyRound | None:
    """The newest round of a task; None before the first."""
    row = connection.execute(
        "SELECT round, release_id, labels_seen, ratings, model, made_at FROM galcat.interest_round "
        "WHERE task = %s ORDER BY round DESC LIMIT 1",
        [task.name],
    ).fetchone()
    if row is None:
        return None
    number, release_id, labels_seen, ratings, model, made_at = row
    offers = connection.execute(
        "SELECT o.object_id, o.expected_improvement, o.interest, o.uncertainty "
        "FROM galcat.interest_offer AS o JOIN galcat.source AS s USING (object_id) "
        "WHERE o.task = %s AND o.round = %s AND NOT s.is_retired ORDER BY o.place",
        [task.name, number],
    ).fetchall()
    rated = connection.execute(
        "SELECT object_id FROM galcat.current_label WHERE task = %s AND object_id = ANY (%s)",
        [task.name, [offer[0] for offer in offers]],
    ).fetchall()
    return AnomalyRound(
        number,
        release_id,
        labels_seen,
        ratings,
        model,
        made_at,
        offers=tuple(Offer(*offer) for offer in offers),
        rated=frozenset(one[0] for one in rated),
    )


def choose_first_offers(
    connection: psycopg.Connection,
    task: Task,
    release: Release,
    known: NDArray[np.int64],
    n: int,
    *,
    strangest: bool,
) -> list[Offer]:
    """Galaxies to begin with: random ones, always the same of one catalogue and task, or the strangest.

    Args:
        connection: Open connection to the catalogue.
        task: The task that people rate.
        release: The current release, whose galaxies are offered.
        known: (n,) object_ids of galaxies to leave out.
        n: How many galaxies to give.
        strangest: Whether to take the galaxies of largest `anomaly_score` in place of random ones.

    Raises:
        TaskError: The strangest are wanted, and the release has no anomaly_score.
    """
    rows = connection.execute(
        _READ + (_STRANGEST if strangest else _AT_RANDOM),
        {"release": release.release_id, "known": known.tolist(), "task": task.name, "n": n},
    ).fetchall()
    if strangest and rows and rows[0][1] is None:
        raise TaskError(f"release {release.name} has no anomaly_score: begin with random galaxies")
    return [Offer(int(row[0])) for row in rows]


def read_offered_ids(connection: psycopg.Connection, task: Task) -> NDArray[np.int64]:
    """Every galaxy that some round offered, (n,): none is offered twice."""
    rows = connection.execute("SELECT object_id FROM galcat.interest_offer WHERE task = %s", [task.name])
    return np.array([row[0] for row in rows], dtype=np.int64)


def write_round(
    connection: psycopg.Connection,
    task: Task,
    new: NewAnomalyRound,
    offers: Sequence[Offer],
    top: TopList | None,
    after: int,
) -> int:
    """Keep a round, its offers and its top list, in one transaction; older top lists go.

    Args:
        connection: Open connection of the writer.
        task: The task that people rate.
        new: What is known when the galaxies are chosen.
        offers: The galaxies to be rated, best first.
        top: The galaxies of highest expected rating; None before the first ratings.
        after: Number of the round that this one follows, 0 for none.

    Returns:
        The number of the round among those of its task, from 1.

    Raises:
        TaskError: Somebody else made a round meanwhile; nothing is written.
    """
    number = after + 1
    with connection.transaction(), connection.cursor() as cursor:
        made = cursor.execute(
            "INSERT INTO galcat.interest_round (task, round, release_id, labels_seen, ratings, model) "
            "VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (task, round) DO NOTHING RETURNING round",
            [task.name, number, new.release_id, new.labels_seen, new.ratings, new.model],
        ).fetchone()
        if made is None:
            raise TaskError(f"somebody else made round {number} of task {task.name} meanwhile: ask again")
        cursor.executemany(
            "INSERT INTO galcat.interest_offer "
            "(task, round, place, object_id, expected_improvement, interest, uncertainty) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s)",
            [
                (task.name, number, i, o.object_id, o.expected_improvement, o.interest, o.uncertainty)
                for i, o in enumerate(offers, 1)
            ],
        )
        cursor.execute("DELETE FROM galcat.interest_top WHERE task = %s", [task.name])
        if top is not None:
            _write_top(cursor, task, number, top)
    return number


def _write_top(cursor: psycopg.Cursor[tuple[object, ...]], task: Task, number: int, top: TopList) -> None:
    cursor.execute(
        "CREATE TEMPORARY TABLE stage_top "
        "(round integer, place integer, object_id bigint, interest real, uncertainty real) ON COMMIT DROP"
    )
    n = len(top.object_ids)
    columns = {
        "round": np.full(n, number, np.int32),
        "place": np.arange(1, n + 1, dtype=np.int32),
        "object_id": top.object_ids,
        "interest": top.interest,
        "uncertainty": top.uncertainty,
    }
    copy_columns(cursor, sql.SQL("pg_temp.stage_top"), columns)  # type: ignore[arg-type] # any numbers
    cursor.execute(
        "INSERT INTO galcat.interest_top (task, round, place, object_id, interest, uncertainty) "
        "SELECT %s, round, place, object_id, interest, uncertainty FROM pg_temp.stage_top",
        [task.name],
    )


def read_top_list(connection: psycopg.Connection, task: Task, n: int, *, unrated: bool) -> list[Offer]:
    """The first n of a task's top list, without galaxies that were retired since.

    Args:
        connection: Open connection to the catalogue.
        task: The task that people rate.
        n: How many galaxies to give.
        unrated: Whether to leave out galaxies that somebody has rated.
    """
    rows = connection.execute(
        "SELECT t.object_id, NULL, t.interest, t.uncertainty "
        "FROM galcat.interest_top AS t JOIN galcat.source AS s USING (object_id) "
        "WHERE t.task = %(task)s AND NOT s.is_retired "
        "AND NOT (%(unrated)s AND EXISTS (SELECT FROM galcat.current_label AS l "
        "WHERE l.task = t.task AND l.object_id = t.object_id)) ORDER BY t.place LIMIT %(n)s",
        {"task": task.name, "unrated": unrated, "n": n},
    ).fetchall()
    return [Offer(*row) for row in rows]
