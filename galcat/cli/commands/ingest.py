"""The command that fills the catalogue: ingest."""

from pathlib import Path
from typing import Annotated

import typer

from catalog.settings import load_settings
from galcat.cli.console import log
from galcat.cli.executors import RayAddress, Workers, choose_executor
from galcat.cli.open_catalogue import catalogue_url
from galcat.cli.run_listeners import ingest_and_report

app = typer.Typer()

NEXT_STEP = 'next: galcat sql "SELECT * FROM galcat.galaxy LIMIT 5", then galcat similar OBJECT_ID'


@app.command()
def ingest(
    path: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder that holds the survey's files.")],
    survey: Annotated[str, typer.Option(help="A survey galcat knows, or a survey TOML file.")],
    weights: Annotated[
        Path | None, typer.Option(help="Encoder weights; without it, the current release's.")
    ] = None,
    bulk: Annotated[
        bool | None,
        typer.Option(
            "--bulk/--no-bulk",
            help="Load without the vector index, and build it at the end.",
            show_default="for a load that is large beside what is there",
        ),
    ] = None,
    ray: RayAddress = None,
    workers: Workers = None,
) -> None:
    """Ingest every new or changed tile of a folder: cut out, encode and store its galaxies.

    A tile that cannot be read is named and stored as failed, the rest go on; the exit code is then 1.
    Run it again after mending the files: only what is pending is read.

    Example: `galcat ingest /data/dr10/south --survey legacy_dr10`
    """
    encode_by = choose_executor(ray, workers)
    _look_before_a_catalogue_is_made(path, survey)
    url = catalogue_url(may_create=True)
    if not ingest_and_report(url, path, survey, weights, is_bulk=bulk, encode_by=encode_by):
        raise typer.Exit(1)
    log.print(NEXT_STEP, soft_wrap=True)


def _look_before_a_catalogue_is_made(folder: Path, survey: str) -> None:
    """Refuse a wrong folder or survey before a server is made for it: a slip would leave an empty one."""
    from catalog.database.embedded.server import exists  # noqa: PLC0415 - as elsewhere, where it is needed
    from encoder.surveys.survey_file import load_survey  # noqa: PLC0415
    from encoder.tiles.tiles import find_tiles  # noqa: PLC0415

    settings = load_settings()
    if not settings.database_url and not exists(settings.home):
        find_tiles(load_survey(survey), folder)
