"""The store of weights files: each is kept by its digest, so that a release finds its own years later.

A release names its weights by their SHA-256 digest. Whoever fills a release keeps a copy of them, in
`GALCAT_WEIGHTS_DIR` or `weights` in the home, so that a newer galcat, which ships other weights, and jobs of
the night, which nobody gives a path, go on with them.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from catalog.settings import load_settings
from galcat.errors import WorkflowError

ENDING = ".safetensors"


def weights_store() -> Path:
    """The folder of kept weights that the settings name; it need not exist."""
    return load_settings().weights_dir.resolve()


def shipped_weights() -> Traversable:
    """The folder of the weights files that ship with the package."""
    return resources.files("encoder") / "weights"


@contextmanager
def shipped_file() -> Iterator[Path]:
    """The weights file that a new catalogue is made with."""
    from encoder.model.encoder import DEFAULT_WEIGHTS  # noqa: PLC0415 - torch takes seconds; to look needs none

    with resources.as_file(shipped_weights() / DEFAULT_WEIGHTS) as path:
        yield path


def keep_weights(file: Path) -> Path:
    """Copy a weights file into the store; one that is there already is left as it is.

    Args:
        file: Path of the weights file, which is copied.

    Returns:
        Path of the copy, named after the digest of its content.

    Raises:
        WorkflowError: The file cannot be read, or the store cannot be written.
    """
    store = weights_store()
    try:
        kept = store / f"{digest_of(file)}{ENDING}"
        if not kept.is_file():
            store.mkdir(parents=True, exist_ok=True)
            _copy_whole(file, kept)
    except OSError as error:
        raise WorkflowError(
            f"the weights {file} cannot be kept in {store}: {error.strerror}; name another folder by "
            "GALCAT_WEIGHTS_DIR"
        ) from error
    return kept


@contextmanager
def find_weights(sha256: str) -> Iterator[Path | None]:
    """Look for the weights file of a digest: in the store, then among those that ship.

    Args:
        sha256: Hexadecimal SHA-256 digest of the file.

    Returns:
        A context manager that gives the path of the file while it is open; None where it is in neither place.

    Raises:
        WorkflowError: The store's file is not what its name says: it was damaged.
    """
    kept = weights_store() / f"{sha256}{ENDING}"
    if kept.is_file():
        if digest_of(kept) != sha256:
            raise WorkflowError(
                f"{kept} is damaged: delete it, and keep the file again by galcat release keep"
            )
        yield kept
        return
    for entry in shipped_weights().iterdir():
        if entry.name.endswith(ENDING) and hashlib.sha256(entry.read_bytes()).hexdigest() == sha256:
            with resources.as_file(entry) as path:
                yield path
            return
    yield None


def digest_of(file: Path) -> str:
    """Hexadecimal SHA-256 digest of a file."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _copy_whole(file: Path, kept: Path) -> None:
    """Copy a file so that its place holds all of it or nothing, whoever else does the same meanwhile."""
    descriptor, name = tempfile.mkstemp(prefix=".part-", dir=kept.parent)
    try:
        with os.fdopen(descriptor, "wb") as part, file.open("rb") as source:
            shutil.copyfileobj(source, part)
            part.flush()
            os.fsync(part.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(kept)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
