"""Versions of a task's model: kept with what they learnt from, their scores written whole and swapped in."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import sql
from sqlalchemy import Select, func, insert, select

from catalog.database.binary_copy import Columns, copy_columns
from catalog.database.lock_retry import LOCK_TIMEOUT_MS
from catalog.database.owner import act_as_owner
from catalog.database.statements import run
from catalog.errors import TaskError
from catalog.schema import task_version
from catalog.tasks.tasks import Task, show_task

ScoreChunk = tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32] | None]
"""object_ids (n,), values and uncertainties (n, columns), a column a class that has one; None: unknown."""


@dataclass(frozen=True)
class NewVersion:
    """A model that was learnt.

    Attributes:
        task: The task whose labels it learnt.
        release_id: Number of the release whose vectors it reads.
        method: How it was learnt: head, deep or interest.
        labels_seen: Number of rows of the table `label` from which it learnt.
        model: The model as the encoder wrote it.
        report: How good it is, by name of what was measured.
        refused: Reason why its scores are not to be shown; None where nothing speaks against it.
    """

    task: Task
    release_id: int
    method: str
    labels_seen: int
    model: bytes
    report: dict[str, object]
    refused: str | None = None


@dataclass(frozen=True)
class Version:
    """A model that is kept.

    Attributes:
        version_id: Number of the version among those of all tasks.
        version: Number of the version among those of its task and release, from 1.
        method: How it was learnt: head, deep or interest.
        labels_seen: Number of rows of the table `label` from which it learnt.
        model: The model as the encoder wrote it.
        report: How good it is, by name of what was measured.
        refused: Reason why its scores are not shown; None where nothing speaks against it.
        made_at: Time at which it was stored.
    """

    version_id: int
    version: int
    method: str
    labels_seen: int
    model: bytes
    report: dict[str, object]
    refused: str | None
    made_at: datetime


_COLUMNS = [task_version.c[field.name] for field in fields(Version)]


def list_score_classes(task: Task) -> tuple[int, ...]:
    """The classes that have a column, as the scores' table numbers them: from 1, or 0 for interest."""
    if task.kind == "interest":
        return (0,)
    return (2,) if task.kind == "binary" else tuple(range(1, len(task.classes) + 1))


def publish_version(connection: psycopg.Connection, new: NewVersion, scores: Iterable[ScoreChunk]) -> Version:
    """Keep a version and, unless it is refused, show it, in new columns where the task has none yet.

    The columns come when their scores are there, so nobody sees empty ones. Arguments and errors as
    `write_version` and `show_task` have them.
    """
    with connection.transaction():
        act_as_owner(connection)
        connection.execute("SELECT galcat.prepare_scores(%s)", [new.task.name])
    version = write_version(connection, new, scores)
    if version.refused is None:
        show_task(connection, new.task.name)
    return version


def write_version(connection: psycopg.Connection, new: NewVersion, scores: Iterable[ScoreChunk]) -> Version:
    """Keep a version and, unless it is refused, show its scores in the place of the former ones.

    One transaction: readers see the former column, whole, until the new one is. A version that learnt from
    fewer labels than the one shown, because it took longer, is refused.

    Args:
        connection: Open connection of a login that may act as the owner.
        new: The model and what is known of it.
        scores: Scores of every galaxy of the release, in chunks; not read where the version is refused.

    Raises:
        TaskError: The task's columns were dropped meanwhile.
    """
    with connection.transaction():
        act_as_owner(connection)
        version = _insert(connection, new)
        if version.refused is None:
            _write_scores(connection, new.task, version.version_id, scores)
    if version.refused is None:
        drop_old_scores(connection, new.task)
    return version


def find_current_version(connection: psycopg.Connection, task: Task, release_id: int) -> Version | None:
    """The version that a task's columns show for a release."""
    shown = _of_task(task, release_id).where(task_version.c.is_current)
    row = run(connection, shown).fetchone()
    return None if row is None else Version(*row)


def find_newest_version(connection: psycopg.Connection, task: Task, release_id: int) -> Version | None:
    """The version that was learnt last, shown or not."""
    newest = _of_task(task, release_id).order_by(task_version.c.version.desc()).limit(1)
    row = run(connection, newest).fetchone()
    return None if row is None else Version(*row)


