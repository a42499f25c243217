"""A Postgres with pgvector of our own in a folder, for one user: started, found, stopped.

The server listens on a Unix socket only, in a folder that only its account (and root) may enter; whoever gets
that far is let in as the superuser `postgres` without a password. It outlives the process that started it.
"""

import fcntl
import os
import re
import shutil
import signal
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg.pq import PGconn, Ping

from catalog.database.embedded import process as server_process
from catalog.database.embedded.account import Account, ServerPlace, can_reach, find_base, make_place
from catalog.database.embedded.account_files import read_file, write_file
from catalog.database.embedded.process import SOCKET
from catalog.database.embedded.settings import PORT, expected_settings, settings_file
from catalog.errors import ServerError

__all__ = ["down", "exists", "expected_settings", "revive", "up", "url"]

DATABASE = "galcat"
SUPERUSER = "postgres"
_SETTINGS = "galcat.conf"
_VERSION = "18"
_SOCKET_BYTES = 100  # the kernel's limit is 107 on Linux, 103 on macOS
_READY_SECONDS = 600
_LOCK = "server.lock"


def up(home: Path, *, durable: bool = True) -> str:
    """Start the server of a home, or find it running; any number of processes may do so at once.

    A data folder is made on first use. The settings file is written anew: what changed in it takes effect now
    where Postgres can do that, else at the next start.

    Args:
        home: Folder of the server; its parent must exist.
        durable: False skips every fsync, for throw-away test databases.

    Returns:
        URL of the database `galcat`, which exists.

    Raises:
        ServerError: One line that says why there is no server.
    """
    home = home.resolve()
    if re.search(r'["$`\\\n]', str(home)):  # pg_ctl hands the path to a shell
        raise ServerError(f'GALCAT_HOME {home!r}: a path with any of " $ ` \\ in it cannot hold a database')
    with _report_in_one_line(home):
        place = make_place(home)
        with _hold_lock(place.base):
            _initialise(place, durable=durable)
            changed = _write_settings(place, durable=durable)
            _ensure_running(place, settings_changed=changed)
            address = _wait_until_ready(place.data)
            _ensure_database(address)
            return address


def exists(home: Path) -> bool:
    """Whether a home has a server's data, running or not."""
    home = home.resolve()
    with _report_in_one_line(home):
        return (find_base(home) / "postgres").is_dir()


def down(home: Path) -> bool:
    """Stop the server of a home; nothing committed is lost.

    Returns:
        Whether a server was running, which is stopped now.
    """
    home = home.resolve()
    with _report_in_one_line(home):
        data = find_base(home) / "postgres"
        if not data.is_dir():
            return False
        with _hold_lock(data.parent):
            running = bool(server_process.server_processes(data))
            sockets = server_process.socket_folder(data)
            server_process.stop(data)
            if sockets is not None and sockets != data:
                with suppress(OSError):  # not empty: not ours alone
                    sockets.rmdir()
            return running


def revive(home: Path) -> bool:
    """Start the server of a home again where it died; one that was stopped in order stays as it is.

    Returns:
        Whether it had died, and was started.

    Raises:
        ServerError: It cannot be started.
    """
    home = home.resolve()
    with _report_in_one_line(home):
        data = find_base(home) / "postgres"
        if not data.is_dir() or server_process.postmaster(data) or not server_process.has_pid_file(data):
            return False
    up(home)
    return True


def url(home: Path) -> str | None:
    """URL of the running server's database `galcat`; None when no server of this home answers."""
    home = home.resolve()
    with _report_in_one_line(home):
        data = find_base(home) / "postgres"
        return _address(data) if data.is_dir() else None


def _ensure_running(place: ServerPlace, *, settings_changed: bool) -> None:
    main = server_process.postmaster(place.data)
    if main is not None and settings_changed:
        main.send_signal(signal.SIGHUP)
    # A server in another container on the same folder has no process here, but it answers.
    if main is None and _address(place.data) is None:
        server_process.end_processes(place.data)
        server_process.remove_locks(place.data, _socket_folder(place))
        server_process.start(place)


