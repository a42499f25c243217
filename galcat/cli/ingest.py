"""Commands that fill the catalogue: ingest, demo, train."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from catalog.settings import load_settings
from galcat.cli.console import catalogue_url, log, progress_bar
from galcat.cli.run_listeners import run_listeners
from galcat.workflows.ingest.outcome import TileOutcome

app = typer.Typer()


@app.command()
def ingest(
    path: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder that holds the survey's files.")],
    survey: Annotated[str, typer.Option(help="A survey galcat knows, or a survey TOML file.")],
    weights: Annotated[Path | None, typer.Option(help="Encoder weights; without it, those shipped.")] = None,
) -> None:
    """Ingest every new or changed tile of a folder: cut out, encode and store its galaxies.

    A tile that cannot be read is named and stored as failed, the rest go on; the exit code is then 1.
    Run it again after mending the files: only what is pending is read.

    Example: `galcat ingest /data/dr10/south --survey legacy_dr10`
    """
    if not run_ingest(catalogue_url(), path, survey, weights):
        raise typer.Exit(1)


@app.command()
def demo(
    bricks: Annotated[int, typer.Option(help="Bricks to simulate.", min=1)] = 8,
    galaxies: Annotated[int, typer.Option(help="Galaxies a brick.", min=1)] = 300,
) -> None:
    """Simulate a small survey, ingest it, and print the answers to real questions."""
    from galcat.cli.demo import answer_questions, make_survey, write_ring_labels  # noqa: PLC0415 - galsim

    settings = load_settings()
    folder = make_survey(settings.home, bricks, galaxies, log.print)
    if not run_ingest(catalogue_url(), folder, "legacy_dr10", None):
        raise typer.Exit(1)
    answer_questions(settings.home, write_ring_labels(settings.home, folder))


@app.command()
def train(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="Training configuration, TOML.")],
) -> None:
    """Train an encoder; a run that was killed goes on where it stopped.

    Example: `galcat train encoder/configs/default.toml`
    """
    from encoder.training.train import train as train_encoder  # noqa: PLC0415 - torch takes seconds

    with progress_bar() as progress:
        weights = train_encoder(config, progress)
    if weights is not None:  # torchrun's other processes write nothing
        log.print(escape(f"wrote {weights}"), soft_wrap=True)


def run_ingest(url: str, path: Path, survey: str, weights: Path | None) -> bool:
    """Ingest what is pending, with a progress bar and a summary; returns False when something failed."""
    from galcat.workflows.run import ingest_folder  # noqa: PLC0415 - torch takes seconds

    with run_listeners("ingestion_report") as listener:
        outcome = ingest_folder(url, survey, path, weights, listener)
    tiles = [tile for cell in outcome.cells for tile in cell.tiles]
    _summary(tiles, outcome.n_settled)
    violated = any(cell.violated for cell in outcome.cells)
    return not violated and not any(tile.state == "failed" or tile.n_failed for tile in tiles)


def _summary(outcomes: list[TileOutcome], n_settled: int) -> None:
    done = [outcome for outcome in outcomes if outcome.state == "done"]
    failed = [outcome for outcome in outcomes if outcome.state == "failed"]
    unchanged = n_settled + len(outcomes) - len(done) - len(failed)
    log.print(
        f"{len(done)} tiles ingested, {unchanged} unchanged, {len(failed)} failed; "
        f"{sum(o.n_galaxies for o in done)} galaxies, {sum(o.n_skipped for o in done)} skipped, "
        f"{sum(o.n_failed for o in done)} unreadable images, {sum(o.retired for o in done)} retired, "
        f"{sum(o.changed for o in done)} rows changed",
        soft_wrap=True,
    )
