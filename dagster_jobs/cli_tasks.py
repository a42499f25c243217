"""Commands for tasks: ask a question, label galaxies, learn the answer for all of them."""

import getpass
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import psycopg
import typer
from rich.markup import escape
from rich.progress import Progress

from catalog import tasks as catalogue_tasks
from catalog.connection import database_url
from catalog.label_file import parse_value, read_labels
from catalog.labels import Said, write_labels, write_tags
from catalog.migrate import migrate
from catalog.result import Result
from catalog.settings import load_settings
from catalog.tasks import Task, TaskState, find_task
from catalog.thumbnails import thumbnails
from dagster_jobs.cli_ingest import PROGRESS_COLUMNS, log
from dagster_jobs.cli_query import NAMED, DecColumn, Format, Output, RaColumn, connected, show
from dagster_jobs.contact_sheet import contact_sheet
from dagster_jobs.errors import JobError
from dagster_jobs.writing import writing

if TYPE_CHECKING:
    from dagster_jobs.learn import Learnt
    from encoder.tuning.report import Epoch

app = typer.Typer()
tasks = typer.Typer(invoke_without_command=True, rich_markup_mode="markdown")
app.add_typer(
    tasks, name="tasks", help="Questions that people answer of galaxies, and the columns learnt from them."
)

Name = Annotated[str, typer.Argument(help="Name of the task.")]
Number = Annotated[int, typer.Option("-n", help="How many galaxies.", min=1)]
Sheet = Annotated[Path | None, typer.Option(help="Contact sheet to draw, PNG.")]
Who = Annotated[
    str | None, typer.Option("--labeller", help="Who says so; without it, your account on this machine.")
]
COLUMNS = ("task", "question", "answers", "labels", "galaxies", "column", "version", "auc", "accuracy", "ece")


@tasks.callback()
def list_tasks(context: typer.Context) -> None:
    """List the tasks: their labels, and how well their columns were learnt (on labels held out)."""
    if context.invoked_subcommand is not None:
        return
    with catalogue() as connection:
        states = catalogue_tasks.tasks(connection)
    show(Result(COLUMNS, [_row(state) for state in states]), "table", None)


@tasks.command()
def add(
    name: Name,
    question: Annotated[str, typer.Option(help="What is asked of a galaxy.")],
    classes: Annotated[
        str,
        typer.Option(
            help="The answers, with commas between; without it, no,yes. Of two the second has a column."
        ),
    ] = "",
) -> None:
    """Ask a new question.

    Examples: `galcat tasks add ring --question "Has it a ring?"` ·
    `galcat tasks add kind --question "What is it?" --classes disk,ball,other`
    """
    task = catalogue_tasks.question_of(name, question, _names(classes))
    with catalogue() as connection:
        is_new = catalogue_tasks.add_task(connection, task, getpass.getuser())
    what = "is there now" if is_new else "was there already"
    then = f"label galaxies by galcat label {name} FILE, or galcat tasks next {name}"
    log.print(escape(f"task {name} {what}: {', '.join(task.classes)}; {then}"), soft_wrap=True)


@tasks.command()
def drop(name: Name) -> None:
    """Take a task's columns and scores away; its labels stay, and `galcat finetune` brings the columns back.

    A task that nobody has labelled goes altogether.

    Example: `galcat tasks drop ring`
    """
    with catalogue() as connection:
        had = catalogue_tasks.hide_task(connection, name)
        is_gone = catalogue_tasks.remove_task(connection, name)
    said = "its columns are gone, its labels stay" if had else "it had no columns, its labels stay"
    log.print(escape(f"task {name}: {'it is gone' if is_gone else said}"), soft_wrap=True)


@tasks.command("next")
def next_galaxies(name: Name, n: Number = 20, sheet: Sheet = None) -> None:
    """Suggest galaxies to label next: those that the model cannot place; random ones before the first model.

    Example: `galcat tasks next ring --sheet next.png`
    """
    from dagster_jobs.suggest import to_label_next  # noqa: PLC0415 - torch takes seconds

    with catalogue() as connection:
        found = to_label_next(connection, name, n)
        values = None if found.probability is None else found.probability.tolist()
        _show_galaxies(connection, found.object_ids.tolist(), found.task, values, sheet, "table", None)
    example = " ".join(f"{identity}={found.task.classes[-1]}" for identity in found.object_ids.tolist()[:2])
    log.print(escape(f"say what they are by galcat tasks say {name} {example} ..."), soft_wrap=True)


