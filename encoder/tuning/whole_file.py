"""A file that is written whole or not at all."""

from pathlib import Path

from encoder.errors import TaskError


def write_whole(path: Path, content: bytes) -> None:
    """Write a file; the old one stays whole until the new one is.

    Raises:
        TaskError: It cannot be written.
    """
    unfinished = path.with_name(f".{path.name}.part")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(path)
    except OSError as error:
        raise TaskError(f"{path} cannot be written: {error.strerror}") from error
