"""Commands for tasks: ask a question, see how far it is, and what to look at next."""

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from catalog.result import Result
from catalog.tasks import tasks as catalogue_tasks
from catalog.tasks.tasks import TaskState
from galcat.cli.command_group import CommandGroup
from galcat.cli.commands.labelling.tasks.answers import answers
from galcat.cli.console import log
from galcat.cli.last_batch import keep_batch
from galcat.cli.open_catalogue import open_as_reader, open_to_write
from galcat.cli.options import Format, Number, OneALine, Output, Sheet, TaskName, Wide, names_in
from galcat.cli.tables import Layout, check_format, show, show_galaxies

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
tasks.add_typer(answers)

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
