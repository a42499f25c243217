"""Commands that ask the catalogue: SQL, likeness, positions, and whether it is whole."""

import re
from pathlib import Path
from typing import Annotated

import typer

from catalog.columns import USUAL_COLUMNS
from catalog.constants import NEAR_ARCSEC
from galcat.cli.console import log, mark_line, name_rows, out, print_notes
from galcat.cli.open_catalogue import open_to_read
from galcat.cli.options import (
    A_LIST,
    A_PICTURE,
    THE_ANSWER,
    DecColumn,
    Format,
    FrameOption,
    OneALine,
    Output,
    PixelScale,
    RaColumn,
    Sheet,
    Wide,
    names_in,
)
from galcat.cli.tables import Layout, check_format, draw_answer, draw_similar, show

# What only some of the commands need is imported in them: astropy and SQLAlchemy take longer than an answer.
app = typer.Typer()

_EVERY_COLUMN = re.compile(r"(?:\bselect|,|\.|\bdistinct|\ball)\s*\*|^\s*table\b", re.IGNORECASE)
_SIMILAR_FIRST = ("object_id", "distance", "ra", "dec", "mag_r")


@app.command(context_settings={"ignore_unknown_options": True})  # a query may begin with an SQL comment
def sql(
    query: Annotated[str, typer.Argument(metavar="QUERY", help="One SQL statement; it can only read.")],
    output_format: Format = "table",
    output: Output = None,
    wide: Wide = False,
    one_a_line: OneALine = False,
    sheet: Sheet = None,
    html: Annotated[
        Path | None, typer.Option(help="Page to write, with the galaxies' pictures inside: one HTML file.")
    ] = None,
) -> None:
    """Ask the catalogue in SQL.

    An answer with an object_id can be drawn: `--sheet out.png`, `--html out.html`.
    Of `SELECT *` a terminal shows the columns that it has room for, and all that a query names.

    Example: `galcat sql "SELECT object_id, ra, dec FROM galcat.galaxy WHERE mag_r < 16 LIMIT 5"`
    """
    from catalog.database.read_only import run_query  # noqa: PLC0415

    check_format(output_format, output)
    with open_to_read() as connection:
        found = run_query(connection, query)
        if sheet is not None or html is not None:
            draw_answer(connection, found, query, sheet, html)
    show(found, output_format, output, Layout(wide or not _EVERY_COLUMN.search(query), one_a_line))


@app.command(context_settings={"ignore_unknown_options": True})  # a southern declination begins with a minus
def similar(
    target: Annotated[
        list[str] | None,
        typer.Argument(metavar="TARGET", help="OBJECT_ID, RA DEC in degrees, NAME or IMAGE file."),
    ] = None,
    n: Annotated[
        int,
        typer.Option("-n", help="How many galaxies; without it, 10.", min=1, metavar="N", show_default=False),
    ] = 10,
    where: Annotated[str, typer.Option(help="Only where SQL holds, as 'mag_r < 17'.")] = "",
    near: Annotated[
        tuple[float, float, float] | None,
        typer.Option(help="Only in this cone, degrees.", metavar="RA DEC RADIUS"),
    ] = None,
    exact: Annotated[bool, typer.Option("--exact", help="Compare with all, without index.")] = False,
    distinct: Annotated[bool, typer.Option("--distinct", help="One record of each galaxy.")] = False,
    positions: Annotated[
        Path | None,
        typer.Option("--list", help="File of positions of galaxies to be like.", rich_help_panel=A_LIST),
    ] = None,
    ra: RaColumn = None,
    dec: DecColumn = None,
    radius_arcsec: Annotated[
        float,
        typer.Option(
            help=f"How near its galaxies are; {NEAR_ARCSEC:g} without it.",
            show_default=False,
            rich_help_panel=A_LIST,
        ),
    ] = NEAR_ARCSEC,
    weights: Annotated[
        str,
        typer.Option(help="Weights file of the release, if not kept.", rich_help_panel=A_PICTURE),
    ] = "",
    survey: Annotated[
        str | None,
        typer.Option(help="Of FITS: survey, or TOML file, of its bands.", rich_help_panel=A_PICTURE),
    ] = None,
    frame: FrameOption = "found",
    pixel_scale: PixelScale = None,
    columns: Annotated[
        str | None,
        typer.Option(
            help="Columns to show, with commas between.", show_default=False, rich_help_panel=THE_ANSWER
        ),
    ] = None,
    sheet: Sheet = None,
    output_format: Format = "table",
    output: Output = None,
    wide: Wide = False,
    one_a_line: OneALine = False,
) -> None:
    """Find the galaxies that look most like one, or like several, nearest first.

    Conditions act before the search: n galaxies that fulfil them are found wherever there are as many.

    For example:

    * `galcat similar 1187327949861998747`
    * `galcat similar 150.324 1.9742 --where "mag_r > 17"`
    * `galcat similar J100117.8+015827`
    * `galcat similar spiral.jpg --sheet similar.png`
    * `galcat similar spiral.jpg --frame whole`
    * `galcat similar cutout.fits --survey decals_fits`
    """
    from catalog.search.request import Cone, Search  # noqa: PLC0415
    from catalog.search.search import search  # noqa: PLC0415
    from encoder.requested_frame import read_frame  # noqa: PLC0415
    from galcat.workflows.similar import read_target_list, understand_words  # noqa: PLC0415

    if (target is None) == (positions is None):
        raise typer.BadParameter("name a galaxy or an image, or give --list FILE")
    check_format(output_format, output)
    requested_frame = read_frame(frame, pixel_scale)
    with open_to_read() as connection:
        asked = (
            read_target_list(connection, positions, ra, dec, radius_arcsec)
            if positions is not None
            else understand_words(connection, target or [], radius_arcsec, weights, survey, requested_frame)
        )
        if asked.doubt:
            log.print(f"the frame is in doubt: {asked.doubt}; say it by --frame", soft_wrap=True)
        found = search(
            connection,
            Search(
                like=asked.like,
                n=n,
                cone=None if near is None else Cone(*near),
                where=where,
                columns=USUAL_COLUMNS if columns is None else names_in(columns),
                exact=exact,
                distinct=distinct,
            ),
        )
        if sheet is not None:
            draw_similar(connection, asked, found, sheet)
        print_notes(asked.notes)
        layout = Layout(wide or columns is not None, one_a_line, _SIMILAR_FIRST)
        show(found, output_format, output, layout)
        if not found.is_exact:
            log.print(
                "by the vector index, which may miss one in a hundred: --exact compares all", style="dim"
            )


