"""Reads the tables of a VOTable, in any serialisation but those that lie elsewhere.

Read by expat as a stream: no document type, so no entities; no file and no address is ever opened.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from table_files.column_meta import ColumnMeta
from table_files.errors import TableError
from table_files.frame import CoordinateFrame
from table_files.row_table import Row, RowTable
from table_files.votable.binary_rows import read_binary_rows
from table_files.votable.field import VotableField
from table_files.votable.parser import VotableParser

_CHUNK_BYTES = 2**18
_MAX_DESCRIBED = 10_000


def read_votable(content: bytes, max_columns: int, read_fits: Callable[[bytes], RowTable]) -> RowTable:
    """Read the only table of a document that has data, row by row.

    Args:
        content: The bytes of the file.
        max_columns: How many columns the table may have.
        read_fits: Reads the bytes of a FITS file, for one within the VOTable.

    Raises:
        TableError: It is no VOTable, has a document type, several tables, too many columns, or one that
            cannot be stored.
    """
    parser = VotableParser(max_columns)
    chunks = (content[i : i + _CHUNK_BYTES] for i in range(0, len(content), _CHUNK_BYTES))
    for chunk in chunks:
        parser.feed(chunk)
        if parser.has_fields:
            break
    if not parser.has_fields:
        parser.finish()
        if not parser.tables:
            raise TableError("it has no table with columns")
        return _row_table(parser, parser.tables[0].fields, iter(()))
    if not parser.fields:
        raise TableError("its table has data and no columns (FIELD)")
    return _row_table(parser, parser.fields, _read_rows(parser, chunks, read_fits))


def _row_table(parser: VotableParser, fields: list[VotableField], rows: Iterator[Row]) -> RowTable:
    for field in fields:
        if field.unreadable:
            raise TableError(f"column {field.meta.name} {field.unreadable}")
    return RowTable(tuple(field.meta for field in fields), rows, frames=parser.frames_of(fields))


@dataclass(frozen=True, eq=False)
class VotableTable:
    """A table of a document, read to its end.

    Attributes:
        name: Its name in the document; empty where it has none.
        fields: What the document declares of each column.
        rows: Its rows in plain values.
        frames: The frame of each column, as `VotableParser.frames_of` has it.
        notes: What the service that made it says of it, a line each.
    """

    name: str
    fields: tuple[VotableField, ...]
    rows: list[Row]
    frames: tuple[CoordinateFrame | None, ...]
    notes: tuple[str, ...]


def read_votable_tables(content: bytes, read_fits: Callable[[bytes], RowTable]) -> list[VotableTable]:
    """Read all tables of a document that have columns and, where any has, data.

    Args:
        content: The bytes of the file.
        read_fits: Reads the bytes of a FITS file, for one within the VOTable.

    Raises:
        TableError: It is no VOTable, has a document type, data elsewhere, or a column that is not understood.
    """
    parser = VotableParser(len(content), is_only=False)
    parser.feed(content)
    parser.finish()
    if not parser.tables:
        raise TableError("it has no table with columns")
    notes = ("the service that made it left out rows (OVERFLOW)",) if parser.is_overflow else ()
    tables = []
    for part in [part for part in parser.tables if part.has_data] or parser.tables:
        rows = [*part.rows, *_read_stream(part.serialisation, part.stream, part.fields, read_fits)]
        frames = parser.frames_of(part.fields)
        tables.append(VotableTable(part.name, tuple(part.fields), rows, frames, notes))
    return tables


def read_votable_columns(content: bytes) -> tuple[ColumnMeta, ...]:
    """Read the columns that a VOTable describes, which need have no rows.

    Raises:
        TableError: It is no VOTable, or describes a column that cannot be stored.
    """
    return tuple(meta for meta, _ in read_votable_frames(content))


def read_votable_frames(content: bytes) -> list[tuple[ColumnMeta, CoordinateFrame | None]]:
    """Read the columns that a VOTable describes, each with the frame that it declares of it.

    Raises:
        TableError: It is no VOTable, or describes a column that cannot be stored.
    """
    parser = VotableParser(_MAX_DESCRIBED)
    parser.feed(content)
    fields = parser.tables[0].fields if parser.tables else parser.fields
    metas = (field.meta for field in fields)
    return list(zip(metas, parser.frames_of(list(fields)), strict=True))


def _read_rows(
    parser: VotableParser, chunks: Iterator[bytes], read_fits: Callable[[bytes], RowTable]
) -> Iterator[Row]:
    for chunk in chain([b""], chunks):
        parser.feed(chunk)
        yield from parser.take_rows()
    parser.finish()
    yield from parser.take_rows()
    yield from _read_stream(parser.serialisation, parser.stream, parser.fields, read_fits)


def _read_stream(
    serialisation: str,
    stream: bytes,
    fields: Sequence[VotableField],
    read_fits: Callable[[bytes], RowTable],
) -> Iterator[Row]:
    """The rows of a table that are no elements."""
    if serialisation == "FITS":
        inner = read_fits(stream)
        if len(inner.columns) != len(fields):
            raise TableError(f"it has {len(fields)} columns, its FITS part {len(inner.columns)}")
        yield from (tuple(map(_replace_null, fields, row)) for row in inner.rows)
    elif serialisation != "TABLEDATA":
        yield from read_binary_rows(stream, fields, has_flags=serialisation == "BINARY2")


def _replace_null(field: VotableField, value: object) -> object:
    return None if value is None else field.replace_null(value)
