"""How far a task is: what people said so far, what one of them said, and how often they agree."""

from dataclasses import dataclass
from typing import LiteralString

import psycopg

from catalog.tasks.agreement import Score, read_scores
from catalog.tasks.tasks import Task

_COUNTS: LiteralString = (
    "SELECT coalesce(l.answer, round(l.rating)::int::text), count(DISTINCT l.object_id) "
    "FROM galcat.current_label AS l JOIN galcat.source AS s USING (object_id) "
    "WHERE l.task = %(task)s AND NOT s.is_retired GROUP BY 1 ORDER BY 1"
)


@dataclass(frozen=True)
class Progress:
    """How far a task is.

    Attributes:
        counts: Number of galaxies by answer, or by rating rounded to a whole number.
        scores: How everybody who answered agrees with the others, who said most first.
        name: Name of the person who looks; empty for nobody.
    """

    counts: dict[str, int]
    scores: list[Score]
    name: str = ""

    @property
    def own(self) -> Score:
        """How the person who looks agrees with the others."""
        return next(
            (one for one in self.scores if one.labeller == self.name), Score(self.name, 0, 0, 0, 0, 0)
        )

    @property
    def mine(self) -> int:
        """Number of galaxies of which this person said something."""
        return self.own.said

    @property
    def pairs(self) -> int:
        """Number of pairs of people who said something of the same galaxy."""
        return sum(one.pairs for one in self.scores) // 2

    @property
    def agreeing(self) -> int:
        """Number of those pairs who said the same; of ratings, the same within one."""
        return sum(one.agreeing for one in self.scores) // 2

    def as_dict(self) -> dict[str, object]:
        """As plain values for a script."""
        return {
            "counts": self.counts,
            "mine": self.mine,
            "pairs": self.pairs,
            "agreeing": self.agreeing,
            "gold": self.own.gold,
            "gold_right": self.own.gold_right,
        }


def read_progress(connection: psycopg.Connection, task: Task, name: str) -> Progress:
    """Read how far a task is, for the person of that name; an empty name is nobody."""
    counts = {str(row[0]): int(row[1]) for row in connection.execute(_COUNTS, {"task": task.name})}
    return Progress(counts, read_scores(connection, task), name)
