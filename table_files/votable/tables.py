"""Reads the tables of a VOTable, in any serialisation but those that lie elsewhere.

Read by expat as a stream: no document type, so no entities; no file and no address is ever opened.
"""

import binascii
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from xml.parsers import expat

from table_files.column_meta import ColumnMeta
from table_files.errors import TableError
from table_files.frame import Frame, parse_frame
from table_files.row_table import Row, RowTable
from table_files.votable.binary_rows import read_binary_rows
from table_files.votable.field import VotableField, parse_field, require_short_row

_CHUNK_BYTES = 2**18
_MAX_DESCRIBED = 10_000
_SERIALISATIONS = {"TABLEDATA", "BINARY", "BINARY2", "FITS"}


def read_votable(content: bytes, max_columns: int, read_fits: Callable[[bytes], RowTable]) -> RowTable:
    """Read the first table of a document.

    Args:
        content: The bytes of the file.
        max_columns: How many columns the table may have.
        read_fits: Reads the bytes of a FITS file, for one within the VOTable.

    Raises:
        TableError: It is no VOTable, has a document type, too many columns, or one that cannot be stored.
    """
    parser = _Parser(max_columns)
    chunks = (content[i : i + _CHUNK_BYTES] for i in range(0, len(content), _CHUNK_BYTES))
    for chunk in chunks:
        parser.feed(chunk)
        if parser.has_fields:
            break
    if not parser.fields:
        parser.finish()
        raise TableError("it has no table with columns")
    columns = tuple(field.meta for field in parser.fields)
    return RowTable(columns, _read_rows(parser, chunks, read_fits))


@dataclass(frozen=True, eq=False)
class VotableTable:
    """A table of a document, read to its end.

    Attributes:
        name: Its name in the document; empty where it has none.
        fields: What the document declares of each column.
        rows: Its rows in plain values.
        frames: The frame of each column: that of the COOSYS which its FIELD refers to, or of the document's
            only one; None where that says nothing.
    """

    name: str
    fields: tuple[VotableField, ...]
    rows: list[Row]
    frames: tuple[Frame | None, ...]


def read_votable_tables(content: bytes, read_fits: Callable[[bytes], RowTable]) -> list[VotableTable]:
    """Read all tables of a document that have columns.

    Args:
        content: The bytes of the file.
        read_fits: Reads the bytes of a FITS file, for one within the VOTable.

    Raises:
        TableError: It is no VOTable, has a document type, data elsewhere, or a column that is not understood.
    """
    parser = _Parser(len(content), is_first_only=False)
    parser.feed(content)
    parser.finish()
    if not parser.tables:
        raise TableError("it has no table with columns")
    only = next(iter(parser.frames.values())) if len(parser.frames) == 1 else None
    tables = []
    for part in parser.tables:
        rows = [*part.rows, *_read_stream(part.serialisation, part.stream, part.fields, read_fits)]
        frames = tuple(parser.frames.get(field.reference, only) for field in part.fields)
        tables.append(VotableTable(part.name, tuple(part.fields), rows, frames))
    return tables


def read_votable_columns(content: bytes) -> tuple[ColumnMeta, ...]:
    """Read the columns that a VOTable describes, which need have no rows.

    Raises:
        TableError: It is no VOTable, or describes a column that cannot be stored.
    """
    parser = _Parser(_MAX_DESCRIBED)
    parser.feed(content)
    return tuple(field.meta for field in parser.fields)


