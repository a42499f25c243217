"""The command that says what the columns of galcat.galaxy mean."""

from typing import Annotated

import typer

from catalog.errors import QueryError
from catalog.result import Result
from galcat.cli.open_catalogue import open_to_read
from galcat.cli.options import Format, OneALine, Output, Wide
from galcat.cli.tables import Layout, show

app = typer.Typer()


@app.command()
def columns(
    word: Annotated[
        str, typer.Argument(metavar="[WORD]", help="A word in the column's name or meaning, such as bar.")
    ] = "",
    output_format: Format = "table",
    output: Output = None,
    wide: Wide = False,
    one_a_line: OneALine = False,
) -> None:
    """Say what the columns of galcat.galaxy mean, in which unit they are, and how to cut on them.

    Example: `galcat columns bar`
    """
    from catalog.tap.database.load_published import SEARCHED, load_published  # noqa: PLC0415
    from catalog.web.column_texts import call, hint_of  # noqa: PLC0415
    from catalog.web.information.column_groups import group_columns  # noqa: PLC0415 - the service takes a second to import

    with open_to_read() as connection:
        published = load_published(connection)
    found = next(table.columns for table in published.tables if (table.schema, table.name) == SEARCHED)
    rows: list[tuple[object, ...]] = [
        (
            one.name,
            call(one.name),
            one.unit or None,
            hint_of(one.name, one.description, one.unit),
            one.description,
        )
        for _, _, group in group_columns([one.meta for one in found], word)
        for one in group
    ]
    if not rows:
        raise QueryError(f"no column has to do with {word!r}: galcat columns lists all")
    show(
        Result(("column", "in_words", "unit", "how_to_use_it", "description"), rows),
        output_format,
        output,
        Layout(wide, one_a_line, ("column", "in_words", "unit")),
    )
