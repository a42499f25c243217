"""A file for what must be known whole before it is sent: bounded, and gone with the process that made it."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from catalog.errors import CatalogError

_CHUNK_BYTES = 2**20


class SpoolError(CatalogError):
    """An answer needs more disk than it may take."""


class Spool:
    """A file without a name, to be written, then read; pyarrow takes it for a file."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - open as long as its Spool
        self._max_bytes = max_bytes
        self._written = 0

    def write(self, data: bytes) -> int:
        """Append bytes.

        Raises:
            SpoolError: The file would be larger than it may be.
        """
        self._written += len(data)
        require_room(self._written, self._max_bytes)
        return self._file.write(data)

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes from here."""
        return self._file.read(size)

    def rewind(self) -> None:
        """Go back to the start."""
        self._file.seek(0)

    def chunks(self) -> Iterator[bytes]:
        """Give the whole file, a MiB at a time."""
        self.rewind()
        while chunk := self._file.read(_CHUNK_BYTES):
            yield chunk

    def flush(self) -> None:
        """Make what was written readable."""
        self._file.flush()

    def tell(self) -> int:
        """The position, in bytes, that is written or read next."""
        return self._file.tell()

    def close(self) -> None:
        """Remove the file."""
        self._file.close()

    @property
    def closed(self) -> bool:
        """Whether the file is gone."""
        return self._file.closed


def require_room(n_bytes: int, max_bytes: int) -> None:
    """Refuse a file that is too large.

    Raises:
        SpoolError: It is larger than it may be.
    """
    if n_bytes > max_bytes:
        raise SpoolError(
            f"the answer takes more than {max_bytes // 1_000_000} MB in this format: "
            "ask for fewer rows, or for a format that is streamed (votable, csv, tsv, json)"
        )
