"""A backup of a catalogue with the weights of its releases: made, and read in again."""

import re
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from catalog.backup.manifest import Manifest
from catalog.backup.read_in import restore
from catalog.backup.save import Progress, back_up, remove_unfinished
from catalog.database.connection import connect
from catalog.errors import BackupError
from galcat.workflows.releases.weights_store import ENDING, find_weights, weights_store

_PREFIX, _SUFFIX = "galcat-", ".zip"
_STAMP = "%Y%m%dT%H%M%SZ"
_NAMED = re.compile(rf"{_PREFIX}\d{{8}}T\d{{6}}Z{re.escape(_SUFFIX)}")


def choose_file(path: Path) -> Path:
    """The file that a backup is written to: in a folder one that is named by the time, in UTC."""
    return path / f"{_PREFIX}{datetime.now(UTC):{_STAMP}}{_SUFFIX}" if path.is_dir() else path


def make_backup(url: str, path: Path, tell: Progress) -> tuple[Manifest, list[str]]:
    """Write a catalogue, and the weights of its releases that are found, to one file.

    Args:
        url: URL of the catalogue's database.
        path: File to write; it must not be there.
        tell: Is told of the progress.

    Returns:
        What the backup holds, and the releases whose weights it lacks, since they are not on this machine.

    Raises:
        BackupError: The file is there, or cannot be written; pg_dump failed. Nothing is left then.
        CatalogError: The database cannot be reached.
    """
    with connect(url, autocommit=True) as connection, ExitStack() as stack:
        if connection.execute("SELECT to_regclass('galcat.release')").fetchone() == (None,):
            raise BackupError("there is no catalogue in this database")
        query = "SELECT name, weights_sha256 FROM galcat.release ORDER BY 1"
        releases: dict[str, str] = dict(connection.execute(query).fetchall())
        found = {digest: stack.enter_context(find_weights(digest)) for digest in {*releases.values()}}
        kept = {f"{digest}{ENDING}": file for digest, file in found.items() if file is not None}
        lacking = [name for name, digest in releases.items() if found[digest] is None]
        return back_up(url, path, kept, tell), lacking


def restore_backup(url: str, path: Path, tell: Progress) -> tuple[Manifest, list[str]]:
    """Read a backup into an empty database, and its weights into the store.

    Args:
        url: URL of the database that the backup is restored into; it must be empty.
        path: Path of a file that `make_backup` wrote.
        tell: Is told of the progress.

    Returns:
        What the backup held, and the roles that were made and cannot log in yet.

    Raises:
        BackupError: The file is none or damaged, or the database has a catalogue; nothing is changed then.
        CatalogError: The database cannot be reached, or its login lacks a right.
    """
    return restore(url, path, weights_store(), tell)


def remove_old_backups(folder: Path, keep: int | None, newest: Path) -> list[Path]:
    """Remove the oldest backups of a folder, and what killed ones have left; other files stay.

    Args:
        folder: Where `choose_file` named them.
        keep: How many stay, at least 1, the newest among them; None for all.
        newest: The backup that was just made: it stays, whatever the clock said when others were made.

    Returns:
        The backups that were removed.
    """
    remove_unfinished(folder, _NAMED)
    others = sorted(
        file for file in folder.iterdir() if _NAMED.fullmatch(file.name) and file.name != newest.name
    )
    old = [] if keep is None else others[: max(0, len(others) + 1 - keep)]
    for file in old:
        file.unlink()
    return old
