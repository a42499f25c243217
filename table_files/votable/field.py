"""A FIELD of a VOTable: what it declares, and how the values in its cells are read."""

import math
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass

from table_files.column_meta import ColumnMeta
from table_files.errors import TableError
from table_files.limits import MAX_IN_CELL, MAX_IN_ROW

SIZES = {"boolean": 1, "bit": 1, "unsignedByte": 1, "short": 2, "int": 4, "long": 8, "float": 4, "double": 8}
_XTYPES = {"adql:timestamp": "timestamp"}
_TRUTH = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False, "?": None, "": None}
_FLOATS = {"float", "double"}
_COMPLEX = {"floatComplex": 8, "doubleComplex": 16}
_SHAPE = re.compile(r"|(\d{1,9}x)*(\d{1,9}\*?|\*)")
_MAX_CELL_CHARACTERS = 4_000_000
_MAX_NUMBER_CHARACTERS = 100
_SHOWN = 50


@dataclass(frozen=True)
class VotableField:
    """A column as its VOTable declares it.

    Attributes:
        meta: The column as it will be stored: an unsignedByte as a short, a bit as a boolean.
        datatype: The datatype as the FIELD declares it.
        length: The number of characters of a text, or of numbers of an array, where that is fixed; 1 for a
            scalar; None where the length varies.
        null: The number or text that stands for NULL; None where there is none.
        reference: The identifier of the element that the FIELD refers to, such as its COOSYS; or empty.
        unreadable: Why its values cannot be read, in words that follow its name; empty where they can.
        inner: Of one that cannot be read, how many values each step of a varying length has.
    """

    meta: ColumnMeta
    datatype: str
    length: int | None
    null: float | str | None
    reference: str = ""
    unreadable: str = ""
    inner: int = 1

    def parse_cell(self, text: str) -> object:
        """Read the value of a cell of TABLEDATA.

        Raises:
            ValueError: It is none of the column's datatype.
        """
        if self.unreadable:
            return None
        if self.meta.is_text:
            return self.replace_null(text) or None
        if not self.meta.is_array:
            return self.replace_null(self._scalar(text.strip()))
        if len(text) > _MAX_CELL_CHARACTERS:
            raise ValueError(f"an array of {len(text):,} characters, {_MAX_CELL_CHARACTERS:,} are the most")
        parts = text.replace(",", " ").split(maxsplit=MAX_IN_CELL)
        require_short_array(len(parts))
        return self.replace_null([self._scalar(part) for part in parts]) if parts else None

    def n_bytes(self, n: int) -> int:
        """How many bytes n values take in BINARY; of a column that cannot be read, n steps of its length.

        Raises:
            ValueError: Nobody knows, since no VOTable has its type.
        """
        sizes = {**SIZES, **_COMPLEX, "char": 1, "unicodeChar": 2}
        if self.datatype not in sizes:
            raise ValueError(f"column {self.meta.name} {self.unreadable}")
        n *= self.inner if self.length is None else 1
        if self.datatype == "bit":
            return (n + 7) // 8
        return n * sizes[self.datatype]

    def replace_null(self, value: object) -> object:
        """Replace what stands for NULL by None: NaN, the number declared so, or an array of these alone.

        Raises:
            ValueError: The array is not as long as it must be, or has a NULL among whole numbers.
        """
        if not isinstance(value, list):
            return None if value != value or self._is_null(value) else value  # noqa: PLR0124 - NaN
        if self.length is not None and len(value) != self.length:
            raise ValueError(f"an array of {len(value)}, where {self.length} are expected")
        if self.datatype in _FLOATS:
            value = [float("nan") if self._is_null(one) else one for one in value]
            return None if self.length and all(one != one for one in value) else value  # noqa: PLR0124 - NaN
        missing = [one is None or self._is_null(one) for one in value]
        if any(missing) and not all(missing):
            raise ValueError("an array with a NULL in it")
        return None if any(missing) else value

    def _is_null(self, value: object) -> bool:
        if self.null is None:
            return False
        if self.datatype == "float" and isinstance(value, float):
            return _round_to_float(value) == self.null
        return value == self.null

    def _scalar(self, text: str) -> bool | int | float | None:
        if self.meta.datatype == "boolean":
            if text.lower() not in _TRUTH:
                raise ValueError(f"{text[:_SHOWN]!r} is no boolean")
            return _TRUTH[text.lower()]
        if not text:
            return None
        try:
            if self.datatype in _FLOATS and "_" not in text:
                return float(text)
            return _parse_integer(text)
        except ValueError:
            raise ValueError(f"{text[:_SHOWN]!r} is no {self.datatype}") from None


