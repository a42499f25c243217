"""A table of a file: columns in numpy's own types, with what is missing and what the file says of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from table_files.errors import MissingColumnError, TableError
from table_files.frame import CoordinateFrame

MAX_NAMES_SHOWN = 12
"""Column names that an error lists."""


@dataclass(frozen=True, eq=False)
class TableColumn:
    """A column of n rows.

    Attributes:
        name: Name of the column as the file has it.
        values: (n,) text as str, numbers and booleans in their own type; arrays as lists, in an array of
            objects. What stands where a value is missing means nothing.
        missing: (n,) whether a row has no value; a NaN is none.
        unit: Unit as the file spells it; empty where it has none.
        description: What the file says of it; empty where it says nothing.
        frame: The frame that a VOTable declares of this very column; None where it declares none.
        ucd: What the file says is measured, a Unified Content Descriptor; empty where it says nothing.
    """

    name: str
    values: NDArray[np.generic]
    missing: NDArray[np.bool_]
    unit: str = ""
    description: str = ""
    frame: CoordinateFrame | None = None
    ucd: str = ""

    @property
    def is_text(self) -> bool:
        """Whether its values are text."""
        return self.values.dtype.kind == "U"

    @property
    def is_array(self) -> bool:
        """Whether each value is a list."""
        return self.values.dtype.kind == "O"

    def to_list(self) -> list[object]:
        """The values as Python has them, None where there is none."""
        values: list[object] = self.values.tolist()
        for i in np.flatnonzero(self.missing).tolist():
            values[i] = None
        return values

    def to_masked(self) -> "np.ma.MaskedArray[tuple[int], np.dtype[np.generic]]":
        """The values masked where there is none; a missing text is empty, a missing float NaN beneath."""
        values = self.values
        if self.missing.any() and values.dtype.kind in "Uf":
            values = values.copy()
            values[self.missing] = "" if values.dtype.kind == "U" else np.nan
        return np.ma.MaskedArray(values, mask=self.missing)


@dataclass(frozen=True, eq=False)
class FileTable:
    """Columns of a table in a file.

    Attributes:
        label: What errors call it: the file, and which of its tables where it has several.
        columns: The columns by their names, in the order of the file or as they were asked for.
        n_rows: How many rows it has.
        frame: The frame of its positions as the file declares it; None where it declares none.
        notes: What of the file was left out, or was said of it there, a line each.
    """

    label: str
    columns: Mapping[str, TableColumn]
    n_rows: int
    frame: CoordinateFrame | None = None
    notes: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> TableColumn:
        """Give the column of this name.

        Raises:
            TableError: There is none of that name.
        """
        if name not in self.columns:
            raise MissingColumnError(f"{self.label}: no column {name!r}; it has {list_names(self.columns)}")
        return self.columns[name]


def list_names(names: Mapping[str, object] | Sequence[str]) -> str:
    """The first names of columns, for an error."""
    shown = list(names)
    return ", ".join(shown[:MAX_NAMES_SHOWN]) + " ..." * (len(shown) > MAX_NAMES_SHOWN)


def make_table(
    label: str, columns: Sequence[TableColumn], n_rows: int, frame: CoordinateFrame | None
) -> FileTable:
    """A table of columns.

    Raises:
        TableError: Two have the same name.
    """
    by_name: dict[str, TableColumn] = {}
    for column in columns:
        if column.name in by_name:
            raise TableError(f"{label}: two columns are called {column.name!r}: rename one")
        by_name[column.name] = column
    return FileTable(label, MappingProxyType(by_name), n_rows, frame)


def decode_bytes(value: bytes) -> str:
    """Bytes as the text that they are in UTF-8; those of no text in hexadecimal, so that none is lost."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return f"0x{value.hex()}"
    return f"0x{value.hex()}" if "\0" in text else text


def pack_values(
    values: Sequence[object], *, is_text: bool = False, dtype: str | None = None
) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
    """Plain values as an array, and which are missing.

    Args:
        values: The values, n; None where one is missing.
        is_text: Whether they are text.
        dtype: The type of numbers and booleans as numpy spells it; None for lists.
    """
    missing = np.array([value is None for value in values], dtype=np.bool_)
    if is_text:
        return np.array(["" if value is None else value for value in values], dtype=np.str_), missing
    if dtype is not None:
        return np.array([0 if value is None else value for value in values], dtype=dtype), missing
    packed = np.empty(len(values), dtype=object)
    packed[:] = values
    return packed, missing
