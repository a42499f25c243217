"""Follows the elements of a VOTable: what is declared, and the rows that are elements."""

import binascii
from dataclasses import dataclass
from xml.parsers import expat

from table_files.errors import TableError
from table_files.frame import CoordinateFrame, parse_frame
from table_files.row_table import Row
from table_files.votable.field import VotableField, parse_field, require_short_row

_SERIALISATIONS = {"TABLEDATA", "BINARY", "BINARY2", "FITS"}
_TEXTS = {"TD", "STREAM", "DESCRIPTION", "INFO"}
_SHOWN = 300


@dataclass(frozen=True, eq=False)
class TablePart:
    """What was read of a table that is over.

    Attributes:
        name: Its name in the document; empty where it has none.
        fields: Descriptions of the columns.
        rows: Its rows, where these are elements.
        serialisation: The name of the element around the rows; TABLEDATA where there are no rows.
        stream: The bytes of its STREAM element, decoded from base64.
        has_data: Whether it has a DATA element; one without is only described.
    """

    name: str
    fields: list[VotableField]
    rows: list[Row]
    serialisation: str
    stream: bytes
    has_data: bool


class VotableParser:
    """Follows the elements of the only table, or of all. A document type is refused, so no entities exist.

    Args:
        max_columns: How many columns a table may have.
        is_only: Whether a second table with data is refused; the rows of the first can be taken as they come.

    Attributes:
        tables: The tables that are over.
        frames: The frames that COOSYS elements declare, by their identifiers.
        fields: The columns that were declared so far, or of the only table all.
        has_fields: Whether all columns of the table with data are known.
        serialisation: As that of a part.
        stream: As that of a part.
        is_overflow: Whether the service that made the document says that it left out rows.
    """

    def __init__(self, max_columns: int, *, is_only: bool = True) -> None:
        self._max_columns = max_columns
        self._is_only = is_only
        self.tables: list[TablePart] = []
        self.frames: dict[str, CoordinateFrame | None] = {}
        self._fields_of: dict[str, list[VotableField]] = {}
        self._name = self._identifier = ""
        self.fields: list[VotableField] = []
        self.has_fields = False
        self.serialisation = "TABLEDATA"
        self.stream = b""
        self.is_overflow = False
        self._status = ""
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

    def frames_of(self, fields: list[VotableField]) -> tuple[CoordinateFrame | None, ...]:
        """The frame of each column: that of the COOSYS which its FIELD refers to; None where it has none.

        The document's only COOSYS holds for all columns, unless some refer to it and so others do not.
        """
        referred = {field.reference for field in fields} & self.frames.keys()
        only = next(iter(self.frames.values())) if len(self.frames) == 1 and not referred else None
        return tuple(self.frames.get(field.reference, only) for field in fields)

    def _parse(self, chunk: bytes, *, is_last: bool) -> None:
        try:
            self._expat.Parse(chunk, is_last)
        except (expat.ExpatError, LookupError, ValueError) as error:  # the latter two: of its encoding
            raise TableError(f"it is no XML that can be read: {error}") from None

    def _refuse(self, *_: object) -> None:
        raise TableError("it has a document type (DOCTYPE), which is not accepted: take that line out")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        if name == "INFO":
            self._start_info(attributes)
        elif self._is_over:
            if name == "DATA":
                raise TableError("it has several tables with data: send the one that is meant")
        elif name in {"TD", "STREAM"} or (name == "DESCRIPTION" and self._field is not None):
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

    def _start_info(self, attributes: dict[str, str]) -> None:
        """Begin what a service says of its answer (DALI 1.1, section 4.4)."""
        self._status, self._text = "", []
        if attributes.get("name", "").upper() == "QUERY_STATUS":
            self._status = attributes.get("value", "").upper()
            self.is_overflow = self.is_overflow or self._status == "OVERFLOW"

    def _start_description(self, name: str, attributes: dict[str, str]) -> None:
        """Begin an element that says what the rows are."""
        if name == "TABLE":
            self._name = attributes.get("name", attributes.get("ID", ""))
            self._identifier = attributes.get("ID", "")
            self.fields = list(self._fields_of.get(attributes.get("ref", ""), []))
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
        if name in _TEXTS and self._text is not None:
            text, self._text = "".join(self._text), None
            self._end_text(name, text)
        elif self._is_over:
            return
        elif name == "TR":
            self._rows.append(self._row())
        elif name == "FIELD" and self._field is not None:
            self.fields.append(parse_field(self._field, self._null, self._description))
            self._field = None
            if len(self.fields) > self._max_columns:
                raise TableError(f"it has more than {self._max_columns} columns")
        elif name == "TABLE":
            self._end_table()

    def _end_text(self, name: str, text: str) -> None:
        if name == "TD":
            self._cells.append(text)
        elif name == "DESCRIPTION":
            self._description = text
        elif name == "STREAM":
            self.stream = _decode(text)
        elif self._status == "ERROR":
            said = " ".join(text.split())[:_SHOWN]
            raise TableError(f"the service that made it says that its answer failed: {said or 'no reason'}")

    def _end_table(self) -> None:
        if self._identifier:
            self._fields_of[self._identifier] = self.fields
        if self.fields:
            has_data = self.has_fields
            rows = [] if self._is_only else self._rows
            part = TablePart(self._name, self.fields, rows, self.serialisation, self.stream, has_data)
            self.tables.append(part)
            if self._is_only and has_data:
                self._is_over = True
                return
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
