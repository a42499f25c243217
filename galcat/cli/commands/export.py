"""Commands that copy the catalogue into other forms."""

from pathlib import Path
from typing import Annotated

import typer

from galcat.cli.command_group import CommandGroup
from galcat.cli.console import log, progress_bar
from galcat.cli.open_catalogue import open_as_reader

app = typer.Typer()
export = typer.Typer(cls=CommandGroup, no_args_is_help=True, rich_markup_mode="markdown")
app.add_typer(export, name="export", help="Copies of the whole catalogue for other programs.")


@export.command()
def hats(
    folder: Annotated[Path, typer.Argument(help="The collection: a link to the newest whole export.")],
    max_rows: Annotated[int, typer.Option(min=1, help="Galaxies of a file at most.")] = 100_000,
    margin_arcsec: Annotated[
        float, typer.Option(min=0.1, max=36_000, help="How far the margin of a file reaches, arcsec.")
    ] = 10.0,
) -> None:
    """Export the catalogue as HATS: Parquet files by HEALPix cell, which LSDB opens.

    Galaxies with the vectors that are searched, their margins, and the vectors at full width. A later
    export to the same folder writes what has changed, and takes the former one's place when it is whole.

    Example: `galcat export hats sky`, then in Python `lsdb.open_catalog("sky")`
    """
    from catalog.export.hats import export_hats  # noqa: PLC0415 - pyarrow takes a moment

    with open_as_reader() as connection, progress_bar() as progress:
        bar = progress.add_task("sky cells", total=None)
        made = export_hats(
            connection,
            folder,
            max_rows,
            margin_arcsec,
            lambda done, of: progress.update(bar, completed=done, total=of),
        )
    log.print(
        f"{folder}: {made.n_galaxies:,} galaxies in {made.n_files} files, {made.n_written} of them new",
        soft_wrap=True,
    )
