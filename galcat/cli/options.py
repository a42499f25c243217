"""Options that mean the same in every command, and how their values are read."""

from itertools import count
from pathlib import Path
from typing import Annotated

import typer

from catalog.formats.result_file import FILE_FORMATS

THE_ANSWER = "How the answer is shown"
A_LIST = "A list of positions"
A_PICTURE = "A picture"


def _lower(word: str) -> str:
    return word.lower()


Format = Annotated[
    str,
    typer.Option(
        "--format",
        "-f",
        help=f"table or {', '.join(FILE_FORMATS)}.",
        callback=_lower,
        show_default=False,
        rich_help_panel=THE_ANSWER,
    ),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", help="File to write; without it, the terminal.", rich_help_panel=THE_ANSWER
    ),
]
Wide = Annotated[
    bool,
    typer.Option("--wide", help="Every column, however wide the terminal.", rich_help_panel=THE_ANSWER),
]
OneALine = Annotated[
    bool,
    typer.Option("--one-a-line", "-G", help="Every column, a value a line.", rich_help_panel=THE_ANSWER),
]
FrameOption = Annotated[
    str,
    typer.Option(
        "--frame",
        help="What the network sees: found (the default), whole, 0.6 of the width, 24arcsec.",
        show_default=False,
        rich_help_panel=A_PICTURE,
    ),
]
PixelScale = Annotated[
    float | None,
    typer.Option(help="Arcsec of a pixel, for a --frame in arcsec.", rich_help_panel=A_PICTURE),
]
Threads = Annotated[
    int | None, typer.Option(help="CPU threads of the network; without it, all cores.", min=1)
]
Device = Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1, mps; without it, the best there is.")]
Sheet = Annotated[Path | None, typer.Option(help="Contact sheet to draw, PNG.", rich_help_panel=THE_ANSWER)]
Number = Annotated[int, typer.Option("-n", help="How many galaxies.", min=1)]
RaColumn = Annotated[
    str | None, typer.Option(help="Column of RA, if not by a usual name.", rich_help_panel=A_LIST)
]
DecColumn = Annotated[
    str | None, typer.Option(help="Column of Dec, if not by a usual name.", rich_help_panel=A_LIST)
]
TaskName = Annotated[str, typer.Argument(metavar="NAME", help="Name of the task.")]
Labeller = Annotated[
    str | None, typer.Option("--labeller", help="Who says so; without it, your account on this machine.")
]


def unused_file(stem: str, ending: str) -> Path:
    """The first of STEM_001, STEM_002 and so on that is not there yet: no file is written over."""
    return next(path for i in count(1) if not (path := Path(f"{stem}_{i:03d}{ending}")).exists())


def names_in(text: str) -> tuple[str, ...]:
    """The names in a text with commas between them."""
    return tuple(name.strip() for name in text.split(",") if name.strip())
