"""Galaxies that a command found: their positions for the table, their pictures on a contact sheet."""

from collections.abc import Sequence
from pathlib import Path

import psycopg

from catalog.result import Result
from catalog.search.thumbnails import thumbnails
from galcat.cli.contact_sheet import contact_sheet
from galcat.cli.query import show

_PLACES = "SELECT object_id, ra, dec FROM galcat.source WHERE object_id = ANY (%s)"


def show_galaxies(
    connection: psycopg.Connection,
    values: dict[int, tuple[object, ...]],
    names: tuple[str, ...],
    captions: Sequence[str],
    sheet: Path | None,
    output_format: str = "table",
    output: Path | None = None,
) -> None:
    """Print galaxies with their positions, and draw them where a sheet is wanted.

    Args:
        connection: To the catalogue.
        values: What is known of each galaxy, by object_id, in order.
        names: Of the values.
        captions: One a galaxy, for the sheet.
        sheet: PNG to draw; None for none.
        output_format: As `show` has it.
        output: File to write; None for the terminal.
    """
    places = {row[0]: row[1:] for row in connection.execute(_PLACES, [list(values)])}
    rows = [(identity, *places[identity], *known) for identity, known in values.items()]
    show(Result(("object_id", "ra", "dec", *names), rows), output_format, output)
    if sheet is not None:
        pictures = thumbnails(connection, list(values))
        drawn = zip(values, captions, strict=True)
        contact_sheet([(pictures[identity], f"{identity}\n{caption}") for identity, caption in drawn], sheet)
