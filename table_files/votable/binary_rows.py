"""Reads rows of a VOTable in BINARY or BINARY2 (VOTable 1.4, section 5)."""

import struct
from collections.abc import Iterator, Sequence

from table_files.errors import TableError
from table_files.row_table import Row
from table_files.votable.field import SIZES, VotableField, require_short_array, require_short_row

_CODES = {"unsignedByte": "B", "short": "h", "int": "i", "long": "q", "float": "f", "double": "d"}
_TRUTH = {**dict.fromkeys(b"Tt1", True), **dict.fromkeys(b"Ff0", False)}


class _EndedError(Exception):
    """The stream ends within a row."""


def read_binary_rows(data: bytes, fields: Sequence[VotableField], *, has_flags: bool) -> Iterator[Row]:
    """Read the rows of a stream.

    Args:
        data: The bytes of the stream, decoded from base64.
        fields: The columns, in their order.
        has_flags: Whether the stream is BINARY2, where each row begins with one bit for each column that is
            set where its value is NULL. In BINARY empty text is NULL.

    Raises:
        TableError: The stream ends within a row, or a value is none of its datatype; names the row.
    """
    width = (len(fields) + 7) // 8 if has_flags else 0
    reader, row = _Reader(data), 0
    while reader.at < len(data):
        row += 1
        try:
            flags = int.from_bytes(reader.take(width)) >> (8 * width - len(fields)) if has_flags else 0
            values = reader.values(fields)
        except _EndedError:
            raise TableError(f"its data end in the middle of row {row}") from None
        except (ValueError, struct.error) as error:
            raise TableError(f"row {row} cannot be read: {error}") from None
        if has_flags:
            yield tuple(
                None if flags >> i & 1 else v for i, v in zip(_bit_positions(fields), values, strict=True)
            )
        else:
            yield tuple(None if value == "" else value for value in values)


def _bit_positions(fields: Sequence[VotableField]) -> range:
    return range(len(fields) - 1, -1, -1)


class _Reader:
    """A place in the stream."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def take(self, n: int) -> bytes:
        """The next n bytes."""
        taken = self._data[self.at : self.at + n]
        if n < 0 or len(taken) < n:
            raise _EndedError
        self.at += n
        return taken

    def values(self, fields: Sequence[VotableField]) -> list[object]:
        """The cells of the next row."""
        values: list[object] = []
        n_numbers = 0
        for field in fields:
            value = self.value(field)
            n_numbers += len(value) if isinstance(value, list) else 0
            require_short_row(n_numbers)
            values.append(value)
        return values

    def value(self, field: VotableField) -> object:
        """The value of the next cell; NaN and numbers that stand for NULL are None."""
        n = field.length
        if n is None:
            (n,) = struct.unpack(">i", self.take(4))
        if field.unreadable:
            self.take(field.n_bytes(n))
            return None
        if field.meta.is_array:
            require_short_array(n)
        if field.datatype == "char":
            return field.replace_null(_decode(self.take(n).split(b"\0")[0]))
        if field.datatype == "unicodeChar":
            return field.replace_null(self.take(2 * n).decode("utf-16-be").split("\0")[0])
        cells = self.take(n * SIZES[field.datatype])
        if field.datatype == "bit":
            return cells != b"\0"  # writers differ in which bit of the byte it is
        if field.datatype == "boolean":
            values: list[object] = [_TRUTH.get(one) for one in cells]
        else:
            values = list(struct.unpack(f">{n}{_CODES[field.datatype]}", cells))
        return field.replace_null(values if field.meta.is_array else values[0])


def _decode(text: bytes) -> str:
    """Text that should be ASCII: most who write more write UTF-8."""
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text.decode("latin-1")
