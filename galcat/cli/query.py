"""Commands that ask the catalogue: SQL, likeness, and whether it is whole."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import psycopg
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from catalog.checks.index import check_index
from catalog.checks.integrity import check_settings, run_checks
from catalog.database.connection import connect, database_url
from catalog.database.embedded.settings import SEARCH_SETTINGS, expected_settings
from catalog.database.read_only import run_query
from catalog.formats.output import FORMATS, write_result
from catalog.releases.releases import current_release
from catalog.result import Result, plain_value
from catalog.search import search
from catalog.search.crossmatch import USUAL_COLUMNS
from catalog.search.crossmatch import match as match_positions
from catalog.search.positions import read_positions
from catalog.search.thumbnails import thumbnails
from catalog.settings import load_settings
from galcat.cli.contact_sheet import contact_sheet
from galcat.errors import JobError
from galcat.workflows.similar import Target, listed, understand

app = typer.Typer()
console = Console(highlight=False)
log = Console(stderr=True, highlight=False)
wide = Console(highlight=False, width=1000)  # an object_id is never cut short: the terminal may wrap

Format = Annotated[str, typer.Option("--format", "-f", help=f"table, {', '.join(FORMATS)}.")]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="File to write; without it, the terminal.")
]
RaColumn = Annotated[
    str | None, typer.Option(help="The list's column of right ascension; without it, by the usual names.")
]
DecColumn = Annotated[str | None, typer.Option(help="The list's column of declination; likewise.")]
NAMED = 20
"""Rows that are named of those without a match."""


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="One SQL statement; it can only read.")],
    output_format: Format = "table",
    output: Output = None,
) -> None:
    """Ask the catalogue in SQL.

    Example: `galcat sql "SELECT object_id, ra, dec FROM galcat.galaxy WHERE mag_r < 16 LIMIT 5"`
    """
    with connected() as connection:
        show(run_query(connection, query), output_format, output)


@app.command(context_settings={"ignore_unknown_options": True})  # a southern declination begins with a minus
def similar(
    target: Annotated[
        list[str] | None, typer.Argument(help="OBJECT_ID, RA DEC in degrees, a NAME, or an IMAGE file.")
    ] = None,
    n: Annotated[int, typer.Option("-n", help="How many galaxies.", min=1)] = 10,
    where: Annotated[
        str, typer.Option(help="Condition in SQL on columns of galcat.galaxy, such as 'mag_r < 17'.")
    ] = "",
    near: Annotated[
        tuple[float, float, float] | None,
        typer.Option(help="Only within a cone: RA DEC RADIUS, all in degrees."),
    ] = None,
    positions: Annotated[
        Path | None, typer.Option("--list", help="A list of positions instead: like all galaxies there.")
    ] = None,
    ra: RaColumn = None,
    dec: DecColumn = None,
    radius_arcsec: Annotated[float, typer.Option(help="How near a galaxy must be to a position.")] = 3.0,
    columns: Annotated[
        str, typer.Option(help="Columns of galcat.galaxy to show, with commas between.")
    ] = ",".join(search.USUAL_COLUMNS),
    exact: Annotated[bool, typer.Option("--exact", help="Compare with every galaxy, without index.")] = False,
    distinct: Annotated[
        bool, typer.Option("--distinct", help="One record of a galaxy that several tiles or surveys have.")
    ] = False,
    sheet: Annotated[Path | None, typer.Option(help="Contact sheet to draw, PNG.")] = None,
    weights: Annotated[
        str,
        typer.Option(help="For an IMAGE: weights file of the release; not needed for those shipped."),
    ] = "",
    output_format: Format = "table",
    output: Output = None,
) -> None:
    """Find the galaxies that look most like one, or like several, nearest first.

    Conditions act before the search: n galaxies that fulfil them are found wherever there are as many.

    Examples: `galcat similar 4611686018427387904` · `galcat similar 150.1 -2.2 --where "mag_r < 17"` ·
    `galcat similar J100024.1+021530` · `galcat similar spiral.jpg --sheet similar.png`
    """
    if (target is None) == (positions is None):
        raise typer.BadParameter("name a galaxy or an image, or give --list FILE")
    with connected() as connection:
        asked = (
            listed(connection, positions, ra, dec, radius_arcsec)
            if positions is not None
            else understand(connection, target or [], radius_arcsec, weights)
        )
        found = search.search(
            connection,
            search.Search(
                like=asked.like,
                n=n,
                cone=None if near is None else search.Cone(*near),
                where=where,
                columns=names_in(columns),
                exact=exact,
                distinct=distinct,
            ),
        )
        if sheet is not None:
            draw_similar(connection, asked, found, sheet)
        show(found, output_format, output)
        if not found.is_exact:
            log.print(
                "by the vector index, which may miss one in a hundred: --exact compares all", style="dim"
            )


@app.command()
def match(
    file: Annotated[Path, typer.Argument(help="Table of positions: FITS, VOTable, CSV, Parquet, text.")],
    radius_arcsec: Annotated[float, typer.Option(help="How near a galaxy must be.")] = 3.0,
    columns: Annotated[
        str, typer.Option(help="Columns of galcat.galaxy to add, with commas between.")
    ] = ",".join(USUAL_COLUMNS),
    ra: RaColumn = None,
    dec: DecColumn = None,
    output_format: Format = "table",
    output: Output = None,
) -> None:
    """Find the galaxy at each position of a list; every row of the list comes back, in its order.

    Numbers are ICRS degrees unless their column has another unit; text is hours and degrees. `matches` says
    how many galaxies are within the radius; the rows with none and with several are named.

    Example: `galcat match supernovae.fits --radius-arcsec 5 -o matched.parquet`
    """
    positions = read_positions(file, ra, dec)
    with connected() as connection:
        found = match_positions(
            connection,
            positions,
            radius_arcsec,
            names_in(columns),
        )
    show(found.result, output_format, output)
    n, missing = len(positions.ra_deg), len(found.unmatched)
    log.print(f'{n - missing} of {n} positions have a galaxy within {radius_arcsec:g}"', soft_wrap=True)
    for rows, what in ((found.unmatched, "no galaxy"), (found.ambiguous, "several, the nearest taken")):
        if rows:
            named = ", ".join(map(str, rows[:NAMED])) + (", ..." if len(rows) > NAMED else "")
            log.print(f"{what} ({len(rows)}): row {named}", soft_wrap=True)


@app.command()
def check() -> None:
    """Check that the catalogue is whole, and its server set up for it; exit code 1 when it is not."""
    settings = load_settings()
    expected = SEARCH_SETTINGS if settings.database_url else expected_settings()
    with connected() as connection:
        results = [*run_checks(connection), *check_index(connection), check_settings(connection, expected)]
    for result in results:
        mark = "[green]ok[/green]  " if result.passed else "[red]FAIL[/red]"
        console.print(f"{mark} {result.name}: {result.description}", soft_wrap=True)
        if not result.passed:
            console.print(f"     {result.violations} violations, the first: {result.example}")
            console.print(f"     to do: {result.remedy}", markup=False, soft_wrap=True)
    raise typer.Exit(0 if all(result.passed for result in results) else 1)


@contextmanager
def connected() -> Iterator[psycopg.Connection]:
    """Open the catalogue that the settings name.

    Raises:
        JobError: Nothing has been ingested yet.
    """
    with connect(database_url(load_settings()), autocommit=True) as connection:
        row = connection.execute("SELECT to_regclass('galcat.release')").fetchone()
        if row is None or row[0] is None or current_release(connection) is None:
            raise JobError("the catalogue is empty: fill it with galcat demo or galcat ingest")
        yield connection


def show(result: Result, output_format: str, output: Path | None) -> None:
    """Print an answer as a table, or write it in a format, to a file or the terminal."""
    if output_format == "table" and output is None:
        if result.columns:
            wide.print(as_table(result))
            console.print(f"({len(result.rows)} rows)", style="dim")
        return
    name = output.suffix.lstrip(".") if output_format == "table" and output else output_format
    content = write_result(result, {"vot": "votable", "xml": "votable"}.get(name, name))
    if output is not None:
        output.write_bytes(content)
    else:
        typer.get_binary_stream("stdout").write(content)


def as_table(result: Result) -> Table:
    """An answer for the eye: short numbers, short vectors, NULL as a dash."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in result.columns:
        table.add_column(name, no_wrap=True)
    for row in result.rows:
        table.add_row(*(_cell(plain_value(value)) for value in row))
    return table


def draw_similar(connection: psycopg.Connection, asked: Target, found: Result, sheet: Path) -> None:
    """Draw what was asked about and its neighbours as a contact sheet."""
    ids = [int(str(identity)) for identity in found["object_id"]]
    pictures = thumbnails(connection, ids)
    neighbours = [
        (pictures[identity], f"{identity}\ndistance {distance:.2f}")
        for identity, distance in zip(ids, found["distance"], strict=True)
    ]
    contact_sheet([*asked.pictures(connection), *neighbours], sheet)


def names_in(columns: str) -> tuple[str, ...]:
    """The names in a text with commas between."""
    return tuple(name.strip() for name in columns.split(",") if name.strip())


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list) and len(value) > 3:  # noqa: PLR2004 - enough to see that it is a vector
        return escape(f"[{value[0]:.3g}, {value[1]:.3g}, ... {len(value)} numbers]")
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    return escape(str(value))
