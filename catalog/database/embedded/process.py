"""The running processes of one data folder: found by their titles, started, ended."""

import hashlib
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import psutil  # type: ignore[import-untyped] # it ships no types

from catalog.database.embedded.account import ServerPlace
from catalog.database.embedded.account_files import read_file
from catalog.database.embedded.settings import PORT, memory_mb, session_bytes
from catalog.errors import ServerError

SOCKET = f".s.PGSQL.{PORT}"
_LOG = "server.log"
_PID_FILE = "postmaster.pid"
_START_SECONDS = 600  # crash recovery of max_wal_size on a slow disk
_STOP_SECONDS = 60
_END_SECONDS = 10
_DISK_FULL_BYTES = 1 << 20


def cluster_name(data: Path) -> str:
    """Name in the title of every process of the server of a data folder."""
    return f"galcat-{hashlib.blake2b(os.fsencode(data), digest_size=6).hexdigest()}"


def postmaster(data: Path) -> psutil.Process | None:
    """The main process that postmaster.pid names, if it lives and is a Postgres of this data folder.

    After a crash the number in the file may belong to any other program.
    """
    lines = _pid_file_lines(data)
    if not lines or not lines[0].strip().isdigit():
        return None
    pid = int(lines[0])
    return next((process for process in server_processes(data) if process.pid == pid), None)


def has_pid_file(data: Path) -> bool:
    """Whether a server runs, or ended without its last words: in order it removes the file."""
    return bool(_pid_file_lines(data))


def socket_folder(data: Path) -> Path | None:
    """Folder of the Unix socket that the server wrote down when it started."""
    lines = _pid_file_lines(data)
    return Path(lines[4]) if len(lines) > 4 and lines[4] else None  # noqa: PLR2004 - the fifth line


def server_processes(data: Path) -> list[psutil.Process]:
    """All processes of the server of a data folder: the postmaster and its children.

    Titles are read because in a container even root may not read another user's working folder.
    """
    owner = data.stat().st_uid
    return [process for process in psutil.process_iter() if _belongs(process, data, owner)]


def start(place: ServerPlace) -> None:
    """Start a server and wait until it accepts connections; no process of it may be alive.

    What a session may take for itself is bounded: one that asks for more gets an error, and the others go on.
    Without a bound the kernel ends a process of its choice when the memory is full, and with it all sessions.

    Raises:
        ServerError: Postgres' own last word.
    """
    log = place.data / _LOG
    if log.exists():
        log.replace(place.data / f"{_LOG}.1")
    arguments = ["-D", str(place.data), "-l", str(log), "-w", "-t", str(_START_SECONDS), "start"]
    done = run(place, "pg_ctl", arguments, session_bytes(memory_mb()))
    if done.returncode != 0:
        said = last_words(place.data) if log.exists() else last_complaint(done.stderr)
        raise ServerError(f"Postgres did not start in {place.data}: {said}")


def remove_locks(data: Path, sockets: Path) -> None:
    """Remove the lock files of a killed server; no process of it may be alive.

    Postgres itself would refuse to start where the number in one now belongs to an unrelated process.
    """
    for lock in (data / _PID_FILE, sockets / f"{SOCKET}.lock"):
        lock.unlink(missing_ok=True)


def stop(data: Path) -> None:
    """Stop the server: politely, then at once, then by force. Nothing that was committed is lost."""
    main = postmaster(data)
    if main is not None:
        main.send_signal(signal.SIGINT)  # Postgres' fast shutdown: ends sessions, writes a checkpoint
        psutil.wait_procs([main], timeout=_STOP_SECONDS)
    end_processes(data)


def end_processes(data: Path) -> None:
    """End what is left of a server, such as a busy child of a killed postmaster.

    Raises:
        ServerError: One of them does not die.
    """
    for signal_number in (signal.SIGQUIT, signal.SIGKILL):
        alive = server_processes(data)
        for process in alive:
            _send(process, signal_number)
        psutil.wait_procs(alive, timeout=_END_SECONDS)
    if alive := server_processes(data):
        pids = ", ".join(str(process.pid) for process in alive)
        raise ServerError(f"{data}: processes {pids} of an earlier server do not end")


def run(
    place: ServerPlace, program: str, arguments: list[str], max_bytes: int | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a Postgres program as the place's account, in English and without the caller's PG* variables.

    Args:
        place: The server's place and account.
        program: Name of the program.
        arguments: Arguments of the program.
        max_bytes: How much memory of its own each process that it starts may have, in bytes; what is shared
            does not count.
    """
    account = place.account
    command = [str(place.programs / program), *arguments]
    if max_bytes is not None:
        command = ["/bin/sh", "-c", f'ulimit -d {max_bytes // 1024}; exec "$0" "$@"', *command]
    return subprocess.run(  # noqa: S603 - our own program
        command,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        cwd="/",
        env={"PATH": os.defpath, "LC_ALL": "C"},
        umask=0o077,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


def last_words(data: Path) -> str:
    """The last complaint in the server's log, and whether the disk is full: the log may then be empty."""
    said = last_complaint(read_file(data / _LOG) or "")
    full = shutil.disk_usage(data).free < _DISK_FULL_BYTES
    return f"{said} (the disk is full)" if full else said


def last_complaint(text: str) -> str:
    """The last FATAL, else the last PANIC or error, without its time stamp; else the last line.

    A PANIC is often the consequence of the FATAL before it. Which setting of a bad configuration it is stands
    in the LOG line before. A FATAL about the database system only turned a client away meanwhile.
    """
    said = re.findall(r"(LOG|FATAL|PANIC|error): +(?! |the database system )(.*)", text)
    for levels in (("FATAL",), ("PANIC", "error")):
        for i, (level, words) in reversed(list(enumerate(said))):
            if level in levels:
                return str(said[i - 1][1] if i > 0 and words.endswith("contains errors") else words)
    return (text.strip().splitlines() or ["it said nothing"])[-1]


def _pid_file_lines(data: Path) -> list[str]:
    return (read_file(data / _PID_FILE) or "").splitlines()


def _belongs(process: psutil.Process, data: Path, owner: int) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE or process.uids().real != owner:
            return False
        words = process.cmdline()
    except psutil.Error:
        return False  # it ended meanwhile, or is not ours to see
    if not words:
        return False
    child = words[0].startswith(f"postgres: {cluster_name(data)}: ")
    return child or (Path(words[0]).name == "postgres" and words[1:3] == ["-D", str(data)])


def _send(process: psutil.Process, signal_number: signal.Signals) -> None:
    try:
        process.send_signal(signal_number)
    except psutil.NoSuchProcess:
        pass
    except psutil.AccessDenied:
        raise ServerError(
            f"process {process.pid} belongs to another user: only that user or root can stop it"
        ) from None
