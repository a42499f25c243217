"""A lock that only one process has, on a file that may go when the work is done."""

import fcntl
import os
from pathlib import Path
from typing import IO, Any


def lock_alone(file: IO[Any], path: Path) -> bool:
    """Lock an open file until it is closed, and tell whether this process alone has it.

    Who holds the lock may rename or remove the file before it is closed. Somebody who has opened it a moment
    earlier then gets the lock of a file that is no longer at its path: they are told no, too.

    Args:
        file: The file, open for writing.
        path: The path by which it was opened.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except (BlockingIOError, FileNotFoundError):
        return False
