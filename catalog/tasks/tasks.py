"""Tasks: questions that people answer of galaxies, and their columns in galcat.galaxy."""

import re
from dataclasses import dataclass
from typing import Literal

import psycopg

from catalog.database.lock_retry import LOCK_TIMEOUT_MS, retry_on_lock
from catalog.database.owner import act_as_owner
from catalog.errors import TaskError

Kind = Literal["binary", "classes", "interest"]
MAX_NAME_LENGTH = 30
YES_OR_NO = ("no", "yes")
_MAX_COLUMN_NAME_LENGTH = 63  # of Postgres
_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Task:
    """A question that people answer of galaxies.

    Attributes:
        name: A word: small letters, digits and _, not beginning with a digit.
        question: The question as people are asked it.
        kind: binary (the second class is what has a column), classes (three or more), or interest (0 to 5).
        classes: Names of the answers; empty for interest.
    """

    name: str
    question: str
    kind: Kind
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        _check_name("task", self.name)
        if not self.question.strip():
            raise TaskError(f"task {self.name} asks nothing: give a question")
        for name in self.classes:
            _check_name(f"class of task {self.name}", name)
            if self.classes.count(name) > 1:
                raise TaskError(f"task {self.name}: class {name} is given twice")
            if len(f"{self.name}_{name}_uncertainty") > _MAX_COLUMN_NAME_LENGTH:
                raise TaskError(
                    f"task {self.name}: with class {name} its column's name is too long: shorten one"
                )


@dataclass(frozen=True)
class TaskState:
    """A task and how far it is.

    Attributes:
        task: The task that this is the state of.
        owner: Name of the person who made it.
        has_column: Whether galcat.galaxy has columns of it.
        labels: Number of rows of the table `label`, with those that later ones replace.
        galaxies: Number of galaxies that somebody has labelled and that are in their survey.
        retired: Number of galaxies that somebody has labelled and that are retired: nothing learns from them.
        per_class: Number of galaxies by answer, as people say today; one with two answers counts in both,
            a retired one in none.
        version: Number of the model that is shown for the current release; None where none is.
        labels_seen: Rows of label that the newest model of the current release learnt from, shown or not.
        method: How the model that is shown was learnt: head, deep or interest.
        report: How good that model is, by name of what was measured.
    """

    task: Task
    owner: str
    has_column: bool
    labels: int
    galaxies: int
    retired: int
    per_class: dict[str, int]
    version: int | None
    labels_seen: int | None
    method: str | None
    report: dict[str, object] | None


def make_task(name: str, question: str, classes: tuple[str, ...]) -> Task:
    """A task with classes: two are binary, none are yes or no.

    Raises:
        TaskError: A name is no word, or there is one class alone.
    """
    classes = classes or YES_OR_NO
    if len(classes) == 1:
        raise TaskError(f"task {name} has the one class {classes[0]}: there is nothing to tell apart")
    kind: Kind = "binary" if len(classes) == len(YES_OR_NO) else "classes"
    return Task(name, question, kind, classes)


def add_task(connection: psycopg.Connection, task: Task, owner: str = "") -> bool:
    """Store a task; one that is there already, the same, stays as it is.

    Args:
        connection: Open connection of the writer.
        task: The task to store.
        owner: Name of the person who makes it; empty for the database's login.

    Returns:
        True when it is new.

    Raises:
        TaskError: There is another task of that name.
    """
    added = connection.execute(
        "INSERT INTO galcat.task (name, question, kind, classes, owner) "
        "VALUES (%s, %s, %s, %s, coalesce(nullif(%s, ''), current_user)) "
        "ON CONFLICT (name) DO NOTHING RETURNING task_id",
        [task.name, task.question, task.kind, list(task.classes), owner],
    ).fetchone()
    if added is None and (there := find_task(connection, task.name)) != task:
        classes = ", ".join(there.classes) or "a rating of 0 to 5"
        raise TaskError(f"there is another task {task.name}: {there.question!r}, {classes}")
    return added is not None


def find_task(connection: psycopg.Connection, name: str) -> Task:
    """Look a task up by its name.

    Raises:
        TaskError: There is none; says which there are.
    """
    rows = connection.execute(
        "SELECT name, question, kind, classes FROM galcat.task ORDER BY task_id"
    ).fetchall()
    there = {row[0]: Task(row[0], row[1], row[2], tuple(row[3])) for row in rows}
    if name not in there:
        known = ", ".join(there)
        hint = f"there are: {known}" if known else "there is none yet: galcat tasks add makes one"
        raise TaskError(f"no task is called {name!r}; {hint}")
    return there[name]


