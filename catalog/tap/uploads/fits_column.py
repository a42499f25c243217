"""A column of a FITS binary table: its layout, and its cells as plain values."""

import re
from dataclasses import dataclass

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from catalog.columns import ColumnMeta
from catalog.formats.datatypes import FLOATS
from catalog.tap.uploads.uploaded import UploadError

_DTYPES = {"L": "u1", "B": "u1", "A": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8"}
_DATATYPES = {
    "L": "boolean",
    "B": "short",
    "A": "char",
    "I": "short",
    "J": "int",
    "K": "long",
    "E": "float",
    "D": "double",
}
_UNSIGNED = {("I", 2**15): "int", ("J", 2**31): "long", ("K", 2**63): "long", ("B", -128): "short"}
"""What a column holds that is shifted so: integers of the other signedness."""
_SCALES = {"TSCAL": 1, "TZERO": 0, "TNULL": None}
_TRUTH = {ord("T"): True, ord("F"): False}


@dataclass(frozen=True)
class FitsColumn:
    """A column as the header of its FITS table declares it.

    Attributes:
        meta: The column as it will be stored.
        code: The letter of its type in FITS, such as J for 32-bit integers.
        dtype: The numpy type of its numbers, or of the descriptors of its arrays where these lie behind the
            table.
        shape: The shape of a cell, counted in numbers of that type; empty for a scalar.
        is_variable: Whether its arrays lie behind the table, in the heap.
        null: The integer that stands for NULL (TNULL); None where there is none.
        scale: TSCAL and TZERO: a stored number times the first plus the second is the value.
    """

    meta: ColumnMeta
    code: str
    dtype: str
    shape: tuple[int, ...]
    is_variable: bool
    null: int | None
    scale: tuple[float, float]

    def values(self, cells: NDArray[np.generic], heap: bytes) -> list[object]:
        """Plain values of some rows; TNULL, NaN, empty text and an array of nothing else are None.

        Args:
            cells: The cells as they lie in the file, (n,) or (n, width).
            heap: The bytes behind the table, which hold arrays of variable length.

        Raises:
            UploadError: An array lies outside of the heap, or has a NULL within.
        """
        if self.is_variable:
            parts = [self._part(n, at, heap) for n, at in cells.tolist()]
            return [_decode(part.tobytes()) if self.code == "A" else self._array(part) for part in parts]
        if self.code == "A":
            return [_decode(cell.tobytes()) for cell in cells]
        return [self._array(cell) for cell in cells] if self.meta.is_array else self._plain(cells)

    def _part(self, n: int, at: int, heap: bytes) -> NDArray[np.generic]:
        dtype = np.dtype(_DTYPES[self.code])
        if n < 0 or at < 0 or at + n * dtype.itemsize > len(heap):
            raise UploadError(f"column {self.meta.name}: an array lies outside of the file")
        return np.frombuffer(heap, dtype, n, at)

    def _array(self, cell: NDArray[np.generic]) -> list[object] | None:
        values = self._plain(cell)
        n_missing = values.count(None)
        if n_missing and n_missing == len(values):
            return None
        if self.meta.datatype in FLOATS:
            return [float("nan") if value is None else value for value in values]
        if n_missing:
            raise UploadError(f"column {self.meta.name}: an array with a NULL in it")
        return values

    def _plain(self, cells: NDArray[np.generic]) -> list[object]:
        numbers = cells.tolist()
        if self.code == "L":
            return [_TRUTH.get(number) for number in numbers]
        scale, zero = self.scale
        if self.meta.datatype in FLOATS and self.scale != (1, 0):
            numbers = [None if number == self.null else number * scale + zero for number in numbers]
        elif zero:
            numbers = [None if number == self.null else number + int(zero) for number in numbers]
        return [None if number == self.null or number != number else number for number in numbers]  # noqa: PLR0124 - NaN


def parse_fits_column(header: fits.Header, i: int) -> FitsColumn:
    """Read what the header says of the i-th column, counted from 1.

    Raises:
        UploadError: Its type cannot be stored; names the column.
    """
    name, form = str(header.get(f"TTYPE{i}", "")), str(header.get(f"TFORM{i}", "")).strip()
    found = re.fullmatch(r"(\d{0,8})([PQ]?)([LBAIJKED])(\(\d*\))?\s*", form)
    if found is None:
        raise UploadError(f"column {name} has the form {form or 'nothing'}, which cannot be stored")
    repeat, pointer, code = int(found[1] or 1), found[2], found[3]
    is_shaped = len(str(header.get(f"TDIM{i}", "")).split(",")) > 1
    if is_shaped or (pointer and repeat != 1):
        raise UploadError(f"column {name} holds arrays of more than one dimension, which cannot be stored")
    scale, zero, null = (header.get(f"{key}{i}", usual) for key, usual in _SCALES.items())
    if not all(isinstance(number, int | float) for number in (scale, zero)) or isinstance(null, str):
        raise UploadError(f"column {name} has a scale or a NULL that is no number")
    datatype = _DATATYPES[code]
    if (scale, zero) != (1, 0) and code not in "ED":
        datatype = _UNSIGNED.get((code, zero), "double") if scale == 1 else "double"
    arraysize = "*" if pointer or code == "A" else ("" if repeat == 1 else str(repeat))
    meta = ColumnMeta(
        name,
        datatype,
        arraysize,
        unit=str(header.get(f"TUNIT{i}", "")),
        ucd=str(header.get(f"TUCD{i}", "")),
        description=str(header.get(f"TCOMM{i}", "")),
    )
    shape = (2,) if pointer else ((repeat,) if meta.is_array or code == "A" else ())
    dtype = {"": _DTYPES[code], "P": ">i4", "Q": ">i8"}[pointer]
    return FitsColumn(meta, code, dtype, shape, bool(pointer), null, (scale, zero))


def _decode(cell: bytes) -> str | None:
    """Text that ends at its first NUL; the blanks behind are padding."""
    text = cell.split(b"\0")[0].rstrip(b" ")
    try:
        return text.decode() or None
    except UnicodeDecodeError:
        return text.decode("latin-1")
