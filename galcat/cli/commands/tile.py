"""Commands for tiles that are in the catalogue: list them, take one out, forget one."""

from typing import Annotated

import typer

from catalog.ingestion import retraction
from catalog.result import Result
from galcat.cli.command_group import CommandGroup
from galcat.cli.console import log, mark_line
from galcat.cli.open_catalogue import open_as_reader, open_to_write
from galcat.cli.options import OneALine, Wide
from galcat.cli.tables import Layout, show
from galcat.workflows.local_files import are_files_here, is_folder_here

app = typer.Typer()
tile = typer.Typer(cls=CommandGroup, no_args_is_help=True, rich_markup_mode="markdown")
app.add_typer(tile, name="tile", help="Tiles: which there are, and taking one out.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the tile.")]
SurveyName = Annotated[
    str | None,
    typer.Option("--survey", help="Only of this survey; needed where two have a tile of that name."),
]
COLUMNS = ("tile", "survey", "state", "galaxies", "files", "tried", "folder", "error")


@tile.command("list")
def list_tiles(survey: SurveyName = None, wide: Wide = False, one_a_line: OneALine = False) -> None:
    """List the tiles, with their state in the current release and whether their files are still there.

    Example: `galcat tile list --survey legacy_dr10`
    """
    with open_as_reader(may_be_empty=True) as connection:
        found = retraction.list_tiles(connection, survey)
    rows: list[tuple[object, ...]] = [
        (
            one.name,
            one.survey,
            one.state or "-",
            one.galaxies,
            _files(one),
            f"{one.tried_at:%Y-%m-%d %H:%M}" if one.tried_at else "-",
            one.folder or "-",
            one.error or "-",
        )
        for one in found
    ]
    show(Result(COLUMNS, rows), layout=Layout(wide, one_a_line, COLUMNS[:6]))


@tile.command()
def retract(name: Name, survey: SurveyName = None) -> None:
    """Take a tile out of every release: its galaxies are retired, labels of them stay.

    While its files lie in a folder that is ingested, it comes back with the next run: move them away first.

    Example: `galcat tile retract 0100p000`
    """
    from catalog.checks.recall import keep_recall, measure_recall  # noqa: PLC0415 - the help needs none

    with open_to_write(may_be_empty=True) as connection:
        gone = retraction.retract_tile(connection, name, survey)
        recall = measure_recall(connection)
        if recall is not None:
            keep_recall(connection, recall, "retract")
    where = f"; its files in {gone.folder} would be ingested again" if gone.folder else ""
    log.print(f"tile {name} is out: {gone.galaxies} galaxies retired{where}", soft_wrap=True)
    if recall is not None and recall.is_low:
        log.print(mark_line("warning:", "yellow", f"{recall.describe()}: {recall.remedy}"), soft_wrap=True)


@tile.command()
def forget(name: Name, survey: SurveyName = None) -> None:
    """Forget a tile without galaxies, such as one that failed and whose files are gone for ever.

    Of one that was retracted, retired galaxies with labels stay, and it is listed as long as there are some.

    Example: `galcat tile forget 0101p000`
    """
    with open_to_write(may_be_empty=True) as connection:
        kept = retraction.forget_tile(connection, name, survey)
    but = f", but for {kept} retired galaxies with labels, for which it stays listed" if kept else ""
    log.print(f"tile {name} is forgotten{but}", soft_wrap=True)


def _files(one: retraction.TileState) -> str:
    if one.folder is None or not is_folder_here(one.folder):
        return "elsewhere"
    return "there" if are_files_here(one.folder, one.files) else "lost"
