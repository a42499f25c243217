"""A table as tests compare it."""

from pathlib import Path

from table_files.read import read_table


def values(path: Path, *names: str, texts: tuple[str, ...] = ()) -> list[list[object]]:
    """The columns as plain values, None where there is none."""
    table = read_table(path, names or None, texts=texts)
    return [column.to_list() for column in table.columns.values()]
