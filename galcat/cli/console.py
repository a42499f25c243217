"""What every command shares: where it prints, options of one meaning, and how it opens the catalogue."""

import getpass
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from unicodedata import category

import typer
from rich.console import Console
from rich.text import Text

from catalog.formats.result_file import FILE_FORMATS
from galcat.errors import WorkflowError

if TYPE_CHECKING:
    import psycopg
    from rich.progress import Progress

    from catalog.tasks.labels import Label
    from catalog.tasks.tasks import Task

# What not every command needs is imported in functions: a command starts in the time that Python takes.

_UNSHOWN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")  # categories of Unicode that steer or have no shape


class Terminal(Console):
    """Prints text as it is: no word between colons or in brackets is taken for more than itself.

    Characters that would steer the terminal, or that its encoding lacks, are printed as backslash escapes.

    Args:
        is_log: Whether it prints to standard error.
        width: Columns; None for those of the terminal.
    """

    def __init__(self, *, is_log: bool = False, width: int | None = None) -> None:
        height = None if width is None else 25  # a dumb terminal is 80 wide unless both are given
        super().__init__(
            stderr=is_log, width=width, height=height, highlight=False, markup=False, emoji=False
        )

    def render_str(self, text: str, **options: Any) -> Text:  # noqa: ANN401 - as rich calls it
        """Make what rich prints of a text, which may be a cell of a table."""
        return super().render_str(harmless(text, self.encoding), **options)


def harmless(text: str, encoding: str = "utf-8") -> str:
    """A text with backslash escapes for control characters but line feeds, and for what cannot be encoded."""
    shown = "".join(repr(c)[1:-1] if c != "\n" and category(c) in _UNSHOWN else c for c in text)
    return shown.encode(encoding, "backslashreplace").decode(encoding)


def mark_line(mark: str, colour: str, text: str) -> Text:
    """A line for the terminal that begins with a coloured word, such as `error:`."""
    return Text.assemble((mark, colour), " ", harmless(text, log.encoding))


out = Terminal()
log = Terminal(is_log=True)
wide = Terminal(width=1_000_000)  # nothing is ever cut short: the terminal may wrap
MAX_NAMED_ROWS = 20
PORTS = range(1, 65536)

Format = Annotated[str, typer.Option("--format", "-f", help=f"table, {', '.join(FILE_FORMATS)}.")]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="File to write; without it, the terminal.")
]
Wide = Annotated[
    bool, typer.Option("--wide", help="Every column, also where the terminal is too narrow for them.")
]
OneALine = Annotated[
    bool, typer.Option("--one-a-line", "-G", help="In the terminal a value a line, every column.")
]
FrameOption = Annotated[
    str,
    typer.Option(
        "--frame",
        help="What the network sees of a picture: found, whole, a share of its width such as 0.6, or an "
        "angle such as 24arcsec.",
    ),
]
PixelScale = Annotated[
    float | None, typer.Option(help="Arcsec of a picture's pixel, for a --frame in arcsec.")
]
Threads = Annotated[
    int | None, typer.Option(help="CPU threads of the network; without it, all cores.", min=1)
]
Device = Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1, mps; without it, the best there is.")]
Sheet = Annotated[Path | None, typer.Option(help="Contact sheet to draw, PNG.")]
Number = Annotated[int, typer.Option("-n", help="How many galaxies.", min=1)]
RaColumn = Annotated[str | None, typer.Option(help="Column of right ascension, if not by a usual name.")]
DecColumn = Annotated[str | None, typer.Option(help="Column of declination; likewise.")]
TaskName = Annotated[str, typer.Argument(metavar="NAME", help="Name of the task.")]
Labeller = Annotated[
    str | None, typer.Option("--labeller", help="Who says so; without it, your account on this machine.")
]


def check_port(port: int) -> int:
    """Refuse a number that is no port, as wrong usage: one line, and exit code 2."""
    if port not in PORTS:
        refusal = f"port {port} is not between {PORTS[0]} and {PORTS[-1]}"
        log.print(mark_line("error:", "red", refusal), soft_wrap=True)
        raise typer.Exit(2)
    return port


def catalogue_url(*, may_create: bool = False) -> str:
    """The URL of the catalogue's database that the settings name; starts the embedded server if it is that.

    Args:
        may_create: Whether the command may make a catalogue where there is none.

    Raises:
        ServerError: There is no catalogue, or the embedded server cannot be started.
    """
    from catalog.database.connection import database_url, existing_database_url  # noqa: PLC0415
    from catalog.settings import load_settings  # noqa: PLC0415

    return (database_url if may_create else existing_database_url)(load_settings())


def updated_catalogue_url(*, may_create: bool = False) -> str:
    """The same after the catalogue's schema was brought up to date.

    Args:
        may_create: Whether a server that is not there yet is made; only commands that fill a catalogue may.

    Raises:
        ServerError: The server cannot be reached, or is too old.
        SchemaError: The schema cannot be brought up to date.
    """
    from catalog.database.migrate import migrate  # noqa: PLC0415

    url = catalogue_url(may_create=may_create)
    migrate(url)
    return url