@app.command()
def match(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Table of positions: FITS, VOTable, CSV, Parquet, text.")
    ],
    radius_arcsec: Annotated[float, typer.Option(help="How near a galaxy must be.")] = NEAR_ARCSEC,
    columns: Annotated[
        str | None,
        typer.Option(
            help="Columns of galcat.galaxy to add, with commas between.",
            show_default="survey, its id, ra, dec, mag_r, main votes",
        ),
    ] = None,
    ra: RaColumn = None,
    dec: DecColumn = None,
    output_format: Format = "table",
    output: Output = None,
    wide: Wide = False,
    one_a_line: OneALine = False,
) -> None:
    """Find the galaxy at each position of a list; every row of the list comes back, in its order.

    Numbers are ICRS degrees unless their column has another unit; text is hours and degrees. `matches` says
    how many galaxies are within the radius; the rows with none and with several are named.

    Example: `galcat match supernovae.fits --radius-arcsec 5 -o matched.parquet`
    """
    from catalog.search.coverage import describe_coverage  # noqa: PLC0415
    from catalog.search.crossmatch import match as match_positions  # noqa: PLC0415
    from catalog.search.positions import read_positions  # noqa: PLC0415

    check_format(output_format, output)
    positions = read_positions(file, ra, dec)
    with open_to_read() as connection:
        found = match_positions(
            connection,
            positions,
            radius_arcsec,
            USUAL_COLUMNS if columns is None else names_in(columns),
        )
        n, missing = len(positions.ra_deg), len(found.unmatched)
        covered = describe_coverage(connection) if missing > n / 2 else ""
    matched = found.columns[
        len(positions.table.columns) :
    ]  # the galaxy, its distance, how many, and its columns
    first = (found.columns[0], *matched[: 3 if columns is None else None])
    show(found, output_format, output, Layout(wide, one_a_line, first))
    print_notes(found.notes)
    log.print(f'{n - missing} of {n} positions have a galaxy within {radius_arcsec:g}"', soft_wrap=True)
    if covered:
        log.print(covered, soft_wrap=True)
    name_rows(found.unmatched, "no galaxy")
    name_rows(found.ambiguous, "several, the nearest taken")


@app.command()
def check() -> None:
    """Check that the catalogue is whole, and its server set up for it; exit code 1 when it is not.

    A note says where a survey does not look like the real galaxies that the encoder was trained on; it
    changes nothing of the exit code.
    """
    from catalog.checks.domain import check_domain  # noqa: PLC0415
    from catalog.checks.index import check_index  # noqa: PLC0415
    from catalog.checks.integrity import run_checks  # noqa: PLC0415
    from catalog.checks.server import check_pgvector, check_settings  # noqa: PLC0415
    from catalog.database.embedded.settings import SEARCH_SETTINGS, expected_settings  # noqa: PLC0415
    from catalog.settings import load_settings  # noqa: PLC0415

    settings = load_settings()
    expected = SEARCH_SETTINGS if settings.database_url else expected_settings()
    with open_to_read() as connection:
        results = [
            *run_checks(connection),
            *check_index(connection),
            check_settings(connection, expected),
            check_pgvector(connection),
            *check_domain(connection),
        ]
    for result in results:
        bad = ("note", "yellow") if result.is_note else ("FAIL", "red")
        mark, colour = ("ok  ", "green") if result.passed else bad
        out.print(mark_line(mark, colour, f"{result.name}: {result.description}"), soft_wrap=True)
        if not result.passed:
            first = "the furthest: " if result.is_note else f"{result.violations} violations, the first: "
            out.print(f"     {first}{result.example}", soft_wrap=result.is_note)
            out.print(f"     to do: {result.remedy}", soft_wrap=True)
    raise typer.Exit(0 if all(result.passed or result.is_note for result in results) else 1)
