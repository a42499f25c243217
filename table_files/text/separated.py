"""Reads CSV and TSV, also with semicolons: the cells of all rows, and types from all cells of a column."""

import io
from collections.abc import Collection

import pyarrow as pa
from pyarrow import csv

from table_files.arrow.convert import convert_batches, convert_schema
from table_files.column_meta import ColumnMeta
from table_files.errors import TableError
from table_files.limits import TableLimits
from table_files.row_table import RowTable
from table_files.text.cell_types import NULL_WORDS, type_cells
from table_files.text.head import SeparatedText, split_head

UNIT = b"unit"
_BATCH_ROWS = 1_000
_SHOWN = 200


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
