"""Where commands print: text as it is, lines that begin with a mark, bars, rows that need a look."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unicodedata import category

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from rich.progress import Progress


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
        TaskID,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    class Description(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(harmless(task.description))

    class LateProgress(Progress):
        """Begins with its first bar, and leaves no empty line where it leaves no bar."""

        def start(self) -> None:
            if self.tasks:
                super().start()

        def add_task(self, *words: Any, **options: Any) -> TaskID:  # noqa: ANN401 - as rich calls it
            task = super().add_task(*words, **options)
            self.start()
            return task

        def stop(self) -> None:
            if self.live.transient and not self.console.is_interactive:
                self.live.stop()
            elif self.live.is_started:
                super().stop()

    columns = (
        Description(),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("elapsed", style="dim"),
        TimeRemainingColumn(),
        TextColumn("left", style="dim"),
    )
    return LateProgress(*columns, console=log, transient=transient)


@contextmanager
def count_galaxies() -> Iterator[Callable[[int], None]]:
    """A bar of galaxies whose number nobody knows before; gives what is told how many more are done."""
    with progress_bar(transient=True) as progress:
        bar = progress.add_task("galaxies", total=None)
        yield lambda n: progress.advance(bar, n)


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
