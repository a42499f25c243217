"""Tasks whose columns are behind: labels or galaxies have come since, and then it was quiet."""

from dataclasses import dataclass
from typing import LiteralString

import psycopg

QUIET_S = 60
"""Seconds without a new label or tile, after which a task is due: people label in series."""
MAX_WAIT_S = 600
"""Seconds after the first new label, after which it is due however fast labels go on coming."""

_STALE: LiteralString = """
    WITH ingested AS (
        SELECT max(i.finished_at) AS at FROM galcat.ingestion AS i
        WHERE i.release_id = (SELECT galcat.current_release()) AND i.state = 'done'),
    learnt AS (
        SELECT n.task, max(n.labels_seen) AS labels, max(n.made_at) AS at FROM galcat.task_version AS n
        WHERE n.release_id = (SELECT galcat.current_release()) GROUP BY 1),
    said AS (
        SELECT l.task, count(*) AS labels, max(l.labelled_at) AS last,
            min(l.labelled_at) FILTER (WHERE l.labelled_at > coalesce(k.at, '-infinity')) AS first_new
        FROM galcat.label AS l LEFT JOIN learnt AS k USING (task) GROUP BY 1)
    SELECT t.name, s.labels, g.at
    FROM galcat.task AS t
    JOIN said AS s ON s.task = t.name
    CROSS JOIN ingested AS g
    LEFT JOIN learnt AS k ON k.task = t.name
    WHERE NOT t.is_dropped AND (t.kind <> 'interest' OR t.has_column)
        AND (
            s.labels > coalesce(k.labels, 0) AND (
                s.last < clock_timestamp() - make_interval(secs => %(quiet)s)
                OR s.first_new < clock_timestamp() - make_interval(secs => %(max_wait)s))
            OR t.has_column AND k.at < g.at
                AND g.at < clock_timestamp() - make_interval(secs => %(quiet)s))
    ORDER BY t.task_id
"""


@dataclass(frozen=True)
class StaleTask:
    """A task to learn, or to score new galaxies of.

    Attributes:
        name: Name of the task.
        state: Text that tells what it has not learnt yet; it stays the same until something new comes.
    """

    name: str
    state: str


def stale_tasks(
    connection: psycopg.Connection, quiet_s: float = QUIET_S, max_wait_s: float = MAX_WAIT_S
) -> list[StaleTask]:
    """Tasks that are behind, the oldest first; of those with ratings, the ones that have a column.

    Args:
        connection: Open connection to the catalogue.
        quiet_s: Seconds that must have passed since the last label, or tile.
        max_wait_s: Seconds since the first new label after which a task counts though labels still come.
    """
    parameters = {"quiet": quiet_s, "max_wait": max_wait_s}
    rows = connection.execute(_STALE, parameters).fetchall()
    return [
        StaleTask(name, f"{labels}/{at:%Y%m%dT%H%M%S.%f}" if at else str(labels)) for name, labels, at in rows
    ]