def list_tasks(connection: psycopg.Connection) -> list[TaskState]:
    """Every task, the oldest first."""
    rows = connection.execute(_STATES).fetchall()
    return [
        TaskState(
            Task(name, question, kind, tuple(classes)),
            owner,
            has_column,
            labels,
            galaxies,
            retired,
            per_class or {},
            version,
            labels_seen,
            method,
            report,
        )
        for (
            name,
            question,
            kind,
            classes,
            owner,
            has_column,
            labels,
            galaxies,
            retired,
            per_class,
            version,
            labels_seen,
            method,
            report,
        ) in rows
    ]


_STATES = """
    WITH version AS (
        SELECT n.* FROM galcat.task_version AS n
        WHERE n.release_id = (SELECT galcat.current_release())),
    said AS (
        SELECT l.task, l.object_id, l.answer, s.is_retired
        FROM galcat.current_label AS l JOIN galcat.source AS s USING (object_id))
    SELECT t.name, t.question, t.kind, t.classes, t.owner, t.has_column,
        (SELECT count(*) FROM galcat.label AS l WHERE l.task = t.name),
        (SELECT count(DISTINCT l.object_id) FROM said AS l WHERE l.task = t.name AND NOT l.is_retired),
        (SELECT count(DISTINCT l.object_id) FROM said AS l WHERE l.task = t.name AND l.is_retired),
        (SELECT jsonb_object_agg(c.answer, c.galaxies) FROM (
            SELECT l.answer, count(DISTINCT l.object_id) AS galaxies FROM said AS l
            WHERE l.task = t.name AND NOT l.is_retired AND l.answer IS NOT NULL GROUP BY 1) AS c),
        shown.version, newest.labels_seen, shown.method, shown.report
    FROM galcat.task AS t
    LEFT JOIN version AS shown ON shown.task = t.name AND shown.is_current
    LEFT JOIN (SELECT n.task, max(n.labels_seen) AS labels_seen FROM version AS n GROUP BY 1) AS newest
        ON newest.task = t.name
    ORDER BY t.task_id
"""


def show_task(connection: psycopg.Connection, name: str) -> None:
    """Give a task its columns in galcat.galaxy; where it has them, nothing happens.

    Waits for a minute behind readers, never in front of them.

    Raises:
        TaskError: There is no such task, a column of that name is there already, or readers held the view for
            too long. Nothing is changed then.
    """
    if _has_column(connection, name):
        return
    try:
        _change_view(connection, "SELECT galcat.show_task(%s)", name)
    except psycopg.errors.DuplicateColumn as error:
        taken = str(error).splitlines()[0]
        raise TaskError(f"task {name} cannot have its columns in galcat.galaxy: {taken}") from error


def hide_task(connection: psycopg.Connection, name: str) -> bool:
    """Take a task's columns and scores away; its labels and models stay, and `show_task` brings them back.

    Returns:
        True when it had columns.

    Raises:
        TaskError: There is no such task, something needs its columns, or readers held the view for too long.
            Nothing is changed then.
    """
    if not _has_column(connection, name):
        return False
    try:
        _change_view(connection, "SELECT galcat.hide_task(%s)", name)
    except (psycopg.errors.UndefinedColumn, psycopg.errors.DependentObjectsStillExist) as error:
        needed = error.diag.message_detail or error.diag.message_primary or str(error)
        raise TaskError(f"the columns of task {name} are in use: {needed.splitlines()[0]}") from error
    return True


def remove_task(connection: psycopg.Connection, name: str) -> bool:
    """Remove a task that nobody has labelled; one that somebody has stays, for its labels are history.

    Args:
        connection: Open connection of a login that may act as the owner.
        name: Name of the task.

    Returns:
        True when it is gone.

    Raises:
        TaskError: There is no such task.
    """
    find_task(connection, name)
    with connection.transaction():
        act_as_owner(connection)
        gone = connection.execute(
            "DELETE FROM galcat.task AS t WHERE t.name = %s AND NOT t.has_column "
            "AND NOT EXISTS (SELECT FROM galcat.label AS l WHERE l.task = t.name) "
            "AND NOT EXISTS (SELECT FROM galcat.interest_round AS r WHERE r.task = t.name)",
            [name],
        )
        return gone.rowcount > 0


def _change_view(connection: psycopg.Connection, statement: str, name: str) -> None:
    def change() -> None:
        with connection.transaction():
            connection.execute("SET LOCAL ROLE NONE")  # views of others are made again in their names
            connection.execute(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")
            connection.execute(statement.encode(), [name])

    retry_on_lock(change, TaskError)


def _has_column(connection: psycopg.Connection, name: str) -> bool:
    find_task(connection, name)
    row = connection.execute("SELECT has_column FROM galcat.task WHERE name = %s", [name]).fetchone()
    return row is not None and bool(row[0])


def _check_name(role: str, name: str) -> None:
    if not _NAME.fullmatch(name) or len(name) > MAX_NAME_LENGTH:
        raise TaskError(
            f"{role} {name!r} is no name for a column: small letters, digits and _, a letter first, "
            f"{MAX_NAME_LENGTH} at most"
        )
