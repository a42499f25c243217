"""A server of the newest Postgres, which a test may back up, archive, kill and recover."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from catalog.database.connection import connect
from catalog.database.embedded.account import system_account
from catalog.errors import ServerError
from tests.galcat.other_servers import as_account, run
from tests.waiting import wait_until

_SEGMENT_MB = "1"
_SETTINGS = (
    "-c listen_addresses= -c fsync=off -c shared_buffers=32MB -c max_wal_size=64MB -c autovacuum=off "
    "-c max_parallel_maintenance_workers=0"
)


@dataclass(frozen=True)
class OwnServer:
    """A server in a folder.

    Attributes:
        programs: Folder of Postgres' programs.
        folder: Folder that holds the data, the log and the socket; the server's account owns it.
    """

    programs: Path
    folder: Path

    @property
    def url(self) -> str:
        """URL of its one database."""
        return f"postgresql://postgres@/postgres?host={self.folder}"

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.folder / "data"

    def create(self) -> None:
        """Make an empty database."""
        make_folder(self.folder)
        words = ("-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-sync", "--wal-segsize")
        run(self.programs / "initdb", "-D", self.data, *words, _SEGMENT_MB)

    def copy_from(self, backup: Path) -> None:
        """Begin with the data of a backup; what was there before is removed."""
        shutil.rmtree(self.folder, ignore_errors=True)
        make_folder(self.folder)
        subprocess.run(["cp", "-a", "--reflink=auto", backup, self.data], check=True)

    def start(self, *options: str) -> None:
        """Start it, and wait until it can be asked."""
        words = " ".join((_SETTINGS, f"-c unix_socket_directories={self.folder}", *options))
        log = self.folder / "log"
        run(self.programs / "pg_ctl", "-D", self.data, "-w", "-t", "600", "-l", log, "-o", words, "start")

    def recover(self, archive: Path, lsn: int) -> None:
        """Replay the archived log up to a place in it, begin a history of its own there, and wait for it."""
        (self.data / "recovery.signal").touch()
        if os.geteuid() == 0:
            shutil.chown(self.data / "recovery.signal", system_account().uid, system_account().gid)
        with (self.data / "postgresql.auto.conf").open("a") as settings:
            settings.write(
                f"restore_command = 'cp {archive}/%f %p'\nrecovery_target_lsn = '{lsn_text(lsn)}'\n"
                "recovery_target_timeline = 'current'\nrecovery_target_action = 'promote'\n"
            )
        self.start("-c hot_standby=off")
        wait_until(self._answers, "the end of the recovery", (self.folder / "log").read_text)

    def stop(self) -> None:
        """End it in order, and quickly."""
        run(self.programs / "pg_ctl", "-D", self.data, "-w", "-m", "immediate", "stop")

    def kill(self) -> None:
        """Kill every process of it at once, without warning."""
        pid = int((self.data / "postmaster.pid").read_text().split()[0])
        os.killpg(pid, signal.SIGKILL)  # pg_ctl gave it a group of its own
        wait_until(lambda: not _is_alive(pid), "the end of the killed server")

    def lsn(self) -> int:
        """Where its log ends now."""
        with connect(self.url, autocommit=True) as connection:
            row = connection.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn").fetchone()
        assert row is not None
        return int(row[0])

    def _answers(self) -> bool:
        try:
            with connect(self.url):
                return True
        except ServerError:
            return False

    def amcheck(self) -> str:
        """What pg_amcheck says of heaps and B-trees, every row looked up in each; empty where all is well."""
        words = ("--heapallindexed", "--install-missing", "-h", self.folder, "-U", "postgres", "postgres")
        done = subprocess.run(
            [self.programs / "pg_amcheck", *words],
            check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd="/", **as_account(),
        )  # fmt: skip
        return "" if done.returncode == 0 else f"exit code {done.returncode}: {done.stdout}{done.stderr}"


def make_folder(folder: Path) -> None:
    """Make a folder that belongs to the account of the server."""
    folder.mkdir(parents=True)
    if os.geteuid() == 0:
        shutil.chown(folder, system_account().uid, system_account().gid)


def lsn_text(lsn: int) -> str:
    """A place in the log as Postgres writes it."""
    return f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}"


@contextmanager
def archiving(server: OwnServer, archive: Path) -> Iterator[None]:
    """Meanwhile pg_receivewal keeps the log of a running server; at the end all of it is there."""
    make_folder(archive)
    receiver = [server.programs / "pg_receivewal", "-h", server.folder, "-U", "postgres", "-D", archive]
    run(*receiver, "--slot", "archive", "--create-slot")
    with (
        (archive.parent / "receiver.log").open("wb") as log,
        subprocess.Popen(
            [*receiver, "--slot", "archive"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
            **as_account(),
        ) as process,
    ):  # fmt: skip
        try:
            yield
            with connect(server.url, autocommit=True) as connection:
                row = connection.execute(
                    "SELECT pg_walfile_name(pg_current_wal_insert_lsn()) "
                    "FROM pg_logical_emit_message(true, '', 'the end')"
                ).fetchone()
                connection.execute("SELECT pg_switch_wal()")
                assert row is not None
                connection.execute("SELECT pg_logical_emit_message(true, '', 'in the segment after it')")
                wait_until((archive / str(row[0])).exists, f"the archiving of {row[0]}")
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
