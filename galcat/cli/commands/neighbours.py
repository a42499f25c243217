"""Commands for neighbours by likeness: of a list of galaxies, and of all."""

from pathlib import Path
from typing import Annotated

import typer

from catalog.constants import NEAR_ARCSEC
from galcat.cli.console import log, name_rows, print_notes, progress_bar
from galcat.cli.open_catalogue import open_to_read, updated_catalogue_url
from galcat.cli.options import DecColumn, Format, Output, RaColumn
from galcat.cli.tables import check_format, show

# What only some of the commands need is imported in them: the help is shown without it.
app = typer.Typer()


@app.command()
def neighbours(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Table with object_id, or with positions, a galaxy a row.")
    ],
    n: Annotated[int, typer.Option("-n", help="How many neighbours of each galaxy.", min=1, max=500)] = 20,
    ra: RaColumn = None,
    dec: DecColumn = None,
    radius_arcsec: Annotated[
        float, typer.Option(help="How near a galaxy must be to a position.")
    ] = NEAR_ARCSEC,
    output_format: Format = "table",
    output: Output = None,
) -> None:
    """Find the galaxies most like each of a whole list, in one go: a row for each pair.

    Up to 20 neighbours are read from the graph where `galcat graph` has made it of today's galaxies; else all
    vectors are read and compared in blocks, which takes seconds for a million galaxies.

    Example: `galcat neighbours mergers.csv -n 10 -o alike.parquet`
    """
    from catalog.neighbours.galaxy_list import read_galaxy_list  # noqa: PLC0415
    from catalog.neighbours.many import find_neighbours  # noqa: PLC0415

    check_format(output_format, output)
    with open_to_read() as connection:
        read = read_galaxy_list(connection, file, ra=ra, dec=dec, radius_arcsec=radius_arcsec)
        found = find_neighbours(connection, read.object_ids, n)
    show(found.to_result(), output_format, output)
    print_notes(read.notes)
    how = "from the graph" if found.is_from_graph else "all vectors compared in blocks"
    log.print(f"{len(found.object_ids)} galaxies, {found.neighbours.shape[1]} neighbours each, {how}")
    name_rows(read.unmatched, "no galaxy")
    raise typer.Exit(1 if read.unmatched else 0)


@app.command()
def graph() -> None:
    """Find the 20 galaxies most like every galaxy, and keep them in galcat.neighbour.

    Stopped at any moment, a second call goes on. Run it again after galaxies have come: where none has,
    nothing is done.

    Example: `galcat graph`, then `galcat sql "SELECT * FROM galcat.neighbour WHERE distance < 0.01"`
    """
    from galcat.workflows.neighbour_graph import make_neighbour_graph  # noqa: PLC0415

    with progress_bar(transient=True) as bar:
        task = bar.add_task("galaxies", total=None)
        made = make_neighbour_graph(
            updated_catalogue_url(), lambda done, total: bar.update(task, completed=done, total=total)
        )
    log.print(
        f"the graph of {made.nearest} neighbours is of {made.made_at:%Y-%m-%d %H:%M}; "
        f"a sample has {made.recall:.1%} of its true neighbours",
        soft_wrap=True,
    )
