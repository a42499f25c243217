"""The command that learns a task from its labels: on stored vectors, or with the network itself."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from catalog.result import Result
from catalog.tasks.tasks import find_task
from galcat.cli.console import count_galaxies, log, mark_line
from galcat.cli.open_catalogue import catalogue_url, open_to_write
from galcat.cli.options import TaskName
from galcat.cli.tables import show

if TYPE_CHECKING:
    from encoder.finetuning.report import Epoch
    from galcat.workflows.tasks.learn import LearningResult

app = typer.Typer()


@app.command()
def finetune(
    name: TaskName,
    depth: Annotated[
        int,
        typer.Option(help="Blocks of the network, from its end, that are trained too; -1 for all.", min=-1),
    ] = 0,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="With --depth: the file; without it, TASK.safetensors."),
    ] = None,
    weights: Annotated[
        str, typer.Option(help="With --depth: weights file of the release, where it is not kept.")
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

    For example:

    * `galcat finetune ring`
    * `galcat finetune ring --depth 6 -o ring.safetensors`
    """
    with open_to_write() as connection:
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
        f"task {name}, version {done.version.version}: {_describe_report(done.version.report)}",
        soft_wrap=True,
    )
    if done.version.refused is not None:
        log.print(
            mark_line("not shown:", "red", f"{done.version.refused}; show it by --even-if-worse"),
            soft_wrap=True,
        )
        raise typer.Exit(1)
    what = (
        f"{done.galaxies} galaxies scored"
        if done.is_new
        else f"no new label; {done.galaxies} new galaxies scored"
    )
    log.print(what, soft_wrap=True)


def _learn(name: str, *, even_if_worse: bool) -> "LearningResult":
    from galcat.workflows.tasks.learn import learn  # noqa: PLC0415 - torch takes seconds

    with count_galaxies() as progress:
        return learn(catalogue_url(), name, even_if_worse=even_if_worse, progress=progress)


def _learn_deep(
    name: str, depth: int, output: Path, weights: str, *, even_if_worse: bool
) -> "LearningResult":
    from galcat.workflows.tasks.learn_deep import learn_deep  # noqa: PLC0415 - torch takes seconds

    blocks = None if depth < 0 else depth
    url = catalogue_url()
    done = learn_deep(
        url, name, blocks, output, weights=weights, even_if_worse=even_if_worse, progress=_say_epoch
    )
    log.print(f"wrote {output}; read it by galcat.load_tuned", soft_wrap=True)
    return done


def _compare(name: str, depth: int, weights: str) -> None:
    from galcat.workflows.tasks.learn_deep import compare_methods  # noqa: PLC0415 - torch takes seconds

    def say_skipped(reason: str) -> None:
        log.print(mark_line("skipped:", "yellow", reason), soft_wrap=True)

    blocks = None if depth < 0 else depth
    table = compare_methods(catalogue_url(), name, blocks, say_skipped, weights=weights, progress=_say_epoch)
    rows: list[tuple[object, ...]] = [tuple(row) for row in table.itertuples(index=False)]
    show(Result(tuple(table.columns), rows))


def _say_epoch(epoch: "Epoch") -> None:
    held_out = "" if epoch.held_out_loss is None else f", held out {epoch.held_out_loss:.3f}"
    loss = "" if epoch.loss is None else f"loss {epoch.loss:.3f}"
    log.print(f"{epoch.stage} {epoch.epoch}: {loss}{held_out}", style="dim", soft_wrap=True)


def _describe_report(report: dict[str, object]) -> str:
    """A model's report in a line."""
    figures = [
        f"{title} {value:.3f}"
        for name, title in (("auc", "AUC"), ("accuracy", "balanced accuracy"), ("ece", "calibration error"))
        if isinstance(value := report.get(name), float)
    ]
    measured = f"on labels held out {', '.join(figures)}" if figures else "too few labels to measure it on"
    disagreed = f", people disagree on {n}" if (n := report.get("contradictory")) else ""
    return f"learnt from {report.get('galaxies')} galaxies{disagreed}; {measured}"
