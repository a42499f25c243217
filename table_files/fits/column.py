"""A column of a FITS binary table: its layout, and its cells as plain values."""

import re
from dataclasses import dataclass

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from table_files.column_meta import ColumnMeta
from table_files.errors import TableError
from table_files.table import pack_values

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
_FLOATS = {"float", "double"}
_WIDTHS = {"L": 1, "B": 1, "A": 1, "I": 2, "J": 4, "K": 8, "E": 4, "D": 8, "C": 8, "M": 16, "P": 8, "Q": 16}
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
            TableError: An array lies outside of the heap, or has a NULL within.
        """
        if self.is_variable:
            parts = [self._part(n, at, heap) for n, at in cells.tolist()]
            return [_decode(part.tobytes()) if self.code == "A" else self._array(part) for part in parts]
        if self.code == "A":
            return [_decode(cell.tobytes()) for cell in cells]
        return [self._array(cell) for cell in cells] if self.meta.is_array else self._plain(cells)

    def array(self, cells: NDArray[np.generic], heap: bytes) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
        """The values of all rows in numpy's own types, and where there is none.

        Args:
            cells: The cells as they lie in the file, (n,) or (n, width).
            heap: The bytes behind the table, which hold arrays of variable length.

        Returns:
            The values, (n,): text as str, whole numbers with and without sign in their own width, arrays as
            lists in an array of objects; and (n,) whether a row has no value.

        Raises:
            TableError: An array lies outside of the heap, or has a NULL within.
        """
        if self.meta.is_text or self.meta.is_array:
            return pack_values(self.values(cells, heap), is_text=self.meta.is_text)
        if self.code == "L":
            return cells == ord("T"), ~np.isin(cells, list(_TRUTH))
        missing = np.zeros(len(cells), dtype=np.bool_) if self.null is None else cells == self.null
        values = self._scale_cells(cells)
        return values, missing | np.isnan(values) if values.dtype.kind == "f" else missing

    def _scale_cells(self, cells: NDArray[np.generic]) -> NDArray[np.generic]:
        native = cells.astype(cells.dtype.newbyteorder("="))
        scale, zero = self.scale
        if (scale, zero) == (1, 0):
            return native
        if scale == 1 and (self.code, zero) in _UNSIGNED:  # the top bit is the other way round
            flipped = native.view(f"u{native.itemsize}") ^ (1 << (8 * native.itemsize - 1))
            return flipped.view(f"{'i' if self.code == 'B' else 'u'}{native.itemsize}")
        if self.meta.datatype == "long":
            return self._shift(native, int(zero))
        return native.astype(np.float64) * scale + zero

    def _shift(self, native: NDArray[np.generic], zero: int) -> NDArray[np.generic]:
        shifted = [0 if number == self.null else number + zero for number in native.tolist()]
        for dtype in ("i8", "u8"):
            try:
                return np.array(shifted, dtype=dtype)
            except OverflowError:
                continue
        raise TableError(f"column {self.meta.name} has a whole number of more than 64 bits")

    def _part(self, n: int, at: int, heap: bytes) -> NDArray[np.generic]:
        dtype = np.dtype(_DTYPES[self.code])
        if n < 0 or at < 0 or at + n * dtype.itemsize > len(heap):
            raise TableError(f"column {self.meta.name}: an array lies outside of the file")
        return np.frombuffer(heap, dtype, n, at)

    def _array(self, cell: NDArray[np.generic]) -> list[object] | None:
        values = self._plain(cell)
        n_missing = values.count(None)
        if n_missing and n_missing == len(values):
            return None
        if self.meta.datatype in _FLOATS:
            return [float("nan") if value is None else value for value in values]
        if n_missing:
            raise TableError(f"column {self.meta.name}: an array with a NULL in it")
        return values

    def _plain(self, cells: NDArray[np.generic]) -> list[object]:
        numbers = cells.tolist()
        if self.code == "L":
            return [_TRUTH.get(number) for number in numbers]
        scale, zero = self.scale
        if self.meta.datatype in _FLOATS and self.scale != (1, 0):
            numbers = [None if number == self.null else number * scale + zero for number in numbers]
        elif zero:
            numbers = [None if number == self.null else number + int(zero) for number in numbers]
        return [None if number == self.null or number != number else number for number in numbers]  # noqa: PLR0124 - NaN


def parse_fits_column(header: fits.Header, i: int) -> FitsColumn:
    """Read what the header says of the i-th column, counted from 1.

    Raises:
        TableError: Its type cannot be stored; names the column.
    """
    name, form = column_name(header, i), str(header.get(f"TFORM{i}", "")).strip()
    found = re.fullmatch(r"(\d{0,8})([PQ]?)([LBAIJKED])(\(\d*\))?\s*", form)
    if found is None:
        raise TableError(f"column {name} has the form {form or 'nothing'}, which cannot be stored")
    repeat, pointer, code = int(found[1] or 1), found[2], found[3]
    is_shaped = len(str(header.get(f"TDIM{i}", "")).split(",")) > 1
    if is_shaped or (pointer and repeat != 1):
        raise TableError(f"column {name} holds arrays of more than one dimension, which cannot be stored")
    scale, zero, null = (header.get(f"{key}{i}", usual) for key, usual in _SCALES.items())
    if not all(isinstance(number, int | float) for number in (scale, zero)) or isinstance(null, str):
        raise TableError(f"column {name} has a scale or a NULL that is no number")
    datatype = _DATATYPES[code]
    if (scale, zero) != (1, 0) and code not in "ED":
        datatype = _datatype_of_scaled(code, scale, zero)
    if code in "ED":
        null = None  # which only whole numbers have: of others NaN says it
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


def column_name(header: fits.Header, i: int) -> str:
    """The name of the i-th column, counted from 1; its place, such as col3, where the header names none."""
    return str(header.get(f"TTYPE{i}", "")).strip() or f"col{i}"


def _datatype_of_scaled(code: str, scale: float, zero: float) -> str:
    """Whole numbers that are only shifted stay whole numbers, with every digit."""
    if scale != 1 or not float(zero).is_integer():
        return "double"
    return _UNSIGNED.get((code, int(zero)), "long")


def column_width(header: fits.Header, i: int) -> int:
    """How many bytes the i-th column, counted from 1, takes in each row, whatever its type.

    Raises:
        TableError: The header does not say it.
    """
    form = str(header.get(f"TFORM{i}", "")).strip()
    found = re.match(r"(\d{0,8})([LXBAIJKEDCMPQ])", form)
    if found is None:
        raise TableError(f"column {header.get(f'TTYPE{i}', i)} has the form {form or 'nothing'}")
    repeat = int(found[1] or 1)
    return (repeat + 7) // 8 if found[2] == "X" else repeat * _WIDTHS[found[2]]


def _decode(cell: bytes) -> str | None:
    """Text that ends at its first NUL; the blanks behind are padding."""
    text = cell.split(b"\0")[0].rstrip(b" ")
    try:
        return text.decode() or None
    except UnicodeDecodeError:
        return text.decode("latin-1")
