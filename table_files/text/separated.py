"""Reads CSV and TSV, also with semicolons: names in the first line, types from all cells of a column."""

import csv as python_csv
import io
import re
from collections.abc import Collection
from dataclasses import dataclass

import pyarrow as pa
from pyarrow import csv

from table_files.arrow.convert import convert_batches, convert_schema
from table_files.column_meta import ColumnMeta
from table_files.errors import TableError
from table_files.limits import TableLimits
from table_files.row_table import RowTable
from table_files.text.cell_types import NULL_WORDS, type_cells

UNIT = b"unit"
_BATCH_ROWS = 1_000
_SHOWN = 200
_LOOKED_AT, _LINES = 1_000_000, 100
_SEPARATOR = re.compile(rb'"?sep=([,;\t|])"?\r?\n', re.IGNORECASE)
_SHORTEST_RULE = 3
"""Dashes of one cell at least, of a line that is a rule under the names and no row without values."""
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class SeparatedText:
    """A text of separated values, taken apart into its head and its rows.

    Attributes:
        names: The names of the columns, without the blanks around them; empty where a column has no name.
        body: The bytes of all rows, in UTF-8, without comments.
        delimiter: The character between cells.
        units: The units of the columns, where a line between the names and one of dashes says them, as VizieR
            writes it; empty where none does.
    """

    names: tuple[str, ...]
    body: bytes
    delimiter: str
    units: tuple[str, ...] = ()


def read_separated(content: bytes, delimiter: str | None, limits: TableLimits) -> RowTable:
    """Read a table whose first line names the columns, row by row.

    Args:
        content: The bytes of the file, in UTF-8.
        delimiter: The character between cells; None to tell it from the first line.
        limits: How large the table may be.

    Raises:
        TableError: It is no such file.
    """
    cells = read_cells(content, delimiter, limits)
    typed = [type_cells(column, with_times=True) for column in cells.columns]
    # no type of 64 bits without a sign is known to VOTable and Postgres: as text every digit stays
    columns = [
        text if pa.types.is_uint64(values.type) else values
        for text, values in zip(cells.columns, typed, strict=True)
    ]
    table = pa.Table.from_arrays(columns, names=cells.schema.names)
    known = {
        field.name: ColumnMeta(field.name, "char", unit=field.metadata[UNIT].decode())
        for field in cells.schema
    }
    return RowTable(
        convert_schema(table.schema, known), convert_batches(table.to_batches(_BATCH_ROWS), limits)
    )


def read_cells(
    content: bytes, delimiter: str | None, limits: TableLimits, texts: Collection[str] = ()
) -> pa.RecordBatch:
    """Read all cells as text; null where a cell is empty.

    A line that begins with # is a comment. Columns without a name are called as their place: col1. The
    metadata of each field have its unit, as `UNIT`.

    Args:
        content: The bytes of the file, in UTF-8.
        delimiter: The character between cells; None to tell it from the first line.
        limits: How large the table may be.
        texts: Columns of which every word is kept; of others NULL, NaN and the like are null.

    Raises:
        TableError: It is no such file, has too many columns, or a row is longer or shorter than its head.
    """
    parts = split_head(content, delimiter)
    if len(parts.names) > limits.columns:
        raise TableError(f"it has more than {limits.columns} columns")
    table = _parse(parts, texts)
    names = [name or f"col{i}" for i, name in enumerate(table.schema.names, 1)]
    n_columns = len(names)
    while n_columns > 1 and not table.schema.names[n_columns - 1] and _is_empty(table.column(n_columns - 1)):
        n_columns -= 1  # a delimiter at the end of every line
    units = [*parts.units, *[""] * n_columns]
    fields = [
        pa.field(name, pa.string(), metadata={UNIT: unit}) for name, unit in zip(names, units, strict=False)
    ]
    return pa.RecordBatch.from_arrays(table.columns[:n_columns], schema=pa.schema(fields[:n_columns]))


