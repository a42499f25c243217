"""How people agree: with one another, and with the gold-standard answers of a task."""

from dataclasses import dataclass
from typing import LiteralString

import psycopg

from catalog.tasks.tasks import Task

GOLD = "gold"
"""The labeller whose labels are the gold standard: `galcat label TASK FILE --labeller gold`."""
# Answers agree where they are the same, ratings within one.
_SCORES: LiteralString = """
    WITH said AS MATERIALIZED (
        SELECT l.object_id, l.labeller, l.answer, l.rating FROM galcat.current_label AS l
        WHERE l.task = %(task)s),
    both_said AS (
        SELECT a.labeller, b.labeller = %(gold)s AS is_gold,
            coalesce(a.answer = b.answer, abs(a.rating - b.rating) <= 1) AS is_same
        FROM said AS a JOIN said AS b ON b.object_id = a.object_id AND b.labeller <> a.labeller)
    SELECT s.labeller, count(*),
        (SELECT count(*) FROM both_said AS b WHERE b.labeller = s.labeller AND NOT b.is_gold),
        (SELECT count(*) FROM both_said AS b WHERE b.labeller = s.labeller AND NOT b.is_gold AND b.is_same),
        (SELECT count(*) FROM both_said AS b WHERE b.labeller = s.labeller AND b.is_gold),
        (SELECT count(*) FROM both_said AS b WHERE b.labeller = s.labeller AND b.is_gold AND b.is_same)
    FROM said AS s WHERE s.labeller <> %(gold)s GROUP BY s.labeller ORDER BY count(*) DESC, s.labeller
"""
_UNASKED: LiteralString = """
    SELECT g.object_id FROM galcat.current_label AS g JOIN galcat.source AS s USING (object_id)
    WHERE g.task = %(task)s AND g.labeller = %(gold)s AND NOT s.is_retired AND NOT EXISTS (
        SELECT FROM galcat.current_label AS l
        WHERE l.task = g.task AND l.object_id = g.object_id AND l.labeller = %(who)s)
    ORDER BY md5(%(who)s || ' ' || g.object_id::text)
"""


@dataclass(frozen=True)
class Score:
    """How a person agrees with others on a task.

    Attributes:
        labeller: Name of the person.
        said: Number of galaxies of which the person says something today.
        pairs: Number of times that another person says something of the same galaxy.
        agreeing: How many of those say the same; of ratings, the same within one.
        gold: Number of gold-standard galaxies of which the person says something.
        gold_right: How many of those answers are the gold standard's; of ratings, within one of it.
    """

    labeller: str
    said: int
    pairs: int
    agreeing: int
    gold: int
    gold_right: int


def read_scores(connection: psycopg.Connection, task: Task) -> list[Score]:
    """How everybody who answered a task agrees with the others, who said most first."""
    rows = connection.execute(_SCORES, {"task": task.name, "gold": GOLD}).fetchall()
    return [Score(*row) for row in rows]


def list_unasked_gold(connection: psycopg.Connection, task: Task, name: str) -> list[int]:
    """The gold-standard galaxies of which a person has said nothing, in an order of the person's own."""
    rows = connection.execute(_UNASKED, {"task": task.name, "gold": GOLD, "who": name}).fetchall()
    return [int(row[0]) for row in rows]
