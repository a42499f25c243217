"""Files with the results of jobs, each written whole or not at all, in a folder of bounded size."""

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from catalog.errors import CatalogError

_HALF = ".half"
_LEFT_OVER_S = 3_600


class SpoolFullError(CatalogError):
    """There is no room for a result."""


def check_room(size: int, room: int) -> None:
    """Refuse a result of `size` bytes that has no room.

    Raises:
        SpoolFullError: There is no room left.
    """
    if size > room:
        raise SpoolFullError(f"the result is larger than the {room:,} bytes there is room for")


class JobResults:
    """The folder of results; services that share a catalogue share it, so that each can serve every result.

    Args:
        folder: The folder of the files; `open` makes it where it is missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    def beside(cls, spool: Path) -> Self:
        """Make the results of the service that has this folder for its spool."""
        return cls(spool / "results")

    def open(self) -> None:
        """Make the folder where it is missing; nobody else on this machine may look into it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._folder.chmod(0o700)

    def path(self, name: str) -> Path:
        """Where the file of that name lies, or would lie."""
        return self._folder / name

    def write(self, name: str, pieces: Iterable[bytes], max_bytes: int) -> int:
        """Write a file whole, safe against a loss of power; returns its size.

        Raises:
            SpoolFullError: It needs more than `max_bytes`, or the disk is full; nothing is left of it then.
        """
        half = self.path(name + _HALF)
        try:
            size = _write(half, pieces, max_bytes)
            half.replace(self.path(name))
        except OSError as error:
            raise SpoolFullError(f"the result cannot be kept: {error.strerror}") from error
        finally:
            half.unlink(missing_ok=True)
        return size

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        self.path(name).unlink(missing_ok=True)

    def remove_all_but(self, names: set[str]) -> None:
        """Remove what a crash has left: files of no job that have not been touched for an hour."""
        latest = time.time() - _LEFT_OVER_S
        for path in self._folder.iterdir():
            if path.name not in names and path.stat().st_mtime < latest:
                path.unlink(missing_ok=True)


def _write(path: Path, pieces: Iterable[bytes], max_bytes: int) -> int:
    size = 0
    with path.open("wb") as file:
        for piece in pieces:
            size += len(piece)
            check_room(size, max_bytes)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    return size