def _read_rows(
    parser: "_Parser", chunks: Iterator[bytes], read_fits: Callable[[bytes], RowTable]
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


@dataclass(frozen=True, eq=False)
class _Part:
    """What was read of a table that is over."""

    name: str
    fields: list[VotableField]
    rows: list[Row]
    serialisation: str
    stream: bytes


class _Parser:
    """Follows the elements of the first table, or of all.

    Attributes:
        tables: The tables that are over, where all are read.
        frames: The frames that COOSYS elements declare, by their identifiers.
        fields: The columns that were declared so far.
        has_fields: Whether all columns are known.
        serialisation: The name of the element around the rows; TABLEDATA where there are no rows.
        stream: The bytes of the STREAM element, decoded from base64.
    """

    def __init__(self, max_columns: int, *, is_first_only: bool = True) -> None:
        self._max_columns = max_columns
        self._is_first_only = is_first_only
        self.tables: list[_Part] = []
        self.frames: dict[str, Frame | None] = {}
        self._name = ""
        self.fields: list[VotableField] = []
        self.has_fields = False
        self.serialisation = "TABLEDATA"
        self.stream = b""
        self._rows: list[Row] = []
        self._cells: list[str] = []
        self._n_rows = 0
        self._field: dict[str, str] | None = None
        self._null = self._description = ""
        self._text: list[str] | None = None
        self._is_over = False
        self._expat = expat.ParserCreate()
        self._expat.buffer_text = True
        self._expat.StartDoctypeDeclHandler = self._refuse
        self._expat.StartElementHandler = self._start
        self._expat.EndElementHandler = self._end
        self._expat.CharacterDataHandler = self._characters

    def feed(self, chunk: bytes) -> None:
        """Read some bytes more."""
        self._parse(chunk, is_last=False)

    def finish(self) -> None:
        """Read to the end: the document is over."""
        self._parse(b"", is_last=True)

    def take_rows(self) -> list[Row]:
        """Take the rows that were read since the last call."""
        rows, self._rows = self._rows, []
        return rows

    def _parse(self, chunk: bytes, *, is_last: bool) -> None:
        try:
            self._expat.Parse(chunk, is_last)
        except (expat.ExpatError, LookupError, ValueError) as error:  # the latter two: of its encoding
            raise TableError(f"it is no XML that can be read: {error}") from None

    def _refuse(self, *_: object) -> None:
        raise TableError("it has a document type (DOCTYPE), which is not accepted")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        if self._is_over:
            return
        if name in {"TD", "STREAM"} or (name == "DESCRIPTION" and self._field is not None):
            self._text = []
            if "href" in attributes or attributes.get("encoding", "base64") != "base64":
                raise TableError("its data lie elsewhere, or are not in base64: send them within the VOTable")
        elif name == "TR":
            self._cells = []
        elif name == "DATA":
            self.has_fields = True
        elif name in _SERIALISATIONS:
            self.serialisation = name
        elif name == "PARQUET":
            raise TableError("its rows are in Parquet: send the Parquet file itself")
        else:
            self._start_description(name, attributes)

    def _start_description(self, name: str, attributes: dict[str, str]) -> None:
        """Begin an element that says what the rows are."""
        if name == "TABLE":
            self._name = attributes.get("name", attributes.get("ID", ""))
        elif name == "COOSYS":
            self.frames[attributes.get("ID", "")] = parse_frame(
                attributes.get("system", ""), attributes.get("equinox", ""), "COOSYS"
            )
        elif name == "FIELD":
            self._field, self._null, self._description = attributes, "", ""
        elif name == "VALUES":
            self._null = attributes.get("null", self._null)

    def _end(self, tag: str) -> None:
        name = tag.rpartition(":")[2]
        if self._is_over:
            return
        if name in {"TD", "STREAM", "DESCRIPTION"} and self._text is not None:
            text, self._text = "".join(self._text), None
            if name == "TD":
                self._cells.append(text)
            elif name == "DESCRIPTION":
                self._description = text
            else:
                self.stream = _decode(text)
        elif name == "TR":
            self._rows.append(self._row())
        elif name == "FIELD" and self._field is not None:
            self.fields.append(parse_field(self._field, self._null, self._description))
            self._field = None
            if len(self.fields) > self._max_columns:
                raise TableError(f"it has more than {self._max_columns} columns")
        elif name == "TABLE":
            self._end_table()

    def _end_table(self) -> None:
        if self._is_first_only:
            self.has_fields = self._is_over = bool(self.fields)
            return
        if self.fields:
            part = _Part(self._name, self.fields, self._rows, self.serialisation, self.stream)
            self.tables.append(part)
        self.fields, self._rows, self._n_rows = [], [], 0
        self.serialisation, self.stream, self.has_fields = "TABLEDATA", b"", False

    def _characters(self, text: str) -> None:
        if self._text is not None:
            self._text.append(text)

    def _row(self) -> Row:
        self._n_rows += 1
        if len(self._cells) != len(self.fields):
            raise TableError(f"row {self._n_rows} has {len(self._cells)} cells, not {len(self.fields)}")
        values: list[object] = []
        n_numbers = 0
        for field, cell in zip(self.fields, self._cells, strict=True):
            try:
                value = field.parse_cell(cell)
                n_numbers += len(value) if isinstance(value, list) else 0
                require_short_row(n_numbers)
                values.append(value)
            except ValueError as error:
                raise TableError(f"row {self._n_rows}, column {field.meta.name}: {error}") from None
        return tuple(values)


def _decode(text: str) -> bytes:
    try:
        return binascii.a2b_base64("".join(text.split()), strict_mode=True)  # else it may end at any "="
    except ValueError as error:
        raise TableError(f"its stream is no base64: {error}") from None
