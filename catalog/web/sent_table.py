"""A table that a browser sent: looked at before it is read whole, read from a file that is gone at once."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from catalog.errors import CatalogError
from catalog.tap.errors import UsageError
from catalog.tap.uploads.error import UploadError
from catalog.tap.uploads.read import require_small
from table_files.errors import TableError
from table_files.limits import TableLimits

MAX_BYTES = 5_000_000
_ENDINGS = {".csv", ".tsv", ".tab", ".txt", ".dat", ".ecsv", ".fits", ".fit", ".vot", ".xml", ".parquet"}
_SHOWN, _MAX_REASON = 60, 300
Read = TypeVar("Read")


def name_of_file(filename: str) -> str:
    """The name of a file without folders, short enough to be shown."""
    return Path(filename.replace("\\", "/")).name[:_SHOWN] or "your file"


def read_sent_table(
    content: bytes, name: str, limits: TableLimits, command: str, read: Callable[[Path], Read]
) -> Read:
    """Read a table that a browser sent.

    Args:
        content: Content of the file.
        name: What its owner calls it, for errors; its ending tells CSV from other texts.
        limits: How large it may be; texts are bounded by their bytes alone.
        command: The command that takes larger ones, for errors.
        read: Reads the file of that path.

    Raises:
        UsageError: It is too large, or `read` refuses it; one line that names the file as its owner does.
    """
    if len(content) > limits.bytes:
        raise UsageError(f"{name} has more than {limits.bytes / 1e6:g} MB: {command} takes more")
    ending = Path(name).suffix.lower()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"table{ending if ending in _ENDINGS else ''}"
        path.write_bytes(content)
        try:
            require_small(content, limits)
            return read(path)
        except (UploadError, TableError, CatalogError) as error:
            reason = str(error).replace(str(path), "").lstrip(":, ").splitlines()[0][:_MAX_REASON]
            raise UsageError(f"{name}: {reason}") from error
