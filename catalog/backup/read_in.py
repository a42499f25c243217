"""Read a backup into an empty database: in one transaction, which ends well only where all of it is there."""

import re
import subprocess
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import psycopg
from psycopg import sql

from catalog.backup.content import SETTINGS, TableContent, digest_query
from catalog.backup.manifest import Manifest
from catalog.backup.programs import connection_words, find_program
from catalog.backup.save import FILES, MANIFEST, SCRIPT, Progress
from catalog.backup.script import count_rows, leave_out_extension
from catalog.database.connection import connect
from catalog.database.migrate import migrate
from catalog.database.outside import ROLES_FILE
from catalog.database.privileges import SCHEMAS, describe_needed
from catalog.database.requirements import require_supported
from catalog.database.sql_files import sql_files
from catalog.errors import BackupError


def restore(url: str, path: Path, weights: Path, tell: Progress) -> tuple[Manifest, list[str]]:
    """Read a backup into a database that has no catalogue, and bring it up to date.

    Until every table's rows and digest were found to be those of the backup, nothing of it is to be seen.

    Args:
        url: An empty database; its server needs none of the roles, which are made.
        path: The file that `back_up` wrote.
        weights: Folder to which the weights in it are copied that are not there.
        tell: Is told of the progress.

    Returns:
        What the backup held, and the roles that were made without a password and cannot log in yet.

    Raises:
        BackupError: The file is no backup or damaged, or the database has a catalogue, or the weights cannot
            be written. The database is as before then.
        SchemaError: The login lacks a right.
        ServerError: The database cannot be reached, or its server is too old.
    """
    with _open_archive(path) as archive:
        manifest = Manifest.from_json(archive.read(MANIFEST))
        made = _make_roles(url, manifest)
        _copy_weights(archive, weights)  # first: what is damaged is found while the database is empty
        _read_in(url, archive, manifest, tell)
    migrate(url)
    with connect(url, autocommit=True) as connection:
        connection.execute("SET client_min_messages = error")  # of tables that are not ours to look at
        connection.execute("ANALYZE")  # no dump has statistics, by which searches are planned
    return manifest, made


def read_manifest(path: Path) -> Manifest:
    """What a backup says of itself.

    Raises:
        BackupError: The file is no backup.
    """
    with _open_archive(path) as archive:
        return Manifest.from_json(archive.read(MANIFEST))


@contextmanager
def _open_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """A backup that is open, of which damage that is met later is said in one line too."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, KeyError, EOFError) as error:
        raise BackupError(f"{path} is no backup of galcat, or is damaged: {error}") from error
    except OSError as error:
        raise BackupError(f"{path} cannot be read: {error.strerror}") from error


def _make_roles(url: str, manifest: Manifest) -> list[str]:
    """Make the roles that the backup names, and the extension; a database with a catalogue is refused."""
    with connect(url, autocommit=True) as connection:
        require_supported(connection)
        _require_empty(connection)
        lacking = describe_needed(connection)
        if lacking is not None:
            raise BackupError(lacking)
        with connection.transaction():
            roles_file = next(file for file in sql_files() if file.name == ROLES_FILE)
            connection.execute("SET LOCAL client_min_messages = warning")
            connection.execute(roles_file.text.encode())
            connection.execute("CREATE EXTENSION IF NOT EXISTS vector SCHEMA public")
            wanted = {*manifest.roles, *(member for _, member in manifest.members)}
            found = connection.execute("SELECT rolname FROM pg_roles WHERE rolname = ANY (%s)", [[*wanted]])
            missing = sorted(wanted - {str(row[0]) for row in found.fetchall()})
            for role in missing:
                connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role)))
            for role, member in manifest.members:
                if member in missing:
                    names = sql.Identifier(role), sql.Identifier(member)
                    connection.execute(sql.SQL("GRANT {} TO {}").format(*names))
    return missing


def _require_empty(connection: psycopg.Connection) -> None:
    row = connection.execute(
        "SELECT nspname FROM pg_namespace WHERE nspname = ANY (%s) ORDER BY 1 LIMIT 1", [[*SCHEMAS]]
    ).fetchone()
    if row is not None:
        raise BackupError(
            f"the database {connection.info.dbname} has a catalogue already (schema {row[0]}): a backup is "
            "read into an empty database only"
        )


def _read_in(url: str, archive: zipfile.ZipFile, manifest: Manifest, tell: Progress) -> None:
    where, environment = connection_words(url)
    command = [
        str(find_program("psql", url)),
        "-X",
        "-q",
        "-w",
        "-v",
        "ON_ERROR_STOP=1",
        "-d",
        where,
        "-f",
        "-",
    ]
    with (
        TemporaryFile() as said,
        archive.open(SCRIPT) as script,
        subprocess.Popen(  # noqa: S603 - ours
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said, env=environment
        ) as psql,
    ):
        assert psql.stdin is not None  # noqa: S101 - it is a pipe
        try:
            for line in _statements(script, manifest, tell):
                psql.stdin.write(line)
            psql.stdin.close()
        except BrokenPipeError:
            pass  # it says why
        except BaseException:
            psql.kill()  # before its input ends: what came so far is rolled back
            raise
        if psql.wait() != 0:
            said.seek(0)
            raise BackupError(f"nothing was restored: {_complaint(said.read().decode(errors='replace'))}")


def _statements(script: IO[bytes], manifest: Manifest, tell: Progress) -> Iterator[bytes]:
    """All that psql is to run. Where its input ends early there is no COMMIT, and nothing stays."""
    done = 0

    def add(rows: int) -> None:
        nonlocal done
        done += rows
        tell("reading rows", done, manifest.rows)

    yield b"BEGIN;\n"
    yield from count_rows(leave_out_extension(script), add)
    tell("building indexes, comparing", 0, len(manifest.tables))
    yield f"{SETTINGS};\n".encode()
    for table in manifest.tables:
        yield _comparison(table)
    yield b"COMMIT;\n"


def _comparison(table: TableContent) -> bytes:
    return (
        sql.SQL(
            "DO $compare$ DECLARE n pg_catalog.int8; d pg_catalog.text; BEGIN "
            "SELECT * INTO n, d FROM ({}) AS held (n, d); IF (n, d) <> ({}, {}) THEN "
            "RAISE EXCEPTION 'table % has % rows that are not those of the backup', {}, n; "
            "END IF; END $compare$;\n"
        )
        .format(
            digest_query(table.schema, table.name),
            sql.Literal(table.rows),
            sql.Literal(table.digest),
            sql.Literal(f"{table.schema}.{table.name}"),
        )
        .as_string()
        .encode()
    )


def _complaint(said: str) -> str:
    """The first error that psql told, without the place in its input."""
    lines = [line for line in said.splitlines() if line.strip()]
    error = next(
        (line for line in lines if re.search(r"(ERROR|FATAL|PANIC):", line)),
        (lines or ["it said nothing"])[0],
    )
    return re.sub(r"^.*?(?:ERROR|FATAL|PANIC):\s*", "", error)


def _copy_weights(archive: zipfile.ZipFile, folder: Path) -> None:
    for entry in archive.infolist():
        name = Path(entry.filename).name
        if entry.filename != FILES + name or (folder / name).exists():
            continue
        content, half = archive.read(entry), folder / f".{name}.part"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            half.write_bytes(content)
            half.replace(folder / name)
        except OSError as error:
            with suppress(OSError):
                half.unlink(missing_ok=True)
            raise BackupError(
                f"{folder}: the backup's weights cannot be written there: {error.strerror}"
            ) from error
