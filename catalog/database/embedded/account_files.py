"""Files in a folder of another account, which root reads and writes without following that account's links.

The account that runs the server may put a symbolic link in its folder under any name. Root that wrote what
lies behind it, or gave it away, would make that account the owner of any file of the machine.
"""

import os
import stat
from contextlib import suppress
from pathlib import Path

from catalog.database.embedded.account import Account
from catalog.errors import ServerError

_LAST_BYTES = 10_000_000


def read_file(path: Path) -> str | None:
    """Read a text file, of a very long one the last 10 MB; None where there is none.

    Args:
        path: The file; of its path the last name is not followed where it is a link.

    Raises:
        ServerError: Something else has that name: a link, a folder, a pipe, a second name of a file.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if path.is_symlink():
            raise ServerError(f"{path} is a link: remove it") from None
        raise error from None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
            raise ServerError(f"{path} is no plain file of its own: remove it")
        file.seek(max(0, status.st_size - _LAST_BYTES))
        return file.read().decode(errors="replace")


def write_file(path: Path, text: str, account: Account | None) -> None:
    """Write a text file whole, for its owner alone, and give it to the account.

    What is written is a new file in every case, which then takes the place of what had the name.

    Args:
        path: Path of the file that is written.
        text: All that it shall hold.
        account: The account that owns the folder; None means our own user.
    """
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    part = f".{path.name}.{os.getpid()}"
    try:
        with suppress(FileNotFoundError):
            os.unlink(part, dir_fd=folder)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(part, flags, 0o600, dir_fd=folder), "w", encoding="utf-8") as file:
            file.write(text)
            if account is not None:
                os.fchown(file.fileno(), account.uid, account.gid)
        os.rename(part, path.name, src_dir_fd=folder, dst_dir_fd=folder)
    finally:
        os.close(folder)
