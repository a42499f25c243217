"""The files of finished HATS exports in a folder, opened so that no name leads anywhere else."""

import errno
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_CATALOGUE = re.compile(r"[a-z][a-z0-9_]*")
_PART = re.compile(
    r"collection\.properties"
    rf"|{_CATALOGUE.pattern}/(hats\.properties|partition_info\.csv"
    r"|dataset/(_metadata|_common_metadata|Norder=\d+/Dir=\d+/Npix=\d+\.parquet))"
)
"""What an export consists of for its readers; the manifest beside it is for the next export alone."""

_NOT_THERE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EINVAL, errno.ENXIO, errno.ENAMETOOLONG}
"""Nothing, no folder, a link, no link, no file that can be read."""


@dataclass(frozen=True)
class OpenPart:
    """An open file of an export.

    Attributes:
        file: The file, open for reading at its first byte.
        size: Its length in bytes.
        tag: Changes when the file does; the same in a later export that took the file over.
    """

    file: BinaryIO
    size: int
    tag: str


def list_exports(folder: Path) -> list[str]:
    """Names of the finished exports in a folder, in order; none where there is no such folder."""
    try:
        names = sorted(path.name for path in folder.iterdir())
    except FileNotFoundError:
        return []
    return [name for name in names if _NAME.fullmatch(name) and _is_export(folder / name)]


@contextmanager
def open_part(folder: Path, name: str, path: str) -> Iterator[OpenPart | None]:
    """Open a file of an export until the context ends.

    The export's name is a link that `export_hats` has made to a folder beside it. No other link is followed,
    not even by who changes the folder meanwhile, and no path that is none of an export's is looked for.

    Args:
        folder: Folder that holds exports.
        name: Name of an export.
        path: Path in it, with slashes.

    Yields:
        The file; None where there is none of that name.
    """
    part = None
    if _NAME.fullmatch(name) and _PART.fullmatch(path):
        try:
            part = _open(folder, _target(folder / name), path)
        except OSError as error:
            if error.errno not in _NOT_THERE:
                raise
    try:
        yield part
    finally:
        if part is not None:
            part.file.close()


def _target(link: Path) -> str:
    """The folder beside a link that `export_hats` lets it lead to.

    Raises:
        OSError: There is no such link, or it leads to something else.
    """
    target = os.readlink(link)  # noqa: PTH115 - the text of the link, not where it leads
    if not re.fullmatch(rf"\.{re.escape(link.name)}\.[0-9a-f]{{12}}", target):
        raise FileNotFoundError(errno.ENOENT, "it leads to no export", str(link))
    return target


def _is_export(link: Path) -> bool:
    try:
        return stat.S_ISDIR(link.with_name(_target(link)).lstat().st_mode)
    except OSError:
        return False


def _open(folder: Path, target: str, path: str) -> OpenPart:
    """Open folder after folder, none of them a link.

    Raises:
        OSError: One of them is a link, or is not there; or the file is no plain one.
    """
    *folders, last = path.split("/")
    here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for inner in (target, *folders):
            opened = os.open(inner, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=here)
            os.close(here)
            here = opened
        number = os.open(last, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=here)
    finally:
        os.close(here)
    file = os.fdopen(number, "rb")
    state = os.fstat(number)
    if not stat.S_ISREG(state.st_mode):
        file.close()
        raise FileNotFoundError(errno.ENOENT, "no plain file", path)
    return OpenPart(file, state.st_size, f'"{state.st_mtime_ns:x}-{state.st_size:x}"')
