"""Commands for tasks: ask a question, see how far it is, and what to look at next."""

import getpass
from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from catalog.constants import NEAR_ARCSEC
from catalog.result import Result
from catalog.tasks import tasks as catalogue_tasks
from catalog.tasks.retired_labels import (
    RetiredLabel,
    adopt_retired_labels,
    list_retired_labels,
)
from catalog.tasks.tasks import TaskState
from galcat.cli.command_group import CommandGroup
from galcat.cli.console import (
    Format,
    Labeller,
    Number,
    OneALine,
    Output,
    Sheet,
    TaskName,
    Wide,
    log,
    names_in,
    open_as_reader,
    open_to_write,
    store_answers,
)
from galcat.cli.last_batch import keep_batch
from galcat.cli.tables import Layout, check_format, show, show_galaxies
from galcat.errors import WorkflowError

if TYPE_CHECKING:
    import psycopg

    from galcat.workflows.tasks.suggest import Suggestions

app = typer.Typer()
tasks = typer.Typer(cls=CommandGroup, invoke_without_command=True, rich_markup_mode="markdown")
app.add_typer(
    tasks,
    name="tasks",
    help="Questions that people answer of galaxies, and the columns learnt from them.\n\n"
    "Without a command: the list of tasks.",
)

RETIRED_COLUMNS = ("retired", "answer", "labeller", "labelled_at", "object_id", "distance_arcsec", "remark")
Radius = Annotated[
    float, typer.Option(min=0, help="How near to the retired galaxy another must be, in arcseconds.")
]
COLUMNS = (
    "task",
    "question",
    "answers",
    "labels",
    "galaxies",
    "retired",
    "column",
    "version",
    "auc",
    "accuracy",
    "ece",
)
FIRST_COLUMNS = ("task", "answers", "labels", "galaxies", "retired", "column", "auc", "accuracy", "ece")

LEGEND = (
    "answers: galaxies by what people say today. labels: all that was ever said. galaxies: with a label "
    "today. column: whether galcat.galaxy has it, learnt as version. Measured on labels held out: auc 1 "
    "tells all apart, 0.5 guesses; accuracy is the mean share of each answer that is recognised; ece is how "
    "far the probabilities are off, 0 is best."
)


@tasks.callback()
def list_tasks(context: typer.Context, wide: Wide = False, one_a_line: OneALine = False) -> None:
    """List the tasks: their labels, and how well their columns were learnt (on labels held out).

    Answers are counted in galaxies; those that are retired, since their survey lists them no longer, are
    counted apart: nothing learns from them.
    """
    if context.invoked_subcommand is not None:
        return
    with open_as_reader() as connection:
        states = catalogue_tasks.list_tasks(connection)
    layout = Layout(wide, one_a_line, FIRST_COLUMNS)
    show(Result(COLUMNS, [_row(state) for state in states]), layout=layout)
    if states:
        log.print(LEGEND, style="dim")
    for state in states:
        if state.retired:
            name = state.task.name
            text = f"{state.retired} of retired galaxies; galcat tasks retired {name} names those there now"
            log.print(f"task {name}: {text}", soft_wrap=True)


@tasks.command()
def add(
    name: TaskName,
    question: Annotated[str, typer.Option(help="What is asked of a galaxy.")],
    classes: Annotated[
        str,
        typer.Option(
            help="The answers, with commas between; without it, no,yes. Of two the second has a column."
        ),
    ] = "",
) -> None:
    """Ask a new question.

    For example:

    * `galcat tasks add ring --question "Has it a ring?"`
    * `galcat tasks add kind --question "What is it?" --classes disk,ball,other`
    """
    task = catalogue_tasks.make_task(name, question, names_in(classes))
    with open_to_write() as connection:
        is_new = catalogue_tasks.add_task(connection, task, getpass.getuser())
    what = "is there now" if is_new else "was there already"
    then = f"label galaxies by galcat label {name} FILE, or galcat tasks next {name}"
    log.print(f"task {name} {what}: {', '.join(task.classes)}; {then}", soft_wrap=True)


@tasks.command()
def drop(name: TaskName) -> None:
    """Take a task's columns and scores away; its labels stay, and `galcat finetune` brings the columns back.

    A task that nobody has labelled goes altogether.

    Example: `galcat tasks drop ring`
    """
    with open_to_write() as connection:
        had = catalogue_tasks.hide_task(connection, name)
        is_gone = catalogue_tasks.remove_task(connection, name)
    said = "its columns are gone, its labels stay" if had else "it had no columns, its labels stay"
    log.print(f"task {name}: {'it is gone' if is_gone else said}", soft_wrap=True)


@tasks.command("retired")
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
        catalogue_tasks.find_task(connection, name)
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


@tasks.command()
def adopt(name: TaskName, radius_arcsec: Radius = NEAR_ARCSEC) -> None:
    """Copy the labels that `galcat tasks retired` offers, in their labellers' names and with their times.

    A label is copied where exactly one galaxy lies within the radius, of which its labeller has said nothing.
    The labels of the retired galaxies stay.

    Example: `galcat tasks adopt ring`
    """
    with open_to_write() as connection:
        catalogue_tasks.find_task(connection, name)
        adopted = adopt_retired_labels(connection, name, radius_arcsec)
    log.print(f"{len(adopted)} labels of {name} copied to galaxies that are there now", soft_wrap=True)


