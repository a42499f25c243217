"""Answers as they are typed on a command line: ID=answer, by object_id or by a number on the last sheet."""

import getpass
from collections.abc import Sequence
from typing import TYPE_CHECKING

from galcat.cli.console import log
from galcat.errors import WorkflowError

if TYPE_CHECKING:
    import psycopg

    from catalog.tasks.labels import Label
    from catalog.tasks.tasks import Task

# Labels take longer to import than the help takes to show: they are imported in functions.


def store_answers(
    connection: "psycopg.Connection", task: "Task", words: Sequence[str], labeller: str | None, origin: str
) -> None:
    """Store what the words ID=answer of a command line say, all of them or none.

    Args:
        connection: Open connection as the writer.
        task: The task that is answered.
        words: One ID=answer each; of a task that rates, ID=SCORE.
        labeller: Who says so; None for the account that runs the command.
        origin: Where the labels come from, as the table of labels keeps it.

    Raises:
        WorkflowError: A word is not ID=answer.
        LabelError: An answer is none of the task's, or a galaxy is not there.
    """
    from catalog.tasks.labels import write_labels  # noqa: PLC0415

    labels = [_answer(task, word) for word in words]
    new = write_labels(connection, task, labels, labeller or getpass.getuser(), origin)
    log.print(f"{len(labels)} labels, {new} of them new", soft_wrap=True)


def _answer(task: "Task", word: str) -> "Label":
    from catalog.tasks.label_file import parse_value  # noqa: PLC0415
    from catalog.tasks.labels import Label  # noqa: PLC0415

    identity, equals, value = word.partition("=")
    if not equals or not (identity.isascii() and identity.isdecimal()):
        raise WorkflowError(f"{word!r} is not ID={'SCORE' if task.kind == 'interest' else 'answer'}")
    from galcat.cli.last_batch import find_in_batch  # noqa: PLC0415

    return Label(find_in_batch(task.name, int(identity)), parse_value(task, value))
