"""Commands for answers to a task: say, list, withdraw, compare them, and move those of retired galaxies."""

import getpass
from dataclasses import astuple
from typing import Annotated

import typer

from catalog.constants import NEAR_ARCSEC
from catalog.result import Result
from catalog.tasks.retired_labels import RetiredLabel, adopt_retired_labels, list_retired_labels
from catalog.tasks.tasks import find_task
from galcat.cli.console import log
from galcat.cli.open_catalogue import open_as_reader, open_to_write
from galcat.cli.options import Format, Labeller, OneALine, Output, TaskName, Wide
from galcat.cli.tables import Layout, check_format, show
from galcat.cli.typed_answers import store_answers
from galcat.errors import WorkflowError

# What only some of the commands need is imported in them: the help is shown without it.
answers = typer.Typer()

RETIRED_COLUMNS = ("retired", "answer", "labeller", "labelled_at", "object_id", "distance_arcsec", "remark")
Radius = Annotated[
    float, typer.Option(min=0, help="How near to the retired galaxy another must be, in arcseconds.")
]


@answers.command()
def say(
    name: TaskName,
    answers: Annotated[list[str], typer.Argument(metavar="ID=ANSWER", help="As many as you like.")],
    labeller: Labeller = None,
) -> None:
    """Label galaxies by hand: by object_id, or by the numbers of the last `galcat tasks next`.

    For example:

    * `galcat tasks say ring 1=yes 2=no`
    * `galcat tasks say ring 1187327949861998747=yes 7551718601018433838=no`
    """
    with open_to_write() as connection:
        store_answers(connection, find_task(connection, name), answers, labeller, "tasks")


@answers.command()
def labels(
    name: TaskName,
    who: Annotated[str | None, typer.Option("--who", help="Of this person alone.")] = None,
    output_format: Format = "table",
    output: Output = None,
    wide: Wide = False,
    one_a_line: OneALine = False,
) -> None:
    """List what people say of a task's galaxies today: who, what and when.

    `galcat label` reads the file that it writes: nothing is lost, but letters beyond ASCII in FITS.

    Example: `galcat tasks labels ring -o rings.csv`
    """
    from catalog.tasks.labels import list_labels  # noqa: PLC0415 - numpy, which the help needs not

    check_format(output_format, output)
    with open_as_reader() as connection:
        found = list_labels(connection, find_task(connection, name), who)
    first = ("object_id", "answer", "rating", "labeller", "labelled_at")
    show(found, output_format, output, Layout(wide, one_a_line, first))


@answers.command()
def withdraw(
    name: TaskName,
    object_ids: Annotated[list[int], typer.Argument(metavar="OBJECT_ID", help="As many as you like.")],
    labeller: Labeller = None,
) -> None:
    """Take your labels of some galaxies back; the history keeps that they were said.

    Example: `galcat tasks withdraw ring 1187327949861998747`
    """
    from catalog.tasks.labels import withdraw_labels  # noqa: PLC0415 - numpy, which the help needs not

    who = labeller or getpass.getuser()
    with open_to_write() as connection:
        task = find_task(connection, name)
        gone = withdraw_labels(connection, task, object_ids, who, "tasks")
    log.print(f"{len(gone)} labels of {who} taken back", soft_wrap=True)
    others = [str(identity) for identity in object_ids if identity not in gone]
    if others:
        raise WorkflowError(f"{who} has no label of {', '.join(others)}: see galcat tasks labels {name}")


@answers.command()
def agreement(name: TaskName, output_format: Format = "table", output: Output = None) -> None:
    """List how many galaxies each person labelled, and how often others and the gold standard say the same.

    The gold standard is what the labeller `gold` says: `galcat label ring gold.csv --labeller gold`. Ratings
    within one of each other count as the same.

    Example: `galcat tasks agreement ring`
    """
    from catalog.tasks.agreement import read_scores  # noqa: PLC0415 - as the other commands

    check_format(output_format, output)
    with open_as_reader() as connection:
        scores = read_scores(connection, find_task(connection, name))
    columns = ("labeller", "said", "pairs", "agreeing", "gold", "gold_right")
    show(Result(columns, [astuple(score) for score in scores]), output_format, output)


@answers.command("retired")
def list_retired(
    name: TaskName,
    radius_arcsec: Radius = NEAR_ARCSEC,
    output: Output = None,
    wide: Wide = False,
    one_a_line: OneALine = False,
) -> None:
    """List the labels of retired galaxies, and the galaxy that lies there now, if one does.

    A galaxy is retired when its survey lists it no longer, such as after a change of ids.

    Example: `galcat tasks retired ring`
    """
    check_format("table", output)
    with open_as_reader() as connection:
        find_task(connection, name)
        labels = list_retired_labels(connection, name, radius_arcsec)
    rows: list[tuple[object, ...]] = [_retired_row(label) for label in labels]
    first = ("retired", "answer", "object_id", "remark")
    show(Result(RETIRED_COLUMNS, rows), output=output, layout=Layout(wide, one_a_line, first))
    n = sum(label.adopter is not None for label in labels)
    log.print(
        f"{len(labels)} labels of retired galaxies; {n} can be copied to the galaxy that lies there now, "
        f"by galcat tasks adopt {name}",
        soft_wrap=True,
    )


@answers.command()
def adopt(name: TaskName, radius_arcsec: Radius = NEAR_ARCSEC) -> None:
    """Copy the labels that `galcat tasks retired` offers, in their labellers' names and with their times.

    A label is copied where exactly one galaxy lies within the radius, of which its labeller has said nothing.
    The labels of the retired galaxies stay.

    Example: `galcat tasks adopt ring`
    """
    with open_to_write() as connection:
        find_task(connection, name)
        adopted = adopt_retired_labels(connection, name, radius_arcsec)
    log.print(f"{len(adopted)} labels of {name} copied to galaxies that are there now", soft_wrap=True)


def _retired_row(label: RetiredLabel) -> tuple[object, ...]:
    if label.n_near > 1:
        remark = f"{label.n_near} galaxies within the radius"
    elif label.live_id is None:
        remark = "no galaxy within the radius"
    else:
        remark = f"{label.labeller} has labelled it too" if label.is_said else "can be copied"
    when = f"{label.labelled_at:%Y-%m-%d %H:%M}"
    distance = label.distance_arcsec
    shown = None if distance is None else round(distance, 3)
    return label.object_id, label.value, label.labeller, when, label.live_id, shown, remark