@tasks.command("next")
def next_galaxies(
    name: TaskName,
    n: Number = 20,
    sheet: Sheet = None,
    wide: Wide = False,
    one_a_line: OneALine = False,
) -> None:
    """Suggest galaxies to label next: those that the model cannot place; random ones before the first model.

    Example: `galcat tasks next ring --sheet next.png`
    """
    from galcat.workflows.tasks.suggest import suggest_labels  # noqa: PLC0415 - torch takes seconds

    with open_as_reader() as connection:
        found = suggest_labels(connection, name, n)
        _show(connection, found, sheet, layout=Layout(wide, one_a_line), numbered=True)
    keep_batch(name, found.object_ids.tolist())
    example = f"1={found.task.classes[-1]} 2={found.task.classes[0]}"
    log.print(
        f"say what they are by their numbers in this order, or by object_id: "
        f"galcat tasks say {name} {example} ...",
        soft_wrap=True,
    )


@tasks.command()
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
        store_answers(connection, catalogue_tasks.find_task(connection, name), answers, labeller, "tasks")


@tasks.command()
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
        found = list_labels(connection, catalogue_tasks.find_task(connection, name), who)
    first = ("object_id", "answer", "rating", "labeller", "labelled_at")
    show(found, output_format, output, Layout(wide, one_a_line, first))


@tasks.command()
def agreement(name: TaskName, output_format: Format = "table", output: Output = None) -> None:
    """List how many galaxies each person labelled, and how often others and the gold standard say the same.

    The gold standard is what the labeller `gold` says: `galcat label ring gold.csv --labeller gold`. Ratings
    within one of each other count as the same.

    Example: `galcat tasks agreement ring`
    """
    from catalog.tasks.agreement import read_scores  # noqa: PLC0415 - as the other commands

    check_format(output_format, output)
    with open_as_reader() as connection:
        scores = read_scores(connection, catalogue_tasks.find_task(connection, name))
    columns = ("labeller", "said", "pairs", "agreeing", "gold", "gold_right")
    show(Result(columns, [astuple(score) for score in scores]), output_format, output)


@tasks.command()
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
        task = catalogue_tasks.find_task(connection, name)
        gone = withdraw_labels(connection, task, object_ids, who, "tasks")
    log.print(f"{len(gone)} labels of {who} taken back", soft_wrap=True)
    others = [str(identity) for identity in object_ids if identity not in gone]
    if others:
        raise WorkflowError(f"{who} has no label of {', '.join(others)}: see galcat tasks labels {name}")


@tasks.command()
def likely(
    name: TaskName,
    n: Number = 20,
    of_class: Annotated[
        str | None, typer.Option("--class", help="Of several classes, which; of two, the second is meant.")
    ] = None,
    unlabelled: Annotated[bool, typer.Option("--unlabelled", help="Leave out what is labelled.")] = False,
    sheet: Sheet = None,
    output_format: Format = "table",
    output: Output = None,
    wide: Wide = False,
    one_a_line: OneALine = False,
) -> None:
    """Show the galaxies that are most probable by the labels of this moment, before the column is written.

    By a linear head on stored vectors, whatever the column was learnt with.

    Example: `galcat tasks likely ring -n 100 --sheet rings.png`
    """
    from galcat.workflows.tasks.suggest import find_most_likely  # noqa: PLC0415 - torch takes seconds

    check_format(output_format, output)
    with open_as_reader() as connection:
        found = find_most_likely(connection, name, n, of_class, unlabelled=unlabelled)
        _show(connection, found, sheet, output_format, output, Layout(wide, one_a_line))


def _show(
    connection: "psycopg.Connection",
    found: "Suggestions",
    sheet: Path | None,
    output_format: str = "table",
    output: Path | None = None,
    layout: Layout | None = None,
    *,
    numbered: bool = False,
) -> None:
    names = found.task.classes[1:] if found.task.kind == "binary" else found.task.classes
    ids = found.object_ids.tolist()
    known = [None] * len(ids) if found.probability is None else found.probability[:, -len(names) :].tolist()
    values = {i: tuple(p or [None] * len(names)) for i, p in zip(ids, known, strict=True)}
    captions = [" ".join(f"{n} {v:.2f}" for n, v in zip(names, p or (), strict=False)) for p in known]
    columns = tuple(f"p_{name}" for name in names)
    show_galaxies(
        connection, values, columns, captions, sheet, output_format, output, layout, numbered=numbered
    )


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


def _row(state: TaskState) -> tuple[object, ...]:
    report = state.report or {}
    answers = ", ".join(f"{name} {state.per_class.get(name, 0)}" for name in state.task.classes) or "0 to 5"
    return (
        state.task.name,
        state.task.question,
        answers,
        state.labels,
        state.galaxies,
        state.retired,
        "yes" if state.has_column else "-",
        state.version,
        *(report.get(name) for name in ("auc", "accuracy", "ece")),
    )
