"""What tests of tasks share: three tasks, and versions with random scores."""

import numpy as np
import psycopg

from catalog.database.read_only import run_query
from catalog.tasks.model_versions import (
    NewVersion,
    ScoreChunk,
    write_version,
)
from catalog.tasks.tasks import Task, make_task

RING = make_task("ring", "Has it a ring?", ())

KIND = make_task("kind", "What is it?", ("disk", "ball", "other"))

ODD = Task("odd", "How odd is it?", "interest", ())


def columns(connection: psycopg.Connection) -> list[str]:
    return list(run_query(connection, "SELECT * FROM galcat.galaxy LIMIT 0").columns)


def write_random_scores(
    connection: psycopg.Connection, task: Task, seed: int = 0, refused: str | None = None
) -> np.ndarray:
    """A version with random scores of every galaxy, (50, columns); what was written, by object_id."""
    ids = np.array(
        [row[0] for row in connection.execute("SELECT object_id FROM galcat.source ORDER BY 1")], np.int64
    )
    width = len(task.classes) if task.kind == "classes" else 1
    values = np.random.default_rng(seed).random((len(ids), width), np.float32)
    scores: ScoreChunk = (ids, values, values / 10)
    parts = [tuple(column[rows] for column in scores) for rows in (slice(0, 20), slice(20, None))]
    release = connection.execute("SELECT release_id FROM galcat.release WHERE is_current").fetchone()
    assert release is not None
    write_version(connection, NewVersion(task, release[0], "head", 7, b"model", {"auc": 0.9}, refused), parts)  # type: ignore[arg-type]
    return values