@tasks.command()
def say(
    name: Name,
    said: Annotated[list[str], typer.Argument(help="ID=answer, as many as you like.")],
    labeller: Who = None,
) -> None:
    """Label galaxies by hand.

    Example: `galcat tasks say ring 4611686018427387904=yes 4611686018427387907=no`
    """
    store(name, said, labeller, "tasks")


@tasks.command()
def likely(
    name: Name,
    n: Number = 20,
    of_class: Annotated[
        str | None, typer.Option("--class", help="Of several classes, which; of two, the second is meant.")
    ] = None,
    unlabelled: Annotated[bool, typer.Option("--unlabelled", help="Leave out what is labelled.")] = False,
    sheet: Sheet = None,
    output_format: Format = "table",
    output: Output = None,
) -> None:
    """Show the galaxies that are most probable by the labels of this moment, before the column is written.

    By a linear head on stored vectors, whatever the column was learnt with.

    Example: `galcat tasks likely ring -n 100 --sheet rings.png`
    """
    from dagster_jobs.suggest import most_likely  # noqa: PLC0415 - torch takes seconds

    with catalogue() as connection:
        found = most_likely(connection, name, n, of_class, unlabelled=unlabelled)
        values = None if found.probability is None else found.probability.tolist()
        _show_galaxies(
            connection, found.object_ids.tolist(), found.task, values, sheet, output_format, output
        )


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


@app.command()
def finetune(
    name: Name,
    depth: Annotated[
        int,
        typer.Option(help="Blocks of the network, from its end, that are trained too; -1 for all.", min=-1),
    ] = 0,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="With --depth: the file; without it, TASK.safetensors."),
    ] = None,
    weights: Annotated[
        str, typer.Option(help="With --depth: weights file of the release; not needed for those shipped.")
    ] = "",
    compare: Annotated[
        bool,
        typer.Option(
            "--compare", help="Only compare frozen, deep, scratch, ImageNet, on 30 % of the labels."
        ),
    ] = False,
    even_if_worse: Annotated[
        bool,
        typer.Option("--even-if-worse", help="Show the new model though it is worse on the labels."),
    ] = False,
) -> None:
    """Learn a task from its labels, and write its columns in galcat.galaxy for every galaxy.

    On stored vectors: seconds, no image is read again. Where no label came since, nothing is learnt anew.
    With `--depth N` the last N blocks of the network learn too, on the catalogue's pictures and on a GPU
    where there is one: minutes to hours; killed, a second call goes on.

    Examples: `galcat finetune ring` · `galcat finetune ring --depth 6 -o ring.safetensors`
    """
    with catalogue() as connection:
        find_task(connection, name)
    if compare:
        _compare(name, depth, weights)
        return
    if depth:
        done = _learn_deep(
            name, depth, output or Path(f"{name}.safetensors"), weights, even_if_worse=even_if_worse
        )
    else:
        done = _learn(name, even_if_worse=even_if_worse)
    log.print(
        escape(f"task {name}, version {done.version.version}: {_told(done.version.report)}"), soft_wrap=True
    )
    if done.version.refused is not None:
        log.print(
            f"[red]not shown:[/red] {escape(done.version.refused)}; show it by --even-if-worse",
            soft_wrap=True,
        )
        raise typer.Exit(1)
    what = (
        f"{done.galaxies} galaxies scored"
        if done.is_new
        else f"no new label; {done.galaxies} new galaxies scored"
    )
    log.print(escape(what), soft_wrap=True)


def _learn(name: str, *, even_if_worse: bool) -> "Learnt":
    from dagster_jobs.learn import learn  # noqa: PLC0415 - torch takes seconds

    with Progress(*PROGRESS_COLUMNS, console=log, transient=True) as progress:
        bar = progress.add_task("galaxies", total=None)
        return learn(
            database_url(load_settings()),
            name,
            even_if_worse=even_if_worse,
            progress=lambda n: progress.advance(bar, n),
        )


def _learn_deep(name: str, depth: int, output: Path, weights: str, *, even_if_worse: bool) -> "Learnt":
    from dagster_jobs.learn_deep import learn_deep  # noqa: PLC0415 - torch takes seconds

    blocks = None if depth < 0 else depth
    url = database_url(load_settings())
    done = learn_deep(
        url, name, blocks, output, weights=weights, even_if_worse=even_if_worse, progress=_say_epoch
    )
    log.print(escape(f"wrote {output}; read it by encoder.finetune.load_tuned"), soft_wrap=True)
    return done


