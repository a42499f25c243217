"""Commands that store what people say of galaxies: a table of labels, a free tag."""

import getpass
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import psycopg
import typer
from rich.markup import escape

from catalog.database.connection import database_url
from catalog.database.migrate import migrate
from catalog.settings import load_settings
from catalog.tasks.label_file import parse_value, read_labels
from catalog.tasks.labels import Said, write_labels, write_tags
from catalog.tasks.tasks import Task, find_task
from galcat.cli.query import NAMED, DecColumn, RaColumn, connected, log
from galcat.errors import JobError
from galcat.workflows.writing import writing

app = typer.Typer()

Name = Annotated[str, typer.Argument(help="Name of the task.")]
Who = Annotated[
    str | None, typer.Option("--labeller", help="Who says so; without it, your account on this machine.")
]


@app.command()
def label(
    name: Name,
    file: Annotated[Path, typer.Argument(help="Table with object_id, or positions, and an answer a row.")],
    answers: Annotated[str | None, typer.Option("--answers", help="Its column of answers.")] = None,
    ra: RaColumn = None,
    dec: DecColumn = None,
    radius_arcsec: Annotated[float, typer.Option(help="How near a galaxy must be to a position.")] = 3.0,
    labeller: Who = None,
) -> None:
    """Store a table of labels: FITS, VOTable, CSV, Parquet, text.

    Galaxies are found by `object_id`, or by position. Rows without a galaxy, or with several, are listed and
    left out, and the exit code is then 1; a wrong answer keeps the whole file out. What somebody said last is
    not said again. Then: `galcat finetune TASK`, unless `galcat jobs` runs, which does it by itself.

    Example: `galcat label ring rings.csv`
    """
    with catalogue() as connection:
        task = find_task(connection, name)
        read = read_labels(
            connection, task, file, column=answers, ra=ra, dec=dec, radius_arcsec=radius_arcsec
        )
        new = write_labels(connection, task, read.said, labeller or getpass.getuser(), file.name)
    log.print(
        escape(f"{len(read.said)} rows of {file} are labels of {name}, {new} of them new"), soft_wrap=True
    )
    for rows, what in ((read.unmatched, "no galaxy"), (read.ambiguous, "several galaxies, none was taken")):
        if rows:
            named = ", ".join(map(str, rows[:NAMED])) + (", ..." if len(rows) > NAMED else "")
            log.print(f"{what} ({len(rows)}): row {named}", soft_wrap=True)
    raise typer.Exit(1 if read.unmatched or read.ambiguous else 0)


@app.command()
def tag(
    word: Annotated[str, typer.Argument(metavar="TAG", help="A word, with or without #.")],
    object_ids: Annotated[list[int], typer.Argument(help="OBJECT_ID, as many as you like.")],
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Take your own tag off again.")] = False,
    labeller: Who = None,
) -> None:
    """Put a free tag on galaxies: no task is needed, and everybody sees it in galcat.current_tag.

    Example: `galcat tag diffuse 4611686018427387904`
    """
    with catalogue() as connection:
        write_tags(connection, object_ids, word, labeller or getpass.getuser(), withdraw=withdraw)
    did = "taken off" if withdraw else "put on"
    log.print(escape(f"#{word.lstrip('#').lower()} {did} {len(object_ids)} galaxies"), soft_wrap=True)


@contextmanager
def catalogue() -> Iterator[psycopg.Connection]:
    """The catalogue with its schema up to date, as the writer.

    Raises:
        JobError: Nothing has been ingested yet.
    """
    url = database_url(load_settings())
    with connected():
        migrate(url)
    with writing(url) as connection:
        yield connection


def store(
    connection: psycopg.Connection, task: Task, said: Sequence[str], labeller: str | None, origin: str
) -> None:
    """Store what was said as ID=answer on the command line, all or nothing.

    Raises:
        JobError: A word is not ID=answer.
        LabelError: An answer is none of the task's, or a galaxy is not there.
    """
    labels = [_said(task, word) for word in said]
    new = write_labels(connection, task, labels, labeller or getpass.getuser(), origin)
    log.print(f"{len(labels)} labels, {new} of them new", soft_wrap=True)


def _said(task: Task, word: str) -> Said:
    identity, equals, value = word.partition("=")
    if not equals or not identity.isdecimal():
        raise JobError(f"{word!r} is not ID={'SCORE' if task.kind == 'interest' else 'answer'}")
    return Said(int(identity), parse_value(task, value))
