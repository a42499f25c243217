"""Reads Parquet, with what a VOTable in its footer says of the columns (VOParquet 1.0)."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from table_files.arrow import unpack_parquet
from table_files.arrow.convert import convert_batches, convert_schema
from table_files.column_meta import ColumnMeta
from table_files.errors import TableError
from table_files.limits import TableLimits
from table_files.row_table import RowTable

_UNPACKED = 10
"""How many times larger than the most that may be sent a file may be when it is unpacked."""
_SECONDS = 60
_SETTINGS = {"ARROW_DEFAULT_MEMORY_POOL": "system", "OMP_NUM_THREADS": "1"}
"""Arrow's own allocators reserve a gigabyte at once, which would count as memory that is used."""


def read_parquet(
    content: bytes, limits: TableLimits, described: Callable[[bytes], tuple[ColumnMeta, ...]]
) -> RowTable:
    """Read the table of a file.

    Args:
        content: The bytes of the file.
        limits: How large the table may be.
        described: Reads the columns that a VOTable, the bytes it is given, describes.

    Raises:
        TableError: It is no Parquet, is much larger than it seems, or a column cannot be stored.
    """
    stream = pa.ipc.open_stream(_unpack(content, limits))
    about = (stream.schema.metadata or {}).get(unpack_parquet.VOTABLE)
    known = {meta.name: meta for meta in described(about)} if about else {}
    return RowTable(convert_schema(stream.schema, known), convert_batches(stream, limits))


def _unpack(content: bytes, limits: TableLimits) -> bytes:
    """The file as an Arrow stream, made by a process that may die of it."""
    bounds = [str(_UNPACKED * limits.bytes), str(limits.rows)]
    command = [sys.executable, "-I", str(Path(unpack_parquet.__file__)), *bounds]
    try:
        done = subprocess.run(  # noqa: S603 - our own program, and numbers
            command, input=content, capture_output=True, check=False, timeout=_SECONDS, env=_SETTINGS
        )
    except subprocess.TimeoutExpired:
        raise TableError(f"it takes more than {_SECONDS} s to unpack") from None
    if done.returncode:
        reason = done.stderr.decode() if done.returncode == unpack_parquet.REFUSED else "it is damaged"
        raise TableError(f"it is no Parquet that can be read: {reason}")
    return done.stdout
