"""Which of the tables of a file is wanted: by its columns, or by its name or number behind a #."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from table_files.errors import MissingColumnError, TableError
from table_files.frame import CoordinateFrame
from table_files.table import TableColumn, list_names


@dataclass(frozen=True, eq=False)
class OpenTable:
    """A table of a file, of which the columns are read when they are wanted.

    Attributes:
        name: What the file calls it; empty where it has no name.
        column_names: The names of its columns, in their order.
        n_rows: How many rows it has.
        frame: The frame of its positions; None where none is declared.
        read: Reads a column by its name.
        unreadable: The columns whose kind of value cannot be read, and why.
        notes: What else somebody should know of it, a line each.
    """

    name: str
    column_names: Sequence[str]
    n_rows: int
    frame: CoordinateFrame | None
    read: Callable[[str], TableColumn]
    unreadable: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Choice:
    """The tables that were chosen, whose rows follow one another, and what to say of the others."""

    tables: list[OpenTable]
    notes: tuple[str, ...]


def split_choice(path: Path) -> tuple[Path, str]:
    """A path such as `list.fits#2` as that of the file and what stands behind the #; empty where none does.

    A file whose own name has a # is taken by its whole name.
    """
    name, mark, chosen = path.name.rpartition("#")
    if not mark or not name or _is_file(path):
        return path, ""
    return path.with_name(name), chosen


def choose_tables(
    tables: list[OpenTable],
    chosen: str,
    names: Sequence[str] | None,
    accept: Callable[[Sequence[str]], bool] | None,
) -> Choice:
    """The tables of a file that are wanted, which all have the columns that are read.

    Args:
        tables: All tables of the file.
        chosen: The name or the number, from 1, of the one that somebody chose; empty for those that have the
            columns.
        names: The columns to read; None for all.
        accept: Whether a table with columns of these names is one that is wanted; None for any.

    Raises:
        TableError: No table has the columns or the name, or several have the columns and differ in others.
    """
    if chosen:
        return Choice([_find(tables, chosen)], ())
    wanted = [
        table
        for table in tables
        if set(names or ()) <= set(table.column_names) and (accept is None or accept(table.column_names))
    ]
    if not wanted and len(tables) == 1:
        wanted = tables  # whoever asks for a column says what is missing
    if not wanted:
        raise MissingColumnError(f"none of its {len(tables)} tables has the columns: {_describe(tables)}")
    if len({tuple(names or table.column_names) for table in wanted}) > 1:
        raise TableError(
            f"it has {len(wanted)} tables with different columns: {_describe(wanted)}; say which is meant "
            "by its number or name behind the file's, such as FILE#2"
        )
    return Choice(wanted, _note(tables, wanted))


def _find(tables: list[OpenTable], chosen: str) -> OpenTable:
    found = [table for table in tables if table.name == chosen]
    if len(found) == 1:
        return found[0]
    if not found and chosen.isdecimal() and 1 <= int(chosen) <= len(tables):
        return tables[int(chosen) - 1]
    many = f"{len(found)} tables are called {chosen!r}" if found else f"it has no table {chosen!r}"
    raise TableError(f"{many}; its tables are {_describe(tables)}")


def _note(tables: list[OpenTable], wanted: Collection[OpenTable]) -> tuple[str, ...]:
    """One line of what was read of several tables; none where there is one."""
    if len(tables) == 1:
        return ()
    numbers = {id(table): i for i, table in enumerate(tables, 1)}
    read = ", ".join(_name(numbers[id(table)], table) for table in wanted)
    others = [table for table in tables if table not in wanted]
    said = f"of its {len(tables)} tables the rows of {read} were read"
    if not others:
        return (said + ", one after the other",)
    left_out = ", ".join(_name(numbers[id(table)], table) for table in others)
    return (f"{said}, and {left_out} left out: other columns",)


def _describe(tables: list[OpenTable]) -> str:
    return "; ".join(
        f"{_name(i, table)}: {list_names(table.column_names)}" for i, table in enumerate(tables, 1)
    )


def _name(number: int, table: OpenTable) -> str:
    return f"{number} ({table.name})" if table.name else str(number)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False
