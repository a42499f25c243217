"""Reads CSV and TSV: each column's type is what all its cells are."""

import io

import pyarrow as pa
from pyarrow import csv

from catalog.tap.uploads.arrow import convert_batches, convert_schema
from catalog.tap.uploads.uploaded import UploadedTable, UploadError, UploadLimits

_BATCH_ROWS = 1_000
_NULLS = ["", "NaN", "nan", "NULL", "null", "--"]


def read_separated(content: bytes, delimiter: str, limits: UploadLimits) -> UploadedTable:
    """Read a table whose first line names the columns.

    Args:
        content: The bytes of the file, in UTF-8.
        delimiter: The character between cells: a comma or a tab.
        limits: How large the table may be.

    Raises:
        UploadError: It is no such file.
    """
    head = content.removeprefix(b"\xef\xbb\xbf")
    n_columns = head.split(b"\n", 1)[0].count(delimiter.encode()) + 1
    if n_columns > limits.columns:
        raise UploadError(f"it has more than {limits.columns} columns")
    try:
        head.decode()
        table = csv.read_csv(
            io.BytesIO(head),
            read_options=csv.ReadOptions(block_size=len(head) + 1, use_threads=False),
            parse_options=csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=csv.ConvertOptions(
                null_values=_NULLS, strings_can_be_null=True, quoted_strings_can_be_null=False
            ),
        )
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise UploadError(f"it is no table of separated values: {str(error).splitlines()[0]}") from None
    return UploadedTable(
        convert_schema(table.schema, {}), convert_batches(table.to_batches(_BATCH_ROWS), limits)
    )
