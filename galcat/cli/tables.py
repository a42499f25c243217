"""Answers for the eye and as files: tables in the terminal, galaxies on a contact sheet."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.cells import cell_len
from rich.table import Table

from catalog.errors import QueryError
from catalog.formats.result_file import FILE_FORMATS, format_of, list_escaped, write_result
from catalog.result import Result, plain_value
from galcat.cli.console import harmless, log, mark_line, out, wide
from galcat.errors import WorkflowError

if TYPE_CHECKING:
    import psycopg

    from galcat.workflows.similar import SearchTarget

_PLACES = "SELECT object_id, ra, dec FROM galcat.source WHERE object_id = ANY (%s)"
MAX_DRAWN = 500
"""Galaxies of an answer that are drawn: the first ones."""
_BY_OPTION = "--wide shows all, -G a value a line"
_BY_PIPE = "a pipe, such as | less -S, gets all"
_GAP = 2  # columns of the terminal between two of a table


@dataclass(frozen=True)
class Layout:
    """How a table is laid out in the terminal; a file has every column whatever this says.

    Attributes:
        wide: Whether every column is shown, also where the terminal is too narrow for them.
        one_a_line: Whether every value has a line of its own.
        first: Columns that matter most, the first most of all; the others follow in their order.
    """

    wide: bool = False
    one_a_line: bool = False
    first: Sequence[str] = ()


def check_format(output_format: str, output: Path | None) -> None:
    """Refuse what `show` could not write, before the catalogue is asked.

    Args:
        output_format: Name of the format that is asked for, `table` for the eye.
        output: Path of the file that is written; None for the terminal.

    Raises:
        QueryError: There is no such format, or the file's ending names none.
        WorkflowError: There is no such folder, or the file is one.
    """
    formats = ", ".join(FILE_FORMATS)
    if output_format not in {"table", *FILE_FORMATS}:
        raise QueryError(f"no format {output_format!r}: choose table, {formats}")
    if output is None:
        return
    if output_format == "table" and format_of(output) not in FILE_FORMATS:
        raise QueryError(
            f"{output}: its ending names no format; end it in one of {formats}, or give --format"
        )
    if output.is_dir():
        raise WorkflowError(f"{output}: it is a folder; name a file")
    if not output.absolute().parent.is_dir():
        raise WorkflowError(f"{output}: there is no folder {output.parent}; make it first")


def show(
    result: Result, output_format: str = "table", output: Path | None = None, layout: Layout | None = None
) -> None:
    """Print an answer as a table, or write it in a format, to a file or the terminal.

    Args:
        result: The answer that is shown.
        output_format: `table` for the eye, or a format of files; with a file, `table` stands for the format
            that the file's ending names.
        output: File to write; None for the terminal.
        layout: How the table is laid out; without it, as wide as the terminal. What is no terminal, such as a
            pipe, gets every column.

    Raises:
        QueryError: There is no such format, or it cannot hold two columns of one name.
    """
    if output_format == "table" and output is None:
        if result.columns:
            _show_table(result, layout or Layout(), all_by=_BY_OPTION if layout else _BY_PIPE)
        return
    name = format_of(output) if output_format == "table" and output else output_format
    content = write_result(result, name)
    escaped = list_escaped(result) if name == "fits" else []
    if escaped:
        said = "FITS holds ASCII alone: other characters became escapes such as \\xe9 in"
        log.print(
            mark_line("note:", "yellow", f"{said} {', '.join(escaped)}; VOTable and Parquet keep them"),
            soft_wrap=True,
        )
    if output is not None:
        output.write_bytes(content)
    else:
        typer.get_binary_stream("stdout").write(content)


def as_table(result: Result) -> Table:
    """An answer for the eye: short numbers, short vectors, NULL as a dash."""
    return _table_of([_in_a_line(name) for name in result.columns], _cells(result))


def _show_table(result: Result, layout: Layout, all_by: str) -> None:
    names, cells = [_in_a_line(name) for name in result.columns], _cells(result)
    count = f"{len(cells)} {'row' if len(cells) == 1 else 'rows'}"
    if layout.one_a_line:
        _print_one_a_line(names, cells)
    elif layout.wide or not sys.stdout.isatty():
        wide.print(_table_of(names, cells))
    else:
        shown = _fit(names, cells, layout.first, out.width)
        wide.print(_table_of([names[i] for i in shown], [[row[i] for i in shown] for row in cells]))
        if len(shown) < len(names):
            count += f", {len(shown)} of {len(names)} columns: {all_by}"
    out.print(f"({count})", style="dim", soft_wrap=True)


def _fit(names: Sequence[str], cells: Sequence[Sequence[str]], first: Sequence[str], width: int) -> list[int]:
    """Which columns the terminal has room for, in their order: of the first ones as many as there is room."""
    rank = {name: i for i, name in enumerate(first)}
    order = sorted(range(len(names)), key=lambda i: rank.get(names[i], len(first)))
    shown: list[int] = []
    for i in order:
        width -= max(map(cell_len, [names[i], *(row[i] for row in cells)])) + (_GAP if shown else 0)
        if width < 0 and shown:
            break
        shown.append(i)
    return sorted(shown)


def _print_one_a_line(names: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    margin = max(map(cell_len, names))
    for number, row in enumerate(cells, start=1):
        out.print(f"row {number}", style="bold", soft_wrap=True)
        for name, value in zip(names, row, strict=True):
            out.print(f"{name}{' ' * (margin - cell_len(name))} | {value}", soft_wrap=True)


def _table_of(names: Sequence[str], cells: Sequence[Sequence[str]]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in names:
        table.add_column(name, no_wrap=True)
    for row in cells:
        table.add_row(*row)
    return table


def show_galaxies(
    connection: "psycopg.Connection",
    values: dict[int, tuple[object, ...]],
    names: tuple[str, ...],
    captions: Sequence[str],
    sheet: Path | None,
    output_format: str = "table",
    output: Path | None = None,
    layout: Layout | None = None,
    *,
    numbered: bool = False,
) -> None:
    """Print galaxies with their positions, and draw them where a sheet is wanted.

    Args:
        connection: Open connection to the catalogue.
        values: What is known of each galaxy, by object_id, in the order to show.
        names: Name of each value, as a column is called.
        captions: A caption a galaxy, for the sheet.
        sheet: PNG to draw; None for none.
        output_format: Format of the file or the terminal, as in `show`.
        output: File to write; None for the terminal.
        layout: How a table is laid out in the terminal, as in `show`.
        numbered: Whether the pictures of the sheet are numbered from 1.
    """
    places = {row[0]: row[1:] for row in connection.execute(_PLACES, [list(values)])}
    rows = [(identity, *places[identity], *known) for identity, known in values.items()]
    show(Result(("object_id", "ra", "dec", *names), rows), output_format, output, layout)
    if sheet is not None:
        drawn = [(identity, f"{identity}\n{text}") for identity, text in zip(values, captions, strict=True)]
        _draw(connection, [], drawn, sheet, numbered=numbered)


def draw_similar(connection: "psycopg.Connection", asked: "SearchTarget", found: Result, sheet: Path) -> None:
    """Draw what was asked about and the galaxies most like it as a contact sheet.

    Args:
        connection: Open connection to the catalogue.
        asked: What the others are to be like; its pictures come first.
        found: Columns `object_id` and `distance` of the galaxies found.
        sheet: Path of the PNG file that is drawn.
    """
    neighbours = [
        (int(str(identity)), f"{identity}\ndistance {distance:.2f}")
        for identity, distance in zip(found["object_id"], found["distance"], strict=True)
    ]
    _draw(connection, asked.pictures(connection), neighbours, sheet)


def draw_answer(
    connection: "psycopg.Connection", found: Result, query: str, sheet: Path | None, html: Path | None
) -> None:
    """Draw the galaxies of an answer: on a contact sheet, with the first values as captions, or as a page.

    Args:
        connection: Open connection to the catalogue.
        found: An answer with a column `object_id`.
        query: What was asked, for the page.
        sheet: PNG to draw; None for none.
        html: HTML file to write; None for none.

    Raises:
        QueryError: The answer has no object_id, or no galaxy of it has a picture.
    """
    from catalog.search.thumbnails import find_thumbnails  # noqa: PLC0415 - only for pictures
    from catalog.table_html import page_html, table_html  # noqa: PLC0415 - likewise

    plain = found.plain()
    ids = [identity for identity in plain["object_id"][:MAX_DRAWN] if isinstance(identity, int)]
    pictures = find_thumbnails(connection, ids)
    if not pictures:
        raise QueryError("no galaxy of the answer has a picture: nothing is drawn")
    if sheet is not None:
        from galcat.cli.contact_sheet import contact_sheet  # noqa: PLC0415 - Pillow, only for a sheet

        drawn = [
            (pictures[identity], _caption(plain.columns, row))
            for identity, row in zip(ids, plain.rows, strict=False)
            if identity in pictures
        ]
        contact_sheet(drawn, sheet)
    if html is not None:
        rows = plain.rows[:MAX_DRAWN]
        table = table_html(plain.columns, rows, pictures, len(plain.rows), 96)
        html.write_text(page_html("Galaxies of galcat", query.strip(), table), encoding="utf-8")


def _caption(columns: Sequence[str], row: Sequence[object]) -> str:
    """The id, and below it the first two other values."""
    values = dict(zip(columns, row, strict=True))
    identity = values.pop("object_id")
    return f"{identity}\n" + " ".join(f"{name} {_cell(value)}" for name, value in [*values.items()][:2])


def _draw(
    connection: "psycopg.Connection",
    before: list[tuple[bytes, str]],
    galaxies: list[tuple[int, str]],
    sheet: Path,
    *,
    numbered: bool = False,
) -> None:
    """Draw pictures with captions, then galaxies with theirs."""
    from catalog.search.thumbnails import read_thumbnails  # noqa: PLC0415 - only for a sheet
    from galcat.cli.contact_sheet import contact_sheet  # noqa: PLC0415 - Pillow, only for a sheet

    pictures = read_thumbnails(connection, [identity for identity, _ in galaxies])
    drawn = [*before, *((pictures[identity], caption) for identity, caption in galaxies)]
    contact_sheet(drawn, sheet, numbered=numbered)


def _cells(result: Result) -> list[list[str]]:
    return [[_in_a_line(_cell(plain_value(value))) for value in row] for row in result.rows]


def _list_cell(values: list[object]) -> str:
    """A few values as they are, of more the first two and how many there are."""
    shown = [f"{one:.3g}" if isinstance(one, float) else "-" if one is None else str(one) for one in values]
    if len(values) <= 3:  # noqa: PLR2004 - enough to see that it is a vector
        return f"[{', '.join(shown)}]"
    what = "numbers" if all(isinstance(one, int | float) for one in values) else "values"
    return f"[{shown[0]}, {shown[1]}, ... {len(values)} {what}]"


def _in_a_line(text: str) -> str:
    return harmless(text, out.encoding).replace("\n", "\\n")


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        return _list_cell(value)
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    return str(value)