def _initialise(place: ServerPlace, *, durable: bool) -> None:
    """Make the data folder if there is none: beside its place, then moved there whole."""
    for left_over in place.base.glob("postgres.new-*"):
        shutil.rmtree(left_over, ignore_errors=True)  # a killed up's initdb may still write: gone at the next
    if place.data.exists():
        found = (read_file(place.data / "PG_VERSION") or "").strip()
        if found != _VERSION:
            raise ServerError(
                f"{place.data} was made by Postgres {found}, this galcat brings {_VERSION}: dump and reload"
            )
        return
    fresh = Path(tempfile.mkdtemp(prefix="postgres.new-", dir=place.base))
    _give(fresh, place.account)
    options = ["--auth-local=trust", "--auth-host=reject", "--encoding=UTF8", "--data-checksums"]
    options += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    options += [f"--username={SUPERUSER}", "--no-instructions", *([] if durable else ["--no-sync"])]
    done = server_process.run(place, "initdb", [*options, f"--pgdata={fresh}"])
    if done.returncode != 0:
        shutil.rmtree(fresh)
        raise ServerError(f"initdb failed in {place.base}: {server_process.last_complaint(done.stderr)}")
    configuration = fresh / "postgresql.conf"
    text = f"{read_file(configuration)}\ninclude_if_exists = '{_SETTINGS}'\n"
    write_file(configuration, text, place.account)
    fresh.rename(place.data)


def _write_settings(place: ServerPlace, *, durable: bool) -> bool:
    """Write the settings file unless it says the same already; returns whether it was written."""
    folder = _socket_folder(place)
    text = settings_file(folder, server_process.cluster_name(place.data), durable=durable)
    path = place.data / _SETTINGS
    if not path.is_symlink() and read_file(path) == text:
        return False
    write_file(path, text, place.account)
    return True


def _socket_folder(place: ServerPlace) -> Path:
    """The data folder, or where its path is too long for a socket a private folder under a temp folder."""
    if _fits(place.data):
        return place.data
    for above in (Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")):  # noqa: S108 - made private below
        folder = above / server_process.cluster_name(place.data)
        reachable = place.account is None or can_reach(above, place.account)
        if reachable and above.is_dir() and _fits(folder):
            _make_private(folder, place.account)
            return folder
    raise ServerError(f"{place.data} is too long for a socket, and no temp folder can hold one")


def _fits(folder: Path) -> bool:
    """Whether a folder's path can name a socket; libpq takes a comma for the start of another host."""
    return len(os.fsencode(folder / SOCKET)) <= _SOCKET_BYTES and "," not in str(folder)


def _make_private(folder: Path, account: Account | None) -> None:
    """A folder that its owner alone may enter; one that somebody else made first is refused."""
    try:
        folder.mkdir(mode=0o700)
        _give(folder, account)
    except FileExistsError:
        pass
    status = folder.lstat()
    owner = account.uid if account else os.geteuid()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != owner or status.st_mode & 0o077:
        raise ServerError(f"{folder} is not a private folder of the server's account: remove it")


def _give(path: Path, account: Account | None) -> None:
    if account is not None:
        os.chown(path, account.uid, account.gid)


def _wait_until_ready(data: Path) -> str:
    """The address once the server answers; it may be replaying its log after a crash."""
    deadline = time.monotonic() + _READY_SECONDS
    while (address := _address(data)) is None:
        if server_process.postmaster(data) is None:
            raise ServerError(f"Postgres ended in {data}: {server_process.last_words(data)}")
        if time.monotonic() > deadline:
            raise ServerError(f"Postgres in {data} runs but does not answer")
        time.sleep(0.05)
    return address


def _address(data: Path) -> str | None:
    """URL of the database `galcat` if a server of this data folder accepts connections."""
    folder = server_process.socket_folder(data)
    if folder is None:
        return None
    address = f"postgresql://{SUPERUSER}@/{DATABASE}?host={quote(str(folder))}&port={PORT}"
    return address if PGconn.ping(address.encode()) == Ping.OK else None


def _ensure_database(address: str) -> None:
    with psycopg.connect(address, dbname="postgres", autocommit=True) as conn:
        if conn.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
            conn.execute(f"CREATE DATABASE {DATABASE}")


@contextmanager
def _hold_lock(base: Path) -> Iterator[None]:
    """Hold the base folder's lock; other processes wait."""
    # Opened for reading: the file may belong to root, who ran galcat here before.
    flags = os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(base / _LOCK, flags, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _report_in_one_line(home: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        raise ServerError(f"no database in GALCAT_HOME {home}: {error.strerror}{where}") from error
    except psycopg.Error as error:
        said = str(error).strip().splitlines()[0]
        raise ServerError(f"the server of GALCAT_HOME {home} does not serve: {said}") from error
