"""How far a task is: what people said so far, what one of them said, and how often they agree."""

from dataclasses import dataclass
from typing import LiteralString

import psycopg

from catalog.tasks.tasks import Task

_COUNTS: LiteralString = (
    "SELECT coalesce(l.answer, round(l.rating)::int::text), count(DISTINCT l.object_id) "
    "FROM galcat.current_label AS l JOIN galcat.source AS s USING (object_id) "
    "WHERE l.task = %(task)s AND NOT s.is_retired GROUP BY 1 ORDER BY 1"
)
_MINE: LiteralString = (
    "SELECT count(*) FROM galcat.current_label WHERE task = %(task)s AND labeller = %(who)s"
)
# Of every two people who said something of a galaxy, how many said the same; ratings agree within one.
_AGREEMENT: LiteralString = (
    "SELECT count(*), count(*) FILTER (WHERE coalesce(a.answer = b.answer, abs(a.rating - b.rating) <= 1)) "
    "FROM galcat.current_label AS a JOIN galcat.current_label AS b USING (task, object_id) "
    "WHERE task = %(task)s AND a.labeller < b.labeller"
)


@dataclass(frozen=True)
class Progress:
    """How far a task is.

    Attributes:
        counts: Number of galaxies by answer, or by rating rounded to a whole number.
        mine: Number of galaxies of which this person said something.
        pairs: Number of pairs of people who said something of the same galaxy.
        agreeing: Number of those pairs who said the same; of ratings, the same within one.
    """

    counts: dict[str, int]
    mine: int
    pairs: int
    agreeing: int

    def as_dict(self) -> dict[str, object]:
        """As plain values for a script."""
        return {"counts": self.counts, "mine": self.mine, "pairs": self.pairs, "agreeing": self.agreeing}


def read_progress(connection: psycopg.Connection, task: Task, name: str) -> Progress:
    """Read how far a task is, for the person of that name; an empty name is nobody."""
    parameters = {"task": task.name, "who": name}
    counts = {str(row[0]): int(row[1]) for row in connection.execute(_COUNTS, parameters)}
    mine = connection.execute(_MINE, parameters).fetchone()
    agreement = connection.execute(_AGREEMENT, parameters).fetchone()
    assert mine is not None  # noqa: S101 - aggregates give a row
    assert agreement is not None  # noqa: S101 - the same
    return Progress(counts, int(mine[0]), int(agreement[0]), int(agreement[1]))
