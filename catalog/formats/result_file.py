"""Writes a whole answer as the bytes of a file, in a format that a user names."""

import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from catalog.columns import UNSIGNED_LONG, ColumnMeta
from catalog.errors import QueryError
from catalog.formats.choose import choose
from catalog.formats.writer import Ending, Heading, Writer
from catalog.result import Result, ResultField

if TYPE_CHECKING:
    from catalog.formats.texts import Spelling

FILE_FORMATS = ("csv", "tsv", "json", "votable", "fits", "parquet")
"""What a user's answer can be written as: CSV and TSV as Python spells values, JSON as a list of objects."""

_ENDINGS = {"vot": "votable", "xml": "votable", "fit": "fits"}
_DATATYPES = {
    "?": "boolean", "i1": "short", "u1": "short", "i2": "short", "u2": "int", "i4": "int", "u4": "long",
    "i8": "long", "f2": "float", "f4": "float", "f8": "double",
}  # fmt: skip
_INT64, _UINT64 = range(-(2**63), 2**63), range(2**64)


def format_of(file: Path) -> str:
    """The format that a file's ending stands for; the ending itself where it is none that is known."""
    ending = file.suffix.lstrip(".").lower()
    return _ENDINGS.get(ending, ending)


def write_result(result: Result, output_format: str) -> bytes:
    """Serialise a whole answer.

    Args:
        result: The answer that is written, with its columns and rows.
        output_format: Name of the format, one of FILE_FORMATS.

    Raises:
        QueryError: There is no such format, or it cannot hold the answer: two columns of one name (CSV and
            TSV can), for instance.
    """
    if output_format not in FILE_FORMATS:
        raise QueryError(f"no format {output_format!r}: choose table, {', '.join(FILE_FORMATS)}")
    if output_format not in {"csv", "tsv"}:
        result.require_unique_names()
    plain = result.plain()
    fields = plain.fields or (ResultField(),) * len(plain.columns)
    values = list(zip(*plain.rows, strict=True)) or [()] * len(plain.columns)
    columns = [_column(*one) for one in zip(plain.columns, fields, values, strict=True)]
    columns = [
        replace(column, datatype="char", arraysize="*")
        if _lacks_unsigned(output_format, column, one)
        else column
        for column, one in zip(columns, values, strict=True)
    ]
    rows = plain.rows
    if output_format != "json":  # which alone holds nested values of any kind
        flat = [
            _as_text(value) if column.is_text else value
            for column, value in zip(columns, values, strict=True)
        ]
        rows = list(zip(*flat, strict=True)) if plain.rows else []
    writer = _file_writer(output_format)
    try:
        parts = [writer.start(columns, Heading()), writer.rows(rows), *writer.end(Ending())]
    finally:
        writer.close()
    return b"".join(parts)


def list_escaped(result: Result) -> list[str]:
    """The columns whose names or texts have characters that FITS lacks and that it holds as escapes."""
    values = list(zip(*result.plain().rows, strict=True)) or [()] * len(result.columns)
    return [
        name
        for name, column in zip(result.columns, values, strict=True)
        if not (name + "".join(one for one in column if isinstance(one, str))).isascii()
    ]


def _lacks_unsigned(output_format: str, column: ColumnMeta, values: tuple[object, ...]) -> bool:
    """Whether a format has no unsigned numbers of 64 bits as this column's: as text every digit stays.

    FITS has them, also beside a NULL, but astropy cannot read that file.
    """
    if column.datatype != UNSIGNED_LONG:
        return False
    return output_format == "votable" or (output_format == "fits" and None in values)


def _file_writer(output_format: str) -> Writer:
    from catalog.formats.json_writer import JsonRecordsWriter  # noqa: PLC0415
    from catalog.formats.separated import CsvWriter, TsvWriter  # noqa: PLC0415

    if output_format == "csv":
        return CsvWriter(_python_spelling(), line_end="\n")
    if output_format == "tsv":
        return TsvWriter(_python_spelling())
    if output_format == "json":
        return JsonRecordsWriter()
    return choose(output_format).writer(Path(tempfile.gettempdir()), sys.maxsize)


def _python_spelling() -> "Spelling":
    from catalog.formats.texts import Spelling  # noqa: PLC0415

    return Spelling(
        str,
        special=("nan", "inf", "-inf"),
        brackets=("[", ", ", "]"),
        booleans=("False", "True"),
        number=repr,
    )


def _column(name: str, field: ResultField, values: tuple[object, ...]) -> ColumnMeta:
    """What a column is, by its type in Postgres, or else by its plain values; without any it is text."""
    given = [value for value in values if value is not None]
    datatype, arraysize = _DATATYPES.get(field.dtype or ""), ""
    if datatype is None and given and all(isinstance(value, list) and value for value in given):
        arrays = [value for value in given if isinstance(value, list)]
        datatype = _datatype([one for value in arrays for one in value])
        lengths = {len(value) for value in arrays}
        arraysize = str(lengths.pop()) if len(lengths) == 1 else "*"
    elif datatype is None:
        datatype = _datatype(given)
    if datatype is None:
        datatype, arraysize = "unicodeChar", "*"
    return ColumnMeta(name, datatype, arraysize, unit=field.unit or "", description=field.description)


def _datatype(values: list[object]) -> str | None:
    """The datatype of VOTable that holds some values; None where they are not all of one kind of number."""
    kinds = {type(value) for value in values}
    if float in kinds:
        kinds.discard(type(None))  # within an array a missing number is NaN
    if kinds == {bool}:
        return "boolean"
    if kinds == {int} and all(value in _INT64 for value in values):
        return "long"
    if kinds == {int} and all(value in _UINT64 for value in values):
        return UNSIGNED_LONG
    return "double" if kinds in ({float}, {int, float}) else None


def _as_text(values: tuple[object, ...]) -> tuple[object, ...]:
    return tuple(json.dumps(one, default=str) if isinstance(one, list | dict) else one for one in values)