def find_unscored_galaxies(
    connection: psycopg.Connection, task: Task, version: Version, release_id: int
) -> list[int]:
    """Galaxies of the release that came after a version's scores were written."""
    query = sql.SQL(
        "SELECT e.object_id FROM galcat.embedding AS e JOIN galcat.source AS s USING (object_id) "
        "WHERE e.release_id = %s AND NOT s.is_retired AND NOT EXISTS (SELECT FROM galcat.{} AS v "
        "WHERE v.version_id = %s AND v.class = %s AND v.object_id = e.object_id)"
    ).format(sql.Identifier(_table(connection, task)))
    parameters = [release_id, version.version_id, list_score_classes(task)[0]]
    return [int(row[0]) for row in connection.execute(query, parameters)]


def add_scores(
    connection: psycopg.Connection, task: Task, version: Version, scores: Iterable[ScoreChunk]
) -> int:
    """Write scores of galaxies that came later beside those of a shown version, in one transaction."""
    with connection.transaction():
        act_as_owner(connection)
        return _copy(
            connection, _table(connection, task), list_score_classes(task), version.version_id, scores
        )


def drop_old_scores(connection: psycopg.Connection, task: Task) -> None:
    """Drop scores that are not shown any more; where somebody reads them now, the next version will."""
    with suppress(psycopg.errors.LockNotAvailable), connection.transaction():
        act_as_owner(connection)
        connection.execute(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")
        connection.execute("SELECT galcat.drop_old_scores(%s)", [task.name])


def _of_task(task: Task, release_id: int) -> Select[Any]:
    kept = task_version.c
    return select(*_COLUMNS).where(kept.task == task.name, kept.release_id == release_id)


def _insert(connection: psycopg.Connection, new: NewVersion) -> Version:
    there = connection.execute(
        "SELECT to_regclass('galcat.' || galcat.score_table(t.name)) IS NOT NULL, "
        "(SELECT max(n.labels_seen) FROM galcat.task_version AS n "
        "WHERE n.task = t.name AND n.release_id = %s AND n.is_current) "
        "FROM galcat.task AS t WHERE t.name = %s FOR NO KEY UPDATE OF t",
        [new.release_id, new.task.name],
    ).fetchone()
    if there is None or not there[0]:
        raise TaskError(f"the columns of task {new.task.name} were dropped meanwhile: nothing was written")
    refused = new.refused
    if there[1] is not None and int(there[1]) > new.labels_seen:
        refused = f"the version shown has learnt from {there[1]} labels, this one from {new.labels_seen}"
    versions = task_version.c
    before = select(func.coalesce(func.max(versions.version), 0)).where(
        versions.task == new.task.name, versions.release_id == new.release_id
    )
    statement = insert(task_version).values(
        task=new.task.name,
        release_id=new.release_id,
        version=1 + before.scalar_subquery(),
        method=new.method,
        labels_seen=new.labels_seen,
        model=new.model,
        report=new.report,
        refused=refused,
    )
    row = run(connection, statement.returning(*_COLUMNS)).fetchone()
    assert row is not None  # noqa: S101 - RETURNING returns
    return Version(*row)


def _write_scores(
    connection: psycopg.Connection, task: Task, version_id: int, scores: Iterable[ScoreChunk]
) -> None:
    row = connection.execute("SELECT galcat.add_score_partition(%s)", [version_id]).fetchone()
    assert row is not None  # noqa: S101 - a function returns
    _copy(connection, str(row[0]), list_score_classes(task), version_id, scores)
    connection.execute("SELECT galcat.show_version(%s)", [version_id])


def _copy(
    connection: psycopg.Connection,
    table: str,
    classes: tuple[int, ...],
    version_id: int,
    scores: Iterable[ScoreChunk],
) -> int:
    written = 0
    with connection.cursor() as cursor:
        for ids, values, uncertainties in scores:
            for i, place in enumerate(classes):
                columns: Columns = {
                    "version_id": np.full(len(ids), version_id, np.int32),
                    "class": np.full(len(ids), place, np.int16),
                    "object_id": ids,
                    "value": np.ascontiguousarray(values[:, i], np.float32),
                }
                if uncertainties is not None:
                    columns["uncertainty"] = np.ascontiguousarray(uncertainties[:, i], np.float32)
                copy_columns(cursor, sql.Identifier("galcat", table), columns)
            written += len(ids)
    return written


def _table(connection: psycopg.Connection, task: Task) -> str:
    row = connection.execute("SELECT galcat.score_table(%s)", [task.name]).fetchone()
    assert row is not None  # noqa: S101 - the task is there
    return str(row[0])
