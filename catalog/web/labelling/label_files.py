"""Labels as files on the page: taken along, and read in the name of who is logged in."""

from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg

from catalog.tap.errors import UsageError
from catalog.tasks.label_file import LabelFile, read_labels
from catalog.tasks.tasks import Task
from catalog.web.labelling.sent_labels import SentLabel, store_together
from catalog.web.labelling.sessions import Sessions, Visitor
from catalog.web.sent_table import MAX_BYTES, name_of_file, read_sent_table
from table_files.limits import TableLimits

MAX_ROWS = 5_000
_LIMITS = TableLimits(bytes=MAX_BYTES, rows=MAX_ROWS)


@dataclass(frozen=True)
class StoredFile:
    """What became of a file of labels.

    Attributes:
        name: What the file is called.
        labels: Number of its rows that are labels of a galaxy.
        new: How many of them were not said already.
        unmatched: Rows, from 1, whose galaxy the catalogue does not have.
        ambiguous: Rows whose position has several galaxies near it.
    """

    name: str
    labels: int
    new: int
    unmatched: list[int]
    ambiguous: list[int]


def store_label_file(
    sessions: Sessions,
    reader: psycopg.Connection,
    visitor: Visitor,
    task: Task,
    content: bytes,
    filename: str,
) -> StoredFile:
    """Read a file as `galcat label` does, and store what it says in the visitor's name.

    Args:
        sessions: The sessions, by whose rights labels are stored.
        reader: A connection that finds the galaxies; only read from.
        visitor: Who is logged in.
        task: The task that the file answers.
        content: Content of the file.
        filename: What its owner calls it.

    Raises:
        UsageError: It is no table of labels, is too large, or speaks for others; nothing is stored then.
        NotAllowedError: The person may not label.
    """
    name = name_of_file(filename)
    read = _read(reader, task, content, name)
    for label in read.labels:
        if label.labeller not in {None, visitor.name}:
            raise UsageError(
                f"{name} has labels of {label.labeller!r}: here you speak for {visitor.name} alone; "
                "galcat label FILE keeps names"
            )
    now = datetime.now(UTC)
    sent = [SentLabel(one.object_id, one.value, one.labelled_at or now) for one in read.labels]
    new = store_together(sessions, visitor, task, sent)
    return StoredFile(name, len(read.labels), new, read.unmatched, read.ambiguous)


def _read(reader: psycopg.Connection, task: Task, content: bytes, name: str) -> LabelFile:
    read = read_sent_table(
        content, name, _LIMITS, "galcat label FILE", lambda path: read_labels(reader, task, path)
    )
    n = len(read.labels) + len(read.unmatched) + len(read.ambiguous)
    if n > MAX_ROWS:
        raise UsageError(f"{name} has {n:,} rows: {MAX_ROWS:,} at most; galcat label FILE takes more")
    return read
