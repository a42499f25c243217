"""The command that copies a survey's files from its servers: from positions to pixels."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from galcat.cli.console import log, mark_line, progress_bar

if TYPE_CHECKING:
    from galcat.workflows.fetch.download import Server
    from galcat.workflows.fetch.plan import FetchPlan

app = typer.Typer()


@app.command()
def fetch(
    survey: Annotated[str, typer.Argument(help="A shipped survey, or a path to a .toml file.")],
    folder: Annotated[Path, typer.Argument(help="The survey's folder here; made if it is not there.")],
    positions: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A table of positions, in any format.")
    ] = None,
    cone: Annotated[
        tuple[float, float, float] | None,
        typer.Option(metavar="RA DEC RADIUS", help="All tiles that a cone meets, degrees ICRS."),
    ] = None,
    ra: Annotated[str | None, typer.Option(help="Column of right ascension in the table.")] = None,
    dec: Annotated[str | None, typer.Option(help="Column of declination in the table.")] = None,
    id_column: Annotated[str | None, typer.Option(help="Column that names cutouts; else 1, 2, 3 ...")] = None,
    cutouts: Annotated[
        bool, typer.Option("--cutouts", help="FITS cutouts about the positions instead of whole tiles.")
    ] = False,
    size: Annotated[int, typer.Option(min=16, max=512, help="Width of a cutout, pixels.")] = 256,
    plan: Annotated[
        bool, typer.Option("--plan", help="Only say which tiles these are, and how large.")
    ] = False,
) -> None:
    """Copy the tiles that hold some positions from the survey's own servers.

    The survey's TOML file names the servers. After an interruption the same command goes on where it was;
    every file is checked by the sum that the survey publishes. `galcat ingest` reads the folder then.

    `--cutouts` asks the survey's cutout service for one small FITS file a position, for `galcat embed`.

    * `galcat fetch legacy_dr10 sky --positions list.csv --plan`
    * `galcat fetch legacy_dr10 sky --cone 150.1 2.2 0.5`
    """
    if (positions is None) == (cone is None):
        raise typer.BadParameter("give --positions or --cone, one of them")
    if cutouts and positions is None:
        raise typer.BadParameter("--cutouts needs --positions")
    import time  # noqa: PLC0415 - the help needs none of these

    import httpx  # noqa: PLC0415

    from galcat.workflows.fetch.copy_files import copy_files  # noqa: PLC0415
    from galcat.workflows.fetch.download import Server  # noqa: PLC0415
    from galcat.workflows.fetch.plan import describe_plan, require_room  # noqa: PLC0415

    with httpx.Client(follow_redirects=True, timeout=60, headers={"User-Agent": "galcat"}) as client:
        server = Server(client, time.sleep)
        if cutouts and positions is not None:
            made = _plan_cutouts(survey, folder, positions, (ra, dec, id_column), size)
        else:
            made = _plan_tiles(survey, folder, server, positions, cone, (ra, dec))
        for line in describe_plan(made, str(positions or "")):
            log.print(line, soft_wrap=True)
        if plan:
            return
        require_room(made, folder)
        with progress_bar() as progress:
            bar = progress.add_task("bytes", total=made.n_bytes or None)
            lost = copy_files(made, server, lambda n: progress.advance(bar, n))
    for line in lost:
        log.print(mark_line("not copied:", "red", line), soft_wrap=True)
    n_files = len(made.files)
    log.print(f"{n_files - len(lost)} of {n_files} files are in {folder}", soft_wrap=True)
    if lost or not n_files:
        raise typer.Exit(1)
    words = ["embed", str(folder), "-o", "vectors.parquet"]
    following = words if cutouts else ["ingest", str(folder), "--survey", survey]
    log.print(f"next: galcat {shlex.join(following)}", soft_wrap=True)


def _plan_tiles(
    survey: str,
    folder: Path,
    server: "Server",
    positions: Path | None,
    cone: tuple[float, float, float] | None,
    columns: tuple[str | None, str | None],
) -> "FetchPlan":
    from catalog.search.positions import read_positions  # noqa: PLC0415
    from encoder.surveys.survey_file import load_survey  # noqa: PLC0415
    from galcat.workflows.fetch import plan as planning  # noqa: PLC0415

    described = load_survey(survey)
    given = None if positions is None else read_positions(positions, *columns)
    tiles = planning.list_tiles(described, folder, server, lambda line: log.print(line, soft_wrap=True))
    if given is not None:
        names, unowned = planning.tiles_of_positions(tiles, given.ra_deg, given.dec_deg)
        return planning.plan_tiles(described, names, folder, server, unowned)
    if cone is None or not (0 <= cone[0] <= 360 and -90 <= cone[1] <= 90 and 0 < cone[2] <= 180):  # noqa: PLR2004 - the sky
        raise typer.BadParameter("--cone: RA is 0 to 360, Dec -90 to 90, the radius above 0, all in degrees")
    names = tiles.name[tiles.touching(*cone)].tolist()
    return planning.plan_tiles(described, names, folder, server)


def _plan_cutouts(
    survey: str, folder: Path, positions: Path, columns: tuple[str | None, str | None, str | None], size: int
) -> "FetchPlan":
    from catalog.search.positions import read_positions  # noqa: PLC0415
    from encoder.surveys.survey_file import load_survey  # noqa: PLC0415
    from galcat.workflows.fetch import plan as planning  # noqa: PLC0415

    given = read_positions(positions, *columns[:2])
    ids = planning.cutout_names(given.table, columns[2])
    return planning.plan_cutouts(load_survey(survey), ids, given.ra_deg, given.dec_deg, folder, size)
