"""A file that is written whole or not at all."""

from pathlib import Path

from encoder.errors import EncoderError


def write_atomically(path: Path, content: bytes, error: type[EncoderError]) -> None:
    """Write a file; the old one stays whole until the new one is.

    Args:
        path: The file.
        content: All of it.
        error: Raised where it cannot be written.
    """
    unfinished = path.with_name(f".{path.name}.part")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(path)
    except OSError as reason:
        raise error(f"{path} cannot be written: {reason.strerror}") from reason