def _compare(name: str, depth: int, weights: str) -> None:
    from dagster_jobs.learn_deep import compare_methods  # noqa: PLC0415 - torch takes seconds

    def skipped(reason: str) -> None:
        log.print(f"[yellow]skipped:[/yellow] {escape(reason)}", soft_wrap=True)

    blocks = None if depth < 0 else depth
    table = compare_methods(
        database_url(load_settings()), name, blocks, skipped, weights=weights, progress=_say_epoch
    )
    rows: list[tuple[object, ...]] = [tuple(row) for row in table.itertuples(index=False)]
    show(Result(tuple(table.columns), rows), "table", None)


def _say_epoch(epoch: "Epoch") -> None:
    held_out = "" if epoch.held_out_loss is None else f", held out {epoch.held_out_loss:.3f}"
    loss = "" if epoch.loss is None else f"loss {epoch.loss:.3f}"
    log.print(f"{epoch.stage} {epoch.epoch}: {loss}{held_out}", style="dim", soft_wrap=True)


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


def store(name: str, said: Sequence[str], labeller: str | None, origin: str) -> int:
    """Store what was said as ID=answer on the command line, all or nothing; returns how many were new.

    Raises:
        JobError: A word is not ID=answer.
        LabelError: An answer is none of the task's, or a galaxy is not there.
    """
    with catalogue() as connection:
        task = find_task(connection, name)
        labels = [_said(task, word) for word in said]
        new = write_labels(connection, task, labels, labeller or getpass.getuser(), origin)
    log.print(f"{len(labels)} labels, {new} of them new", soft_wrap=True)
    return new


def draw(
    connection: psycopg.Connection, object_ids: list[int], captions: Sequence[str], sheet: Path | None
) -> None:
    """Draw a contact sheet of galaxies, where one is wanted."""
    if sheet is None:
        return
    pictures = thumbnails(connection, object_ids)
    pairs = zip(object_ids, captions, strict=True)
    contact_sheet([(pictures[identity], f"{identity}\n{caption}") for identity, caption in pairs], sheet)


def positions(connection: psycopg.Connection, object_ids: list[int]) -> dict[int, tuple[float, float]]:
    """Right ascension and declination of galaxies, ICRS degrees."""
    rows = connection.execute(
        "SELECT object_id, ra, dec FROM galcat.source WHERE object_id = ANY (%s)", [object_ids]
    )
    return {row[0]: (row[1], row[2]) for row in rows}


def _said(task: Task, word: str) -> Said:
    identity, equals, value = word.partition("=")
    if not equals or not identity.isdecimal():
        raise JobError(f"{word!r} is not ID={'SCORE' if task.kind == 'interest' else 'answer'}")
    return Said(int(identity), parse_value(task, value))


def _show_galaxies(
    connection: psycopg.Connection,
    object_ids: list[int],
    task: Task,
    probability: list[list[float]] | None,
    sheet: Path | None,
    output_format: str,
    output: Path | None,
) -> None:
    places = positions(connection, object_ids)
    names = task.classes[1:] if task.kind == "binary" else task.classes
    first = len(task.classes) - len(names)
    known: list[list[float]] = probability or []
    shown: list[Sequence[float | None]] = [one[first:] for one in known]
    shown = shown or [[None] * len(names)] * len(object_ids)
    rows: list[tuple[object, ...]] = [
        (identity, *places[identity], *values) for identity, values in zip(object_ids, shown, strict=True)
    ]
    show(Result(("object_id", "ra", "dec", *(f"p_{name}" for name in names)), rows), output_format, output)
    captions = [
        " ".join(f"{name} {p:.2f}" for name, p in zip(names, one, strict=True) if p is not None)
        for one in shown
    ]
    draw(connection, object_ids, captions, sheet)


def _row(state: TaskState) -> tuple[object, ...]:
    report = state.report or {}
    answers = ", ".join(f"{name} {state.per_class.get(name, 0)}" for name in state.task.classes) or "0 to 5"
    return (
        state.task.name,
        state.task.question,
        answers,
        state.labels,
        state.galaxies,
        "yes" if state.has_column else "-",
        state.version,
        *(report.get(name) for name in ("auc", "accuracy", "ece")),
    )


def _told(report: dict[str, object]) -> str:
    """A model's report in a line."""
    figures = [
        f"{title} {value:.3f}"
        for name, title in (("auc", "AUC"), ("accuracy", "balanced accuracy"), ("ece", "calibration error"))
        if isinstance(value := report.get(name), float)
    ]
    measured = f"on labels held out {', '.join(figures)}" if figures else "too few labels to measure it on"
    disagreed = f", people disagree on {n}" if (n := report.get("contradictory")) else ""
    return f"learnt from {report.get('galaxies')} galaxies{disagreed}; {measured}"


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())
