"""Commands for personal anomalies: rate ten galaxies, get ten better ones, as often as you like."""

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from catalog.result import Result
from catalog.tasks.tasks import Task, add_task, find_task, list_tasks
from galcat.cli.command_group import CommandGroup
from galcat.cli.console import count_galaxies, log
from galcat.cli.last_batch import keep_batch
from galcat.cli.open_catalogue import catalogue_url, open_as_reader, open_to_write
from galcat.cli.options import Format, Labeller, Number, OneALine, Output, Sheet, TaskName, Wide, unused_file
from galcat.cli.tables import Layout, check_format, show, show_galaxies
from galcat.cli.typed_answers import store_answers
from galcat.errors import WorkflowError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psycopg

    from catalog.tasks.anomaly_rounds import AnomalyRound, Offer

# What only some of the commands need is imported in them: the help is shown without it.
app = typer.Typer()
anomalies = typer.Typer(cls=CommandGroup, invoke_without_command=True, rich_markup_mode="markdown")
app.add_typer(
    anomalies,
    name="anomalies",
    help="Find what you find interesting: rate ten galaxies 0 to 5, get ten better ones.\n\n"
    "Without a command: the list of searches and how far they are.",
)


@anomalies.callback()
def list_searches(context: typer.Context, wide: Wide = False, one_a_line: OneALine = False) -> None:
    """List the searches and how far they are."""
    if context.invoked_subcommand is not None:
        return
    from catalog.tasks.anomaly_rounds import find_last_round  # noqa: PLC0415

    with open_as_reader() as connection:
        rows: list[tuple[object, ...]] = []
        for state in list_tasks(connection):
            if state.task.kind == "interest":
                made = find_last_round(connection, state.task)
                counts = (made.round if made else 0, state.galaxies, len(_open(made)) if made else 0)
                rows.append((state.task.name, state.task.question, state.owner, *counts))
    layout = Layout(wide, one_a_line, ("search", "rounds", "rated", "waiting", "owner"))
    show(Result(("search", "question", "owner", "rounds", "rated", "waiting"), rows), layout=layout)


@anomalies.command()
def new(
    name: TaskName,
    question: Annotated[str, typer.Option(help="What you look for.")] = "How interesting is it?",
) -> None:
    """Begin a search of your own.

    Example: `galcat anomalies new odd`
    """
    task = Task(name, question, "interest", ())
    with open_to_write() as connection:
        is_new = add_task(connection, task, getpass.getuser())
    what = "is there now" if is_new else "was there already"
    log.print(f"search {name} {what}; look at galaxies by galcat anomalies next {name}", soft_wrap=True)


@anomalies.command("next")
def next_batch(
    name: TaskName,
    sheet: Annotated[
        Path | None,
        typer.Option(help="Contact sheet to draw, PNG.", show_default="NAME_next_001.png and so on"),
    ] = None,
    strangest: Annotated[
        bool, typer.Option("--strangest", help="Begin with the highest anomaly_score, not at random.")
    ] = False,
) -> None:
    """Show the ten galaxies to rate next, on a contact sheet; the same ones until all are rated.

    Example: `galcat anomalies next odd --sheet next.png`
    """
    from galcat.workflows.tasks.anomaly_round import open_next_round  # noqa: PLC0415 - torch takes seconds

    with open_to_write() as connection:
        with count_galaxies() as progress:
            made = open_next_round(catalogue_url(), name, strangest_first=strangest, progress=progress)
        waiting = _open(made)
        sheet = sheet or unused_file(f"{name}_next", ".png")
        _show(connection, waiting, sheet, numbered=True)
    keep_batch(name, [offer.object_id for offer in waiting])
    example = " ".join(
        f"{number}={score}" for number, score in zip(range(1, len(waiting) + 1), (4, 0), strict=False)
    )
    log.print(
        f"round {made.round}, after {made.ratings} ratings: {len(waiting)} galaxies to rate, "
        f"drawn in {sheet}; rate them 0 to 5 by galcat anomalies rate {name} {example} ...",
        soft_wrap=True,
    )


