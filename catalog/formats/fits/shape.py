"""What must be known of a whole column before its FITS table can begin: its width, and a number for NULL."""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from catalog.columns import ColumnMeta
from catalog.errors import QueryError
from catalog.formats.datatypes import NUMBERS, WHOLE, length

_CANDIDATES = 32


@dataclass
class FitsShape:
    """A column of a FITS table, known better with every batch of rows.

    Attributes:
        column: The column that the table will hold.
        widest: The number of characters of the longest text, or of numbers of the longest array, so far.
        narrowest: The number of numbers of the shortest array so far; None before there is one.
        elements: The number of numbers in all arrays so far.
        has_null: Whether a whole number was NULL so far.
    """

    column: ColumnMeta
    widest: int = 0
    narrowest: int | None = None
    elements: int = 0
    has_null: bool = False
    _free: NDArray[np.signedinteger | np.unsignedinteger] = field(init=False)

    def __post_init__(self) -> None:
        limits = np.iinfo(NUMBERS[self.column.datatype] if self.column.datatype in WHOLE else "i8")
        half = np.arange(_CANDIDATES // 2, dtype=limits.dtype)
        self._free = np.concatenate([limits.min + half, limits.max - half])
        if self.column.is_text:
            self.widest = 1
        elif self.column.is_array:
            self.widest = length(self.column) or 0

    def see(self, values: pa.Array) -> None:
        """Take a batch's values into account."""
        if self.column.is_text:
            self.widest = max(self.widest, _greatest(pc.binary_length(values)))
        if self.column.is_array:
            lengths = pc.list_value_length(values.drop_null())
            self.widest = max(self.widest, _greatest(lengths))
            self.elements += pc.sum(lengths).as_py() or 0
            shortest = pc.min(lengths).as_py()
            if shortest is not None:
                self.narrowest = shortest if self.narrowest is None else min(shortest, self.narrowest)
        if self.column.datatype in WHOLE:
            self.has_null = self.has_null or values.null_count > 0
            flat = values.flatten() if self.column.is_array else values.drop_null()
            self._free = self._free[~np.isin(self._free, flat.to_numpy())]

    @property
    def is_variable(self) -> bool:
        """Whether its arrays have different lengths, or none at all, and so lie behind the table."""
        if not self.column.is_array or length(self.column) is not None:
            return False
        return self.narrowest != self.widest or not self.widest

    @property
    def null(self) -> int | None:
        """The whole number that stands for NULL: none that the column holds; None where nothing is NULL.

        Raises:
            QueryError: The column holds all that were considered, the ends of its range.
        """
        if not self.has_null or self.is_variable:
            return None
        if not len(self._free):
            raise QueryError(f"column {self.column.name}: no number is left for NULL in FITS")
        return int(self._free[0])


def _greatest(numbers: pa.Array) -> int:
    return pc.max(numbers).as_py() or 0
