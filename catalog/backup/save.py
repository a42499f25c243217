"""Write a catalogue's content of one moment to one file, whole or not at all."""

import os
import re
import subprocess
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import psycopg

from catalog.backup.content import describe_tables, list_tables
from catalog.backup.manifest import Manifest, read_members, read_roles
from catalog.backup.programs import connection_words, find_program
from catalog.backup.script import count_rows
from catalog.database.connection import connect
from catalog.errors import BackupError
from catalog.file_lock import lock_alone

SCRIPT, MANIFEST, FILES = "catalogue.sql", "manifest.json", "weights/"
_PART = ".part"

Progress = Callable[[str, int, int], None]
"""Is told what is done, how many are done, and how many there are."""


def back_up(url: str, path: Path, files: Mapping[str, Path], tell: Progress) -> Manifest:
    """Write a backup of a database; readers and writers go on meanwhile.

    The file is a ZIP archive: the script of pg_dump, what every table held at that moment, and further files.

    Args:
        url: URL of the catalogue's database.
        path: File to write; it must not be there.
        files: Files that are kept with it, by name.
        tell: Is told of the progress.

    Returns:
        What the backup holds.

    Raises:
        BackupError: The file is there, or cannot be written; the database has no catalogue; pg_dump failed.
            Nothing is left then.
        ServerError: The database cannot be reached.
    """
    if path.exists():
        raise BackupError(f"{path} is there already: name another file")
    half = path.with_name(f".{path.name}{_PART}")
    try:
        with _snapshot(url) as (connection, snapshot), _open_alone(half) as target:
            with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
                manifest = _write(archive, connection, url, snapshot, tell)
                for name, file in files.items():
                    archive.write(file, FILES + name, zipfile.ZIP_STORED)
                archive.writestr(MANIFEST, manifest.to_json())
            target.flush()
            os.fsync(target.fileno())
            if path.exists():
                raise BackupError(f"{path} was made by somebody else meanwhile: name another file")
            half.rename(path)
    except OSError as error:
        if error.filename in map(str, files.values()):
            raise BackupError(f"{error.filename} cannot be read: {error.strerror}") from error
        raise BackupError(f"{path} cannot be written: {error.strerror}") from error
    return manifest


def remove_unfinished(folder: Path, names: re.Pattern[str]) -> None:
    """Remove the beginnings of backups that were killed; one that is being written stays.

    Args:
        folder: Where backups are written to.
        names: What their names are, when they are whole.
    """
    for half in folder.glob(f".*{_PART}"):
        if names.fullmatch(half.name[1 : -len(_PART)]):
            with half.open("r+b") as file:
                if lock_alone(file, half):
                    half.unlink()


@contextmanager
def _open_alone(half: Path) -> Iterator[IO[bytes]]:
    """A file for this backup alone, empty whatever a killed one left; where anything fails it goes."""
    with os.fdopen(os.open(half, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+b") as target:
        if not lock_alone(target, half):
            raise BackupError(f"another backup to the same file runs: {half} is its beginning")
        target.truncate(0)
        try:
            yield target
        except BaseException:
            half.unlink(missing_ok=True)
            raise


@contextmanager
def _snapshot(url: str) -> Iterator[tuple[psycopg.Connection, str]]:
    # Closed and not committed: where the idle connection was lost meanwhile, pg_dump's work is whole.
    with closing(connect(url)) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        if connection.execute("SELECT to_regclass('galcat.schema_history')").fetchone() == (None,):
            raise BackupError("there is no catalogue in this database")
        if connection.execute("SELECT pg_is_in_recovery()").fetchone() == (True,):
            raise BackupError("this server is a standby: back up its primary, or copy it by pg_basebackup")
        row = connection.execute("SELECT pg_export_snapshot()").fetchone()
        assert row is not None  # noqa: S101 - a function gives a row
        yield connection, str(row[0])


def _write(
    archive: zipfile.ZipFile, connection: psycopg.Connection, url: str, snapshot: str, tell: Progress
) -> Manifest:
    made_at = datetime.now(UTC).isoformat(timespec="seconds")
    names = list_tables(connection)
    tables = []
    for table in describe_tables(connection, names):
        tables.append(table)
        tell("counting tables", len(tables), len(names))
    manifest = Manifest(
        version("galcat"),
        connection.execute("SHOW server_version").fetchone()[0],  # type: ignore[index] # it shows a row
        made_at,
        read_roles(connection),
        read_members(connection),
        tuple(tables),
    )
    done = 0

    def add(rows: int) -> None:
        nonlocal done
        done += rows
        tell("writing rows", done, manifest.rows)

    with archive.open(SCRIPT, "w", force_zip64=True) as entry:
        _dump(url, snapshot, entry, add)
    return manifest


def _dump(url: str, snapshot: str, target: IO[bytes], add_rows: Callable[[int], None]) -> None:
    where, environment = connection_words(url)
    command = [str(find_program("pg_dump", url)), "-d", where, "--no-password", f"--snapshot={snapshot}"]
    command += ["--exclude-table=tap_upload.u_*"]  # of queries that run
    with (
        TemporaryFile() as said,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, env=environment) as dump,  # noqa: S603 - ours
    ):
        assert dump.stdout is not None  # noqa: S101 - it is a pipe
        try:
            for line in count_rows(dump.stdout, add_rows):
                target.write(line)
        except BaseException:
            dump.kill()
            raise
        if dump.wait() != 0:
            said.seek(0)
            lines = said.read().decode(errors="replace").strip().splitlines() or ["it said nothing"]
            first = next((line for line in lines if "error:" in line), lines[0])  # warnings come before it
            raise BackupError(f"the backup was not made: {first}")