@anomalies.command()
def rate(
    name: TaskName,
    ratings: Annotated[
        list[str],
        typer.Argument(metavar="ID=SCORE", help="As many as you like; 0 is dull, 5 is the best."),
    ],
    labeller: Labeller = None,
) -> None:
    """Rate galaxies, those that were offered or any others.

    Example: `galcat anomalies rate odd 1187327949861998747=4.5 7551718601018433838=0`
    """
    from catalog.tasks.anomaly_rounds import find_last_round  # noqa: PLC0415

    with open_to_write() as connection:
        task = _search(find_task(connection, name))
        store_answers(connection, task, ratings, labeller, "anomalies")
        made = find_last_round(connection, task)
    waiting = len(_open(made)) if made else 0
    then = (
        f"{waiting} of round {made.round} wait"
        if made and waiting
        else f"galcat anomalies next {name} has new ones"
    )
    log.print(then, soft_wrap=True)


@anomalies.command()
def best(
    name: TaskName,
    n: Number = 20,
    unrated: Annotated[bool, typer.Option("--unrated", help="Leave out what is rated.")] = False,
    sheet: Sheet = None,
    output_format: Format = "table",
    output: Output = None,
) -> None:
    """Show the galaxies that should interest you most, as of the last round (10,000 are kept).

    Example: `galcat anomalies best odd --unrated --sheet best.png`
    """
    from catalog.tasks.anomaly_rounds import read_top_list  # noqa: PLC0415

    check_format(output_format, output)
    with open_as_reader() as connection:
        task = _search(find_task(connection, name))
        found = read_top_list(connection, task, n, unrated=unrated)
        if not found:
            raise WorkflowError(
                f"search {name} has no list yet: rate a round, then galcat anomalies next {name}"
            )
        _show(connection, found, sheet, output_format, output)


@anomalies.command()
def score(
    name: TaskName,
    object_ids: Annotated[list[int], typer.Argument(metavar="OBJECT_ID", help="As many as you like.")],
) -> None:
    """Say how interesting some galaxies should be, by all ratings so far.

    Example: `galcat anomalies score odd 1187327949861998747`
    """
    from galcat.workflows.tasks.anomaly_round import predict_ratings, read_session  # noqa: PLC0415 - torch takes seconds

    with open_as_reader() as connection:
        session = read_session(connection, name)
        expected = predict_ratings(session, session.fit_interest(), connection, object_ids)
        unknown = set(object_ids) - {offer.object_id for offer in expected}
        if unknown:
            raise WorkflowError(f"no galaxy has object_id {min(unknown)}")
        _show(connection, expected, None)


@anomalies.command()
def column(name: TaskName) -> None:
    """Write the expected rating of every galaxy into a column of galcat.galaxy, NAME_interest.

    Example: `galcat anomalies column odd`
    """
    from galcat.workflows.tasks.interest_column import write_interest  # noqa: PLC0415 - torch takes seconds

    with open_to_write(), count_galaxies() as progress:
        done = write_interest(catalogue_url(), name, progress=progress)
    log.print(
        f"search {name}, version {done.version.version}: {done.galaxies} galaxies scored",
        soft_wrap=True,
    )


def _show(
    connection: "psycopg.Connection",
    offers: "Sequence[Offer]",
    sheet: Path | None,
    output_format: str = "table",
    output: Path | None = None,
    *,
    numbered: bool = False,
) -> None:
    values: dict[int, tuple[object, ...]] = {
        one.object_id: (one.interest, one.uncertainty, one.expected_improvement) for one in offers
    }
    names = ("interest", "uncertainty", "expected_improvement")
    captions = ["" if one.interest is None else f"interest {one.interest:.2f}" for one in offers]
    show_galaxies(connection, values, names, captions, sheet, output_format, output, numbered=numbered)


def _open(made: "AnomalyRound") -> "list[Offer]":
    return [offer for offer in made.offers if offer.object_id not in made.rated]


def _search(task: Task) -> Task:
    if task.kind != "interest":
        raise WorkflowError(f"task {task.name} has the classes {', '.join(task.classes)}: see galcat tasks")
    return task
