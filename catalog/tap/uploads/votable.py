"""Reads the first table of a VOTable, in any serialisation but those that lie elsewhere.

Read by expat as a stream: no document type, so no entities; no file and no address is ever opened.
"""

import binascii
from collections.abc import Callable, Iterator
from itertools import chain
from xml.parsers import expat

from catalog.columns import ColumnMeta
from catalog.formats.writer import Row
from catalog.tap.uploads.binary import read_binary_rows
from catalog.tap.uploads.uploaded import UploadedTable, UploadError
from catalog.tap.uploads.votable_field import VotableField, parse_field, require_short_row

_CHUNK_BYTES = 2**18
_MAX_DESCRIBED = 10_000
_SERIALISATIONS = {"TABLEDATA", "BINARY", "BINARY2", "FITS"}


def read_votable(
    content: bytes, max_columns: int, read_fits: Callable[[bytes], UploadedTable]
) -> UploadedTable:
    """Read the first table of a document.

    Args:
        content: The bytes of the file.
        max_columns: How many columns the table may have.
        read_fits: Reads the bytes of a FITS file, for one within the VOTable.

    Raises:
        UploadError: It is no VOTable, has a document type, too many columns, or one that cannot be stored.
    """
    parser = _Parser(max_columns)
    chunks = (content[i : i + _CHUNK_BYTES] for i in range(0, len(content), _CHUNK_BYTES))
    for chunk in chunks:
        parser.feed(chunk)
        if parser.has_fields:
            break
    if not parser.fields:
        parser.finish()
        raise UploadError("it has no table with columns")
    columns = tuple(field.meta for field in parser.fields)
    return UploadedTable(columns, _read_rows(parser, chunks, read_fits))


def read_votable_columns(content: bytes) -> tuple[ColumnMeta, ...]:
    """Read the columns that a VOTable describes, which need have no rows.

    Raises:
        UploadError: It is no VOTable, or describes a column that cannot be stored.
    """
    parser = _Parser(_MAX_DESCRIBED)
    parser.feed(content)
    return tuple(field.meta for field in parser.fields)


def _read_rows(
    parser: "_Parser", chunks: Iterator[bytes], read_fits: Callable[[bytes], UploadedTable]
) -> Iterator[Row]:
    for chunk in chain([b""], chunks):
        parser.feed(chunk)
        yield from parser.take_rows()
    parser.finish()
    yield from parser.take_rows()
    if parser.serialisation == "FITS":
        inner = read_fits(parser.stream)
        if len(inner.columns) != len(parser.fields):
            raise UploadError(f"it has {len(parser.fields)} columns, its FITS part {len(inner.columns)}")
        yield from inner.rows
    elif parser.serialisation != "TABLEDATA":
        yield from read_binary_rows(parser.stream, parser.fields, has_flags=parser.serialisation == "BINARY2")


class _Parser:
    """Follows the elements of the first table.

    Attributes:
        fields: The columns that were declared so far.
        has_fields: Whether all columns are known.
        serialisation: The name of the element around the rows; TABLEDATA where there are no rows.
        stream: The bytes of the STREAM element, decoded from base64.
    """

    def __init__(self, max_columns: int) -> None:
        self._max_columns = max_columns
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
            raise UploadError(f"it is no XML that can be read: {error}") from None

    def _refuse(self, *_: object) -> None:
        raise UploadError("it has a document type (DOCTYPE), which is not accepted")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        if self._is_over:
            return
        if name in {"TD", "STREAM"} or (name == "DESCRIPTION" and self._field is not None):
            self._text = []
            if "href" in attributes or attributes.get("encoding", "base64") != "base64":
                raise UploadError(
                    "its data lie elsewhere, or are not in base64: send them within the VOTable"
                )
        elif name == "TR":
            self._cells = []
        elif name == "FIELD":
            self._field, self._null, self._description = attributes, "", ""
        elif name == "VALUES":
            self._null = attributes.get("null", self._null)
        elif name == "DATA":
            self.has_fields = True
        elif name in _SERIALISATIONS:
            self.serialisation = name
        elif name == "PARQUET":
            raise UploadError("its rows are in Parquet: send the Parquet file itself")

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
                raise UploadError(f"it has more than {self._max_columns} columns")
        elif name == "TABLE":
            self.has_fields = self._is_over = bool(self.fields)

    def _characters(self, text: str) -> None:
        if self._text is not None:
            self._text.append(text)

    def _row(self) -> Row:
        self._n_rows += 1
        if len(self._cells) != len(self.fields):
            raise UploadError(f"row {self._n_rows} has {len(self._cells)} cells, not {len(self.fields)}")
        values: list[object] = []
        n_numbers = 0
        for field, cell in zip(self.fields, self._cells, strict=True):
            try:
                value = field.parse_cell(cell)
                n_numbers += len(value) if isinstance(value, list) else 0
                require_short_row(n_numbers)
                values.append(value)
            except ValueError as error:
                raise UploadError(f"row {self._n_rows}, column {field.meta.name}: {error}") from None
        return tuple(values)


def _decode(text: str) -> bytes:
    try:
        return binascii.a2b_base64("".join(text.split()), strict_mode=True)  # else it may end at any "="
    except ValueError as error:
        raise UploadError(f"its stream is no base64: {error}") from None
