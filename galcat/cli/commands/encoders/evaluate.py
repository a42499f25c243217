"""The commands that measure encoders: evaluate, evaluate tasks."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from galcat.cli.command_group import CommandGroup
from galcat.cli.console import log, mark_line, out, progress_bar
from galcat.cli.options import Device, Threads

if TYPE_CHECKING:
    import pandas as pd

app = typer.Typer()
group = typer.Typer(cls=CommandGroup, invoke_without_command=True, rich_markup_mode="markdown")
app.add_typer(group, name="evaluate")


@group.callback()
def evaluate(
    context: typer.Context,
    data: Annotated[
        Path | None,
        typer.Option(help="Folder with gz2_votes/, gz1_classes/, efigi/ and others; needed."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder to write into; needed.")
    ] = None,
    weights: Annotated[Path | None, typer.Option(help="Encoder weights; without it, those shipped.")] = None,
    against: Annotated[
        list[Path] | None, typer.Option(help="Other weights to compare with; may be given several times.")
    ] = None,
    views: Annotated[
        int | None, typer.Option(help="Views that every encoder averages, 1 or 8; without it, the release's.")
    ] = None,
    deep: Annotated[
        bool,
        typer.Option(
            "--deep", help="Also tune each network's last blocks on the few labels: takes hours on a CPU."
        ),
    ] = False,
    simulated: Annotated[int, typer.Option(help="Galaxies of each simulated set.", min=0)] = 500,
    baselines: Annotated[
        bool,
        typer.Option(
            "--baselines/--no-baselines",
            help="Also measure the network as ImageNet left it, and untrained: more than half of the time.",
        ),
    ] = True,
    threads: Threads = None,
    device: Device = None,
) -> None:
    """Measure an encoder beside ImageNet, an untrained network and other releases.

    Vote fractions on real and simulated galaxies with their calibration and learning curves, classes, edge-on
    disks, search by example, rings from few labels, number of components and a map: PNG figures, CSV tables,
    `evaluation.json`, and `report.md` for the model card. Real votes are judged by heads fitted as the
    release's is, on other galaxies. What data are missing is said and left out. Vectors are kept in the
    output folder, so a run that was killed goes on.

    In the folder of --data: gz2_votes/, gz1_classes/, efigi/, gz_decals_rings/, gz_decals_dr5_fixture/,
    decals_fits/, votes/.

    Example: `galcat evaluate --weights new.safetensors --against old.safetensors --data data -o report`
    """
    if context.invoked_subcommand:
        _refuse_options(context)
        return
    if data is None:
        raise typer.BadParameter(
            "it is needed: the folder of real galaxies to measure on, with gz2_votes/, efigi/ or others that "
            "--help names",
            param_hint="--data",
        )
    if output is None:
        raise typer.BadParameter("it is needed: the folder to write into", param_hint="--output")
    import torch  # noqa: PLC0415 - takes seconds

    from encoder.evaluation.evaluate import evaluate as evaluate_encoder  # noqa: PLC0415
    from encoder.model.views import VIEW_SETS  # noqa: PLC0415

    if views not in {None, *VIEW_SETS}:
        raise typer.BadParameter(f"--views {views} is not one of {VIEW_SETS}")
    if threads is not None:
        torch.set_num_threads(threads)
    with progress_bar() as progress:
        done = evaluate_encoder(
            weights,
            data,
            output,
            against=against or (),
            views=views,
            deep=deep,
            simulated=simulated,
            baselines=baselines,
            device=device,
            progress=progress,
        )
    out.print(_summary(done.summary))
    _say(done.notes, done.skipped, done.files, output, "report.md")


@group.command()
def tasks(
    data: Annotated[Path, typer.Option(help="Folder with efigi/, gz_decals_rings/.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write into.")],
    weights: Annotated[Path | None, typer.Option(help="Encoder weights; without it, those shipped.")] = None,
    undisturbed: Annotated[
        Path | None,
        typer.Option(
            help="Weights trained without perturbations, mergers and irregular galaxies, to search for those."
        ),
    ] = None,
    deep: Annotated[
        bool, typer.Option("--deep", help="Also tune networks on the few labels: takes hours on a CPU.")
    ] = False,
    simulated: Annotated[
        int, typer.Option(help="Galaxies of the simulated survey; 0 for none.", min=0)
    ] = 20_000,
    threads: Threads = None,
    device: Device = None,
) -> None:
    """Measure what a person finds with few ratings and learns from few labels.

    Anomalies of EFIGI and of a simulated survey, found by rating 200 galaxies, beside Astronomaly, ImageNet
    and others; rings from 5 to 197 labels a class: figures, CSV tables, and `tasks.md`. What is missing is
    said and left out. Give it the output folder of `galcat evaluate`, and no galaxy is encoded twice.

    Example: `galcat evaluate tasks --data data --undisturbed undisturbed.safetensors -o report`
    """
    import torch  # noqa: PLC0415 - takes seconds

    from encoder.evaluation.anomalies.task_run import Protocol  # noqa: PLC0415
    from encoder.evaluation.evaluate_tasks import evaluate_tasks  # noqa: PLC0415
    from encoder.evaluation.figures.tuned_few_labels import REPEATS  # noqa: PLC0415

    if threads is not None:
        torch.set_num_threads(threads)
    protocol = Protocol(simulated=simulated, deep_splits=REPEATS if deep else 0)
    with progress_bar() as progress:
        done = evaluate_tasks(
            weights,
            data,
            output,
            undisturbed=undisturbed,
            protocol=protocol,
            device=device,
            progress=progress,
        )
    out.print(_targets(done.targets))
    _say(done.notes, done.skipped, done.files, output, "tasks.md")


def _refuse_options(context: typer.Context) -> None:
    """Options before a sub-command would be lost without a word."""
    for name in context.params:
        source = context.get_parameter_source(name)
        if source and source.name != "DEFAULT":
            after = f"evaluate {context.invoked_subcommand}"
            raise typer.BadParameter(f"it must come after '{after}'", param_hint=f"--{name}")


def _targets(targets: "pd.DataFrame") -> Table:
    """A line a target."""
    table = Table("question", "target", "measured", "wanted", "reached")
    for row in targets.itertuples():
        reached = "yes" if row.reached else "no"
        table.add_row(str(row.question), str(row.target), f"{row.value:.2f}", f"{row.wanted:.2f}", reached)
    return table


def _say(
    notes: Sequence[str], skipped: Sequence[str], files: Sequence[Path], output: Path, report: str
) -> None:
    for note in notes:
        log.print(mark_line("note:", "yellow", note), soft_wrap=True)
    for reason in skipped:
        log.print(mark_line("skipped:", "yellow", reason), soft_wrap=True)
    log.print(f"wrote {len(files)} files into {output!s}, read {report}", soft_wrap=True)


def _summary(summary: "pd.DataFrame") -> Table:
    """A column an encoder, a line a figure."""
    table = Table("", *summary["encoder"].tolist())
    for column in summary.columns.drop("encoder"):
        values = [_number(value) for value in summary[column]]
        table.add_row(column, *values)
    return table


def _number(value: float) -> str:
    if math.isnan(value):
        return ""
    return f"{value:g}" if float(value).is_integer() else f"{value:.3f}"
