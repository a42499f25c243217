"""Files that are written whole or not at all."""

import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from encoder.errors import EncoderError


def write_atomically(path: Path, content: bytes, error: type[EncoderError]) -> None:
    """Write a file; the old one stays whole until the new one is.

    Args:
        path: Path of the file to write.
        content: All of its bytes.
        error: The class of error that is raised where it cannot be written.
    """
    unfinished = path.with_name(f".{path.name}.part")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(path)
    except OSError as reason:
        raise error(f"{path} cannot be written: {reason.strerror}") from reason


def make_folder(folder: Path, error: type[EncoderError]) -> None:
    """Make a folder and those above it, where they are not there.

    Args:
        folder: Path of the folder to make.
        error: The class of error that is raised where it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as reason:
        raise error(f"{folder} cannot be made a folder: {reason.strerror}") from reason


def write_arrays(path: Path, **arrays: NDArray[np.float32]) -> None:
    """Keep arrays, of any shapes, in an `.npz` file that a later run reads by `read_arrays`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.stem}.part.npz")
    np.savez(unfinished, **arrays)  # type: ignore[arg-type]
    unfinished.replace(path)


def read_arrays(path: Path, names: tuple[str, ...], error: type[EncoderError]) -> list[NDArray[np.float32]]:
    """Read arrays that `write_arrays` kept, in the order of `names`.

    Args:
        path: Path of the `.npz` file.
        names: Names of the arrays to read.
        error: The class of error that is raised where the file is damaged.
    """
    try:
        with path.open("rb") as opened, np.load(opened) as arrays:
            return [arrays[name] for name in names]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as fault:
        reason = next(iter(str(fault).strip().splitlines()), type(fault).__name__)
        raise error(f"{path} is damaged ({reason}): delete it and run again") from fault
