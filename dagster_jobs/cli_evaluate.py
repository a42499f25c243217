"""The command that measures encoders: evaluate."""

import math
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from dagster_jobs.cli_ingest import PROGRESS_COLUMNS, log

app = typer.Typer()


@app.command()
def evaluate(
    data: Annotated[
        Path,
        typer.Option(help="Folder with efigi/, gz_decals_rings/, gz_decals_dr5_fixture/, votes/."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write into.")],
    weights: Annotated[Path | None, typer.Option(help="Encoder weights; without it, those shipped.")] = None,
    against: Annotated[
        list[Path] | None, typer.Option(help="Other weights to compare with; may be given several times.")
    ] = None,
    views: Annotated[
        int | None, typer.Option(help="Views that every encoder averages, 1 or 8; without it, the release's.")
    ] = None,
    deep: Annotated[
        bool, typer.Option("--deep", help="Also fine-tune the last stages on the few labels: takes minutes.")
    ] = False,
    simulated: Annotated[int, typer.Option(help="Galaxies of each simulated set.", min=0)] = 500,
    threads: Annotated[
        int | None, typer.Option(help="CPU threads of the network; without it, all cores.", min=1)
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda, cuda:1, mps; without it, the best there is.")
    ] = None,
) -> None:
    """Measure an encoder beside ImageNet, an untrained network and other releases.

    Vote fractions with their calibration, search by example, rings from few labels, number of components and
    a map: PNG figures, CSV tables, and `report.md` for the model card. What data are missing is said and left
    out. Vectors are kept in the output folder, so a run that was killed goes on.

    Example: `galcat evaluate --weights new.safetensors --against old.safetensors --data data -o report`
    """
    import torch  # noqa: PLC0415 - takes seconds

    from encoder.evaluate import evaluate as evaluate_encoder  # noqa: PLC0415
    from encoder.views import VIEW_SETS  # noqa: PLC0415

    if views not in {None, *VIEW_SETS}:
        raise typer.BadParameter(f"--views {views} is not one of {VIEW_SETS}")
    if threads is not None:
        torch.set_num_threads(threads)
    with Progress(*PROGRESS_COLUMNS, console=log) as progress:
        done = evaluate_encoder(
            weights,
            data,
            output,
            against=against or (),
            views=views,
            deep=deep,
            simulated=simulated,
            device=device,
            progress=progress,
        )
    Console(highlight=False).print(_summary(done.summary))
    for note in done.notes:
        log.print(f"[yellow]note:[/yellow] {escape(note)}", soft_wrap=True)
    for reason in done.skipped:
        log.print(f"[yellow]skipped:[/yellow] {escape(reason)}", soft_wrap=True)
    log.print(f"wrote {len(done.files)} files into {escape(str(output))}, read report.md", soft_wrap=True)


def _summary(summary: pd.DataFrame) -> Table:
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
