"""JSON, streamed: {"metadata": [{"name": ...}, ...], "data": [[...], ...], "overflow": false}, or records.

NULL, NaN and infinities are null, for JSON has none of them; whole numbers are exact, of 64 bits too.
An answer that broke off has an "error" at its end.
"""

import json
import math
from collections.abc import Iterator, Sequence

from catalog.columns import ColumnMeta
from catalog.formats.texts import Spelling, texts
from catalog.formats.writer import Ending, Heading, Row

_JSON = Spelling(json.dumps, null="null", special=("null", "null", "null"), brackets=("[", ",", "]"))
_DESCRIBED = ("datatype", "arraysize", "xtype", "unit", "ucd", "description")


class JsonWriter:
    """Writes one JSON object, with a line for each row."""

    def start(self, columns: Sequence[ColumnMeta], _: Heading) -> bytes:
        """Give the object up to its rows: what the columns are."""
        self._columns, self._between = tuple(columns), "\n"
        metadata = [_describe(column) for column in columns]
        return f'{{"metadata": {json.dumps(metadata)},\n"data": ['.encode()

    def rows(self, rows: Sequence[Row]) -> bytes:
        """Give some rows."""
        if not rows:
            return b""
        values = zip(*rows, strict=True)
        cells = [texts(column, value, _JSON) for column, value in zip(self._columns, values, strict=True)]
        lines = ",\n".join(f"[{','.join(row)}]" for row in zip(*cells, strict=True))
        before, self._between = self._between, ",\n"
        return (before + lines).encode()

    def end(self, ending: Ending) -> Iterator[bytes]:
        """Give the end of the object: whether the answer was cut, or broke off."""
        error = f', "error": {json.dumps(ending.error)}' if ending.error else ""
        yield f'\n],\n"overflow": {json.dumps(ending.is_cut)}{error}}}\n'.encode()

    def close(self) -> None:
        """Do nothing: nothing lies on disk."""


class JsonRecordsWriter:
    """Writes a list of objects, one a row, for programs that want names and no metadata.

    Values may be nested in any way; bytes are written in hex, whatever else JSON has not as its text.
    """

    def start(self, columns: Sequence[ColumnMeta], _: Heading) -> bytes:
        """Give the opening bracket."""
        self._names, self._between = [column.name for column in columns], "\n"
        return b"["

    def rows(self, rows: Sequence[Row]) -> bytes:
        """Give some rows."""
        if not rows:
            return b""
        objects = (dict(zip(self._names, map(_finite, row), strict=True)) for row in rows)
        lines = ",\n".join(json.dumps(one, default=_other, allow_nan=False) for one in objects)
        before, self._between = self._between, ",\n"
        return (before + lines).encode()

    def end(self, _: Ending) -> Iterator[bytes]:
        """Give the closing bracket."""
        yield b"\n]\n"

    def close(self) -> None:
        """Do nothing: nothing lies on disk."""


def _finite(value: object) -> object:
    if isinstance(value, list):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _other(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def _describe(column: ColumnMeta) -> dict[str, str]:
    about = {name: str(getattr(column, name)) for name in _DESCRIBED}
    return {"name": column.name, **{name: value for name, value in about.items() if value}}
