"""Labels of galaxies that their survey no longer lists, and the galaxies that lie there now."""

from dataclasses import dataclass
from datetime import datetime

import psycopg

from catalog.constants import NEAR_ARCSEC

_RETIRED = """
    SELECT l.label_id, l.object_id, l.answer, l.rating, l.labeller, l.labelled_at,
        near.object_id, near.distance_arcsec, coalesce(near.galaxies, 0),
        EXISTS (SELECT FROM galcat.label AS h WHERE h.task = l.task AND h.object_id = near.object_id
            AND h.labeller = l.labeller)
    FROM galcat.current_label AS l
    JOIN galcat.source AS r USING (object_id)
    LEFT JOIN LATERAL (
        SELECT s.object_id, 3600 * galcat.sky_distance(s.ra, s.dec, r.ra, r.dec) AS distance_arcsec,
            count(*) OVER () AS galaxies
        FROM galcat.source AS s
        WHERE NOT s.is_retired AND galcat.cone(s.ra, s.dec, r.ra, r.dec, %(radius)s::double precision / 3600)
        ORDER BY 2, 1 LIMIT 1) AS near ON true
    WHERE l.task = %(task)s AND r.is_retired
    ORDER BY l.label_id
"""


@dataclass(frozen=True)
class RetiredLabel:
    """What a person says of a galaxy that is retired.

    Attributes:
        label_id: Row of the table `label`.
        object_id: object_id of the retired galaxy.
        value: The answer, or the rating.
        labeller: Name of the person who gave the label.
        labelled_at: When it was said.
        live_id: The nearest galaxy within the radius that its survey lists; None where there is none.
        distance_arcsec: How far that lies from the retired one.
        n_near: Number of galaxies within the radius.
        is_said: Whether the person has said something of that galaxy too.
    """

    label_id: int
    object_id: int
    value: str | float
    labeller: str
    labelled_at: datetime
    live_id: int | None
    distance_arcsec: float | None
    n_near: int
    is_said: bool

    @property
    def adopter(self) -> int | None:
        """The galaxy that may take the label; None where there are none or several, or it has one already."""
        return self.live_id if self.n_near == 1 and not self.is_said else None


def list_retired_labels(
    connection: psycopg.Connection, task: str, radius_arcsec: float = NEAR_ARCSEC
) -> list[RetiredLabel]:
    """What people say today of the retired galaxies of a task, the oldest label first.

    Args:
        connection: Open connection to the catalogue.
        task: Name of the task.
        radius_arcsec: How near a galaxy must be to the retired one, in arcseconds.
    """
    rows = connection.execute(_RETIRED, {"task": task, "radius": radius_arcsec}).fetchall()
    return [
        RetiredLabel(label_id, object_id, rating if answer is None else answer, *others)
        for label_id, object_id, answer, rating, *others in rows
    ]


def adopt_retired_labels(
    connection: psycopg.Connection, task: str, radius_arcsec: float = NEAR_ARCSEC
) -> list[RetiredLabel]:
    """Copy labels of retired galaxies to the galaxies that lie there now, where exactly one does.

    Who said it and when is kept; the labels of the retired galaxies stay as they are. What a person has
    said of the galaxy that lies there now is not said over.

    Args:
        connection: Open connection of the writer.
        task: Name of the task.
        radius_arcsec: How near a galaxy must be to the retired one, in arcseconds.

    Returns:
        The labels that were copied.
    """
    with connection.transaction(), connection.cursor() as cursor:
        lock = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"  # two calls copy once
        cursor.execute(lock, [f"galcat/adopt/{task}"])
        adopted = [
            label
            for label in list_retired_labels(connection, task, radius_arcsec)
            if label.adopter is not None
        ]
        cursor.executemany(
            "INSERT INTO galcat.label (task, object_id, answer, rating, labeller, labelled_at, origin) "
            "SELECT l.task, %s, l.answer, l.rating, l.labeller, l.labelled_at, 'retired ' || l.object_id "
            "FROM galcat.label AS l WHERE l.label_id = %s",
            [(label.adopter, label.label_id) for label in adopted],
        )
    return adopted


def count_retired_galaxies(connection: psycopg.Connection, task: str) -> int:
    """The number of retired galaxies that people say something of."""
    row = connection.execute(
        "SELECT count(DISTINCT l.object_id) FROM galcat.current_label AS l "
        "JOIN galcat.source AS s USING (object_id) WHERE l.task = %s AND s.is_retired",
        [task],
    ).fetchone()
    return 0 if row is None else int(row[0])