def split_head(content: bytes, delimiter: str | None) -> SeparatedText:
    """Take the head of a text of separated values from its rows, and comments from both.

    Raises:
        TableError: The text is not in UTF-8, it has no head, or a line may be both a comment and a row.
    """
    content = content.removeprefix(_BOM)
    try:
        content.decode()
    except UnicodeDecodeError as error:
        raise TableError(f"it is no table of separated values: it is not in UTF-8: {error}") from None
    declared = _SEPARATOR.match(content)
    if declared is not None:  # the line by which Excel is told
        delimiter, content = declared[1].decode(), content[declared.end() :]
    comments, head, body = _split_lines(_drop_blank_end(content))
    if not head.strip():
        raise TableError("it is no table of separated values: it has no line")
    delimiter = delimiter or _find_delimiter(head)
    names = _cells(head, delimiter)
    if len(names) == 1:
        _refuse_other_delimiters(names[0], body)
    commented = _cells(comments[-1].strip().lstrip("#"), delimiter) if comments else []
    if len(names) > 1 and len(commented) == len(names) and not any(map(_is_number, commented)):
        if any(map(_is_number, names)):  # which no name is: the names stand in the last comment
            names, body = commented, b"".join((head.encode(), b"\n", body))
        elif not any(" " in cell.strip() for cell in commented):
            raise TableError(
                f"both {comments[-1].strip()[:_SHOWN]!r} and the line behind it may name the columns: "
                "take the # out, or the line"
            )
    units, body = _take_units(_drop_comments(body, names, delimiter), len(names), delimiter)
    return SeparatedText(tuple(name.strip() for name in names), body, delimiter, units)


def _take_units(body: bytes, n_names: int, delimiter: str) -> tuple[tuple[str, ...], bytes]:
    """The units that stand between the names and a line of dashes, and the rows behind it."""
    lines = body.split(b"\n", 2)
    for n, line in enumerate(lines[:2], 1):
        dashes = [cell.strip() for cell in _cells(line.decode().rstrip("\r"), delimiter)]
        is_rule = n_names > 1 and len(dashes) == n_names and all(set(cell) == {"-"} for cell in dashes)
        if is_rule and max(map(len, dashes)) >= _SHORTEST_RULE:
            units = _cells(lines[0].decode().rstrip("\r"), delimiter) if n > 1 else []
            if not units or len(units) == n_names:
                return tuple(unit.strip() for unit in units), b"\n".join(lines[n:])
    return (), body


def _parse(parts: SeparatedText, texts: Collection[str]) -> pa.RecordBatch:
    names = list(parts.names)
    try:
        return _parse_rows(parts, names, texts)
    except _RowLengthError as error:  # a delimiter ends every row and not the head, or the head and no row
        is_shorter = error.n_cells == len(names) - 1 and not names[-1]
        if error.n_cells != len(names) + 1 and not is_shorter:
            raise _refuse_row(error, len(names)) from None
        names = names[:-1] if is_shorter else [*names, ""]
    try:
        batch = _parse_rows(parts, names, texts)
    except _RowLengthError as error:
        raise _refuse_row(error, len(parts.names)) from None
    if not is_shorter and not _is_empty(batch.column(len(names) - 1)):
        raise _refuse_row(_RowLengthError(1, len(names)), len(parts.names))
    return batch


class _RowLengthError(Exception):
    """A row has more or fewer cells than the first line."""

    def __init__(self, row: int, n_cells: int) -> None:
        super().__init__(row, n_cells)
        self.row = row
        self.n_cells = n_cells


def _refuse_row(error: _RowLengthError, n_names: int) -> TableError:
    return TableError(
        f"it is no table of separated values: row {error.row} has {error.n_cells} cells, "
        f"its first line {n_names}"
    )