def _why_unreadable(datatype: str, arraysize: str) -> str:
    if datatype not in {*SIZES, *_COMPLEX, "char", "unicodeChar"}:
        return f"is of the type {datatype or 'nothing'}, which no VOTable has"
    if datatype in _COMPLEX:
        return f"is of the type {datatype}, which cannot be stored"
    if datatype == "bit" and arraysize not in {"", "1"}:
        return "is of the type bit with several a row, which cannot be stored"
    if "x" in arraysize:
        return f"has the shape {arraysize}: only arrays of one dimension can be stored"
    return ""


def _parse_integer(text: str) -> int:
    if len(text) > _MAX_NUMBER_CHARACTERS or "_" in text:  # Python itself takes either for a number
        raise ValueError("no number")
    return int(text, 16) if text.lower().startswith("0x") else int(text)


def require_short_array(n: int) -> None:
    """Refuse an array of too many numbers.

    Raises:
        ValueError: There are more than `MAX_IN_CELL`.
    """
    if n > MAX_IN_CELL:
        raise ValueError(f"an array of more than {MAX_IN_CELL:,} numbers")


def require_short_row(n: int) -> None:
    """Refuse a row whose arrays have too many numbers.

    Raises:
        ValueError: There are more than `MAX_IN_ROW`.
    """
    if n > MAX_IN_ROW:
        raise ValueError(f"arrays of more than {MAX_IN_ROW:,} numbers in one row")


def parse_field(attributes: Mapping[str, str], null: str, description: str) -> VotableField:
    """Read the column that a FIELD declares.

    Args:
        attributes: The attributes of the FIELD element.
        null: The value of `null` of its VALUES element; empty where it has none.
        description: The text of its DESCRIPTION element; empty where it has none.

    Raises:
        TableError: Its type cannot be stored; names the column.
    """
    name = attributes.get("name") or attributes.get("ID") or ""
    datatype, arraysize = attributes.get("datatype", ""), attributes.get("arraysize", "").strip()
    if not _SHAPE.fullmatch(arraysize):
        raise TableError(f"column {name} has the shape {arraysize}, which no VOTable has")
    unreadable = _why_unreadable(datatype, arraysize)
    if unreadable:
        sizes = [int(size) for size in arraysize.rstrip("*").rstrip("x").split("x") if size]
        inner = math.prod(sizes)
        meta = ColumnMeta(name, "char", "*")
        length = None if arraysize.endswith("*") else inner
        return VotableField(meta, datatype, length, None, unreadable=unreadable, inner=inner)
    is_text = datatype in {"char", "unicodeChar"}
    meta = ColumnMeta(
        name=name,
        datatype={"unsignedByte": "short", "bit": "boolean", "unicodeChar": "char"}.get(datatype, datatype),
        arraysize="*" if is_text else ("" if arraysize == "1" else arraysize),
        xtype=_XTYPES.get(attributes.get("xtype", "").lower(), attributes.get("xtype", "")),
        unit=attributes.get("unit", ""),
        ucd=attributes.get("ucd", ""),
        description=" ".join(description.split()),
    )
    length = None if arraysize.endswith("*") else int(arraysize or 1)
    return VotableField(meta, datatype, length, _parse_null(null, datatype), attributes.get("ref", ""))


def _parse_null(null: str, datatype: str) -> float | str | None:
    """What stands for NULL; None where the attribute is empty, or no value of the column's datatype."""
    if datatype in {"char", "unicodeChar"}:
        return null or None
    if datatype in {"boolean", "bit"}:
        return _TRUTH.get(null.strip().lower())
    try:
        if datatype == "float":
            return _round_to_float(float(null))
        return float(null) if datatype == "double" else _parse_integer(null.strip())
    except ValueError:
        return None


def _round_to_float(value: float) -> float:
    """The nearest number of 32 bits, which is what a column of floats holds."""
    try:
        return float(struct.unpack(">f", struct.pack(">f", value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)
