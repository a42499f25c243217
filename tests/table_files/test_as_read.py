"""What is read of odd tables is what was looked at: values, types, gaps, frames, notes and errors.

That each is right is tested beside this, by values that are computed another way. Here nothing may change
unseen. Where it is meant to, `python -m tests.table_files.test_as_read` writes the file anew: look at what
differs.
"""

import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

from catalog.errors import CatalogError
from catalog.tap.uploads.read import read_upload
from table_files.angle import parse_angle, parse_position
from table_files.errors import TableError
from table_files.frame import CoordinateFrame
from table_files.positions import has_positions, read_positions
from table_files.read import read_table
from tests.table_files.odd_binaries import fits_files, parquet_files
from tests.table_files.odd_texts import angle_texts, csv_texts, named_texts
from tests.table_files.odd_typed import typed_tables
from tests.table_files.odd_votables import votables

READ = Path(__file__).parent / "as_read.txt"
MAKERS = (csv_texts, angle_texts, named_texts, typed_tables, votables, fits_files, parquet_files)
FILES = {name: content for make in MAKERS for name, content in make().items()}
CHOICES = (
    "same_name.fits#SKY",
    "same_name.fits#2",
    "chips.fits#0",
    "chips.fits#9",
    "chips.fits#2",
    "others.fits#SKY",
    "others.fits#3",
    "others.fits#NONE",
)
ANGLES = (
    "150.1",
    "10:00:24.1",
    "10h00m24.1s",
    "-2d12m",
    "+2.5",
    ".5",
    "1e2",
    "north",
    "",
    "\u22122:30",
    "10 00 24",
    "25h",
    "12:70:00",
)
POSITIONS = (
    "150.1 2.2",
    "150.1,-2.2",
    "10:01:17.78 +01:58:27.1",
    "10 01 17.78 +01 58 27.1",
    "10h01m17.78s -1d58m27.1s",
    "361 0",
    "0 91",
    "0 -90",
    "360 90",
    "150.1",
    "NGC 1234",
    "10 20 30",
    "10:01:17.78 \u221201:58:27.1",
    "1 2 3 4 5 x",
    "a b",
)


def lines_of(name: str, folder: Path) -> Iterator[str]:
    """A line for each thing that is read of a file."""
    path = folder / name
    file = folder / name.partition("#")[0]
    file.write_bytes(FILES[file.name])
    yield name
    yield from tried("table", lambda: told_table(path), folder)
    yield from tried("positions", lambda: told_positions(path), folder)
    if file == path:
        yield from tried("upload", lambda: told_upload(path), folder)


def tried(what: str, tell: Callable[[], list[str]], folder: Path) -> Iterator[str]:
    try:
        told = tell()
    except (TableError, CatalogError) as error:
        told = [f"{type(error).__name__} {error}"]
    for line in told:
        yield f"{what}: {line.replace(str(folder), 'FOLDER')}"


def told_table(path: Path) -> list[str]:
    table = read_table(path)
    columns = [
        f"{name!r} {column.values.dtype.str} {column.to_list()!r} {column.unit!r} {column.description!r} "
        f"{told_frame(column.frame)}"
        for name, column in table.columns.items()
    ]
    return [*columns, f"{table.n_rows} rows, frame {told_frame(table.frame)}", *table.notes]


def told_frame(frame: CoordinateFrame | None) -> str:
    return "none" if frame is None else f"{frame.system} {frame.equinox} by {frame.keyword}"


def told_positions(path: Path) -> list[str]:
    found = read_positions(read_table(path, accept=has_positions))
    pairs = np.stack([found.ra_deg, found.dec_deg], axis=1).tolist()
    return [f"{found.ra_name} {found.dec_name}", *(f"{ra:.9f} {dec:.9f}" for ra, dec in pairs)]


def told_upload(path: Path) -> list[str]:
    table = read_upload(path, None, "t")
    return [
        *map(repr, table.columns),
        *map(repr, table.rows),
        " ".join(map(told_frame, (table.frame, *table.frames))),
    ]


def told_angles() -> Iterator[str]:
    """The angles and positions that somebody types."""
    yield "angles"
    for text in ANGLES:
        for is_hours in (True, False):
            angle = parsed(partial(parse_angle, text, is_hours=is_hours))
            yield f"{text!r} {'hours' if is_hours else 'degrees'} {angle}"
    for text in POSITIONS:
        yield f"{text!r} {parsed(partial(parse_position, text))}"


def parsed(parse: Callable[[], object]) -> str:
    try:
        found = parse()
    except ValueError as error:
        return (
            f"ValueError {error}" if "nowhere" in str(error) else "ValueError"
        )  # others are astropy's words
    return repr(found)


def blocks() -> dict[str, str]:
    lines = READ.read_text(encoding="utf-8").splitlines()
    return {
        text.partition("\n")[0]: text
        for text in ("\n".join(block) for is_text, block in groupby(lines, bool) if is_text)
    }


NAMES = [*FILES, *CHOICES]


@pytest.mark.parametrize("name", NAMES)
def test_every_table_is_read_as_it_was_when_it_was_looked_at(name: str, tmp_path: Path) -> None:
    assert "\n".join(lines_of(name, tmp_path)) == blocks()[name]


def test_what_was_looked_at_are_the_tables() -> None:
    assert set(blocks()) == {*NAMES, "angles"}


def test_what_somebody_types_is_read_as_it_was() -> None:
    assert "\n".join(told_angles()) == blocks()["angles"]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        texts = ["\n".join(lines_of(name, Path(made))) for name in NAMES]
    READ.write_text("\n\n".join([*texts, "\n".join(told_angles())]) + "\n", encoding="utf-8")
    sys.stdout.write(f"wrote {READ}\n")