def _parse_rows(parts: SeparatedText, names: list[str], texts: Collection[str]) -> pa.RecordBatch:
    keys = [str(i) for i in range(len(names))]  # names may occur twice
    if not parts.body.strip(b"\r\n"):
        return pa.RecordBatch.from_arrays([pa.array([], pa.string())] * len(names), names=names)
    wrong: list[csv.InvalidRow] = []

    def stop_at(row: csv.InvalidRow) -> str:
        wrong.append(row)
        return "error"

    try:
        table = csv.read_csv(
            io.BytesIO(parts.body),
            read_options=csv.ReadOptions(
                column_names=keys, block_size=min(len(parts.body) + 1, 2**31 - 1), use_threads=False
            ),
            parse_options=csv.ParseOptions(
                delimiter=parts.delimiter, newlines_in_values=True, invalid_row_handler=stop_at
            ),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(keys, pa.string()),
                null_values=[""] if texts else list(NULL_WORDS),
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
    except pa.ArrowException as error:
        if wrong:
            raise _RowLengthError(wrong[0].number or 0, wrong[0].actual_columns) from None
        reason = str(error).splitlines()[0][:_SHOWN]
        raise TableError(f"it is no table of separated values: {reason}") from None
    batch = pa.RecordBatch.from_arrays([_one_chunk(column) for column in table.columns], names=names)
    if parts.body.count(b'"') % 2 and _has_open_quote(parts.body, batch):
        raise TableError("it is no table of separated values: a quotation mark is never closed")
    return batch


def _has_open_quote(body: bytes, batch: pa.RecordBatch) -> bool:
    """Whether the last row may go on to the end of the file, where the marks are of an odd number."""
    last = [column[-1].as_py() or "" for column in batch.columns]
    return any("\n" in cell for cell in last) or body.rstrip().rpartition(b"\n")[2].count(b'"') % 2 == 1


def _one_chunk(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)


def _is_empty(column: pa.Array | pa.ChunkedArray) -> bool:
    return all(value is None or not value.strip() for value in column.drop_null().to_pylist())


def _split_lines(content: bytes) -> tuple[list[str], str, bytes]:
    """The comments at the top, the line with the names, and what follows it."""
    if b"\n" not in content:
        content = content.replace(b"\r", b"\n")
    comments: list[str] = []
    head, at, is_within_quotes = b"", 0, False
    for line in io.BytesIO(content):
        at += len(line)
        if not head and line.startswith(b"#"):
            comments.append(line.decode())
            continue
        if not head and not line.strip():
            continue
        head += line
        is_within_quotes ^= line.count(b'"') % 2 == 1
        if not is_within_quotes:
            break
    return comments, head.decode().rstrip("\r\n"), content[at:]


def _drop_blank_end(content: bytes) -> bytes:
    """The text without lines of blanks at its end, which are no rows."""
    last = content.rstrip(b"\r\n").rpartition(b"\n")[2]
    return content if last.strip(b" ") else content.rstrip(b" \r\n") + b"\n"


def _drop_comments(body: bytes, names: list[str], delimiter: str) -> bytes:
    if not body.startswith(b"#") and b"\n#" not in body:
        return body
    kept, is_within_quotes = [], False
    for line in io.BytesIO(body):
        if not is_within_quotes and line.startswith(b"#"):
            if len(_cells(line.decode(), delimiter)) == len(names):
                shown = line.decode().strip()[:_SHOWN]
                raise TableError(
                    f"the line {shown!r} begins with # and has as many cells as the first line: put its "
                    "first cell in quotes if it is a row, and take it out if it is a comment"
                )
            continue
        is_within_quotes ^= line.count(b'"') % 2 == 1
        kept.append(line)
    return b"".join(kept)


def _refuse_other_delimiters(head: str, body: bytes) -> None:
    """Refuse columns in blanks or bars, which would be one column of whole lines."""
    lines = [head, *body[:_LOOKED_AT].decode(errors="replace").splitlines()[:_LINES]]
    for what, delimiter in (("blanks", None), ("bars", "|")):
        counts = {len(line.split(delimiter)) for line in lines if line.strip()}
        if len(lines) > 1 and len(counts) == 1 and counts.pop() > 1 and '"' not in head:
            raise TableError(
                f"it is no table of separated values: its cells seem to be parted by {what}: "
                "part them by commas or tabs, or put quotes around the name of its only column"
            )


def _find_delimiter(head: str) -> str:
    """Which of tab, comma and semicolon parts the first line into most cells; a comma where none does."""
    return max((",", "\t", ";"), key=lambda one: len(_cells(head, one)))


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(python_csv.reader([line], delimiter=delimiter, skipinitialspace=True), [""])
    except python_csv.Error as error:
        raise TableError(f"it is no table of separated values: {error}") from None


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
