"""Commands that store what people say of galaxies: a table of labels, a free tag."""

import getpass
from pathlib import Path
from typing import Annotated

import typer

from catalog.constants import NEAR_ARCSEC
from catalog.tasks.tasks import find_task
from galcat.cli.console import log, name_rows, print_notes
from galcat.cli.open_catalogue import open_to_write
from galcat.cli.options import DecColumn, Labeller, RaColumn, TaskName
from galcat.errors import WorkflowError

# Reading a table takes longer to import than the help takes to show.
app = typer.Typer()


@app.command()
def label(
    name: TaskName,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Table with object_id, or positions, and an answer a row.")
    ],
    answers: Annotated[str | None, typer.Option("--answers", help="Its column of answers.")] = None,
    ra: RaColumn = None,
    dec: DecColumn = None,
    radius_arcsec: Annotated[
        float, typer.Option(help="How near a galaxy must be to a position.")
    ] = NEAR_ARCSEC,
    labeller: Labeller = None,
) -> None:
    """Store a table of labels: FITS, VOTable, CSV, Parquet, text.

    Galaxies are found by `object_id`, or by position. Rows without a galaxy, or with several, are listed and
    left out, and the exit code is then 1; a wrong answer keeps the whole file out. What somebody said last is
    not said again. A column `labeller` says who labelled, row by row. Then: `galcat finetune TASK`, unless
    `galcat jobs` runs, which does it by itself.

    Example: `galcat label ring rings.csv`
    """
    from catalog.tasks.label_file import read_labels  # noqa: PLC0415
    from catalog.tasks.labels import write_labels  # noqa: PLC0415

    with open_to_write() as connection:
        task = find_task(connection, name)
        read = read_labels(
            connection, task, file, column=answers, ra=ra, dec=dec, radius_arcsec=radius_arcsec
        )
        if labeller and any(label.labeller for label in read.labels):
            raise WorkflowError(
                f"{file}: its column labeller says who labelled: leave out --labeller, or that column"
            )
        new = write_labels(connection, task, read.labels, labeller or getpass.getuser(), file.name)
    log.print(f"{len(read.labels)} rows of {file} are labels of {name}, {new} of them new", soft_wrap=True)
    print_notes(read.notes)
    name_rows(read.unmatched, "no galaxy")
    name_rows(read.ambiguous, "several galaxies, none was taken")
    raise typer.Exit(1 if read.unmatched or read.ambiguous else 0)


@app.command()
def tag(
    word: Annotated[str, typer.Argument(metavar="TAG", help="A word, with or without #.")],
    object_ids: Annotated[list[int], typer.Argument(metavar="OBJECT_ID", help="As many as you like.")],
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Take your own tag off again.")] = False,
    labeller: Labeller = None,
) -> None:
    """Put a free tag on galaxies: no task is needed, and everybody sees it in galcat.current_tag.

    Example: `galcat tag diffuse 1187327949861998747`
    """
    from catalog.tasks.labels import write_tags  # noqa: PLC0415

    with open_to_write() as connection:
        write_tags(connection, object_ids, word, labeller or getpass.getuser(), withdraw=withdraw)
    did = "taken off" if withdraw else "put on"
    log.print(f"#{word.lstrip('#').lower()} {did} {len(object_ids)} galaxies", soft_wrap=True)