@contextmanager
def open_to_read() -> Iterator["psycopg.Connection"]:
    """Open the catalogue for a command that asks it something.

    Raises:
        WorkflowError: Nothing has been ingested yet.
    """
    from catalog.database.connection import connect  # noqa: PLC0415

    with connect(catalogue_url(), autocommit=True) as connection:
        _require_release(connection)
        yield connection


@contextmanager
def open_as_reader(
    *, may_be_empty: bool = False, role: Literal["galcat_reader", "galcat_writer"] = "galcat_reader"
) -> Iterator["psycopg.Connection"]:
    """Open the catalogue for a command that shows what people and jobs have written.

    Its session can only read, and its schema stays as it is.

    Args:
        may_be_empty: Whether the command makes sense before anything was ingested.
        role: With whose rights: readers do not see who may log in to the page.

    Raises:
        SchemaError: The schema is that of another version of galcat.
        WorkflowError: Nothing has been ingested yet, and it may not be empty.
    """
    from catalog.database.connection import connect  # noqa: PLC0415
    from catalog.database.migrate import require_current_schema  # noqa: PLC0415

    with connect(catalogue_url(), autocommit=True) as connection:
        has_schema = require_current_schema(connection)
        if not (has_schema and may_be_empty):
            _require_release(connection)
        connection.execute(f"SET default_transaction_read_only = on; SET ROLE {role}")
        yield connection


@contextmanager
def open_to_write(*, may_be_empty: bool = False) -> Iterator["psycopg.Connection"]:
    """Open the catalogue for a command that changes it: its schema up to date, as the writer.

    Args:
        may_be_empty: Whether the command makes sense before anything was ingested.

    Raises:
        WorkflowError: Nothing has been ingested yet, and it may not be empty.
    """
    from galcat.workflows.writing import writing  # noqa: PLC0415

    if not may_be_empty:
        with open_to_read():
            pass
    with writing(updated_catalogue_url()) as connection:
        yield connection


def progress_bar(*, transient: bool = False) -> "Progress":
    """Bars on standard error: what is counted, how many of how many, the time so far and the time left.

    Args:
        transient: Whether they vanish at the end.
    """
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    class Description(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(harmless(task.description))

    columns = (
        Description(),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("elapsed", style="dim"),
        TimeRemainingColumn(),
        TextColumn("left", style="dim"),
    )
    return Progress(*columns, console=log, transient=transient)


def name_rows(rows: Sequence[int], remark: str) -> None:
    """Say which rows of a list need a look, the first 20 by number; nothing where there are none.

    Args:
        rows: Numbers of the rows, from 1.
        remark: Why they need a look, such as `no galaxy within 3 arcsec`.
    """
    if rows:
        named = ", ".join(map(str, rows[:MAX_NAMED_ROWS])) + (", ..." if len(rows) > MAX_NAMED_ROWS else "")
        log.print(f"{remark} ({len(rows)}): row {named}", soft_wrap=True)


def print_notes(notes: Sequence[str]) -> None:
    """Say what of a file was left out, a line each."""
    for note in notes:
        log.print(mark_line("note:", "yellow", note), soft_wrap=True)


def unused_file(stem: str, ending: str) -> Path:
    """The first of STEM_001, STEM_002 and so on that is not there yet: no file is written over."""
    return next(path for i in count(1) if not (path := Path(f"{stem}_{i:03d}{ending}")).exists())


def names_in(text: str) -> tuple[str, ...]:
    """The names in a text with commas between them."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def store_answers(
    connection: "psycopg.Connection", task: "Task", words: Sequence[str], labeller: str | None, origin: str
) -> None:
    """Store what the words ID=answer of a command line say, all of them or none.

    Args:
        connection: Open connection as the writer.
        task: The task that is answered.
        words: One ID=answer each; of a task that rates, ID=SCORE.
        labeller: Who says so; None for the account that runs the command.
        origin: Where the labels come from, as the table of labels keeps it.

    Raises:
        WorkflowError: A word is not ID=answer.
        LabelError: An answer is none of the task's, or a galaxy is not there.
    """
    from catalog.tasks.labels import write_labels  # noqa: PLC0415

    labels = [_answer(task, word) for word in words]
    new = write_labels(connection, task, labels, labeller or getpass.getuser(), origin)
    log.print(f"{len(labels)} labels, {new} of them new", soft_wrap=True)


def _answer(task: "Task", word: str) -> "Label":
    from catalog.tasks.label_file import parse_value  # noqa: PLC0415
    from catalog.tasks.labels import Label  # noqa: PLC0415

    identity, equals, value = word.partition("=")
    if not equals or not (identity.isascii() and identity.isdecimal()):
        raise WorkflowError(f"{word!r} is not ID={'SCORE' if task.kind == 'interest' else 'answer'}")
    from galcat.cli.last_batch import find_in_batch  # noqa: PLC0415

    return Label(find_in_batch(task.name, int(identity)), parse_value(task, value))


def _require_release(connection: "psycopg.Connection") -> None:
    from catalog.database.read_only import is_empty  # noqa: PLC0415

    if is_empty(connection):
        raise WorkflowError("the catalogue is empty: fill it with galcat demo or galcat ingest")
