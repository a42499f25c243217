"""The embedded server is shared, outlives its starter and recovers; real processes throughout."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil  # type: ignore[import-untyped] # it ships no types
import psycopg
import pytest

from catalog.database.embedded import process as server_process
from catalog.database.embedded.account import NOTE, find_base
from catalog.database.embedded.server import down, revive, up, url
from catalog.errors import ServerError
from tests.waiting import wait_until

CALL_UP = (
    "import sys, pathlib, catalog.database.embedded.server as s; "
    "print(s.up(pathlib.Path(sys.argv[1]), durable=False))"
)


def start_up(home: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", CALL_UP, str(home)], stdout=subprocess.PIPE, text=True)


def postmaster(home: Path) -> psutil.Process:
    process = server_process.postmaster(find_base(home) / "postgres")
    assert process is not None
    return process


def scalar(address: str, query: str) -> object:
    with psycopg.connect(address) as conn:
        row = conn.execute(query.encode()).fetchone()
        assert row is not None
        return row[0]


def test_url_names_the_server_from_up_until_down(server_home: Path) -> None:
    assert url(server_home) is None
    address = up(server_home, durable=False)
    assert up(server_home, durable=False) == address == url(server_home)
    assert scalar(address, "SELECT current_database()") == "galcat"
    assert down(server_home)
    assert url(server_home) is None
    assert not down(server_home)
    assert server_process.server_processes(server_home / "postgres") == []


def test_processes_that_call_up_at_once_share_one_server_which_outlives_them(server_home: Path) -> None:
    starters = [start_up(server_home) for _ in range(3)]
    answers = {starter.communicate()[0].strip() for starter in starters}
    assert answers == {url(server_home)}
    data = str(server_home / "postgres")
    everything = psutil.process_iter(["cmdline"])
    mains = [process for process in everything if (process.info["cmdline"] or [])[1:] == ["-D", data]]
    assert [main.pid for main in mains] == [postmaster(server_home).pid]
    assert {starter.pid for starter in starters}.isdisjoint(parent.pid for parent in mains[0].parents())


def test_kill_9_of_the_postmaster_loses_nothing_even_while_a_child_of_it_is_busy(server_home: Path) -> None:
    address = up(server_home)
    with psycopg.connect(address) as conn:
        conn.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
    with busy_session(address) as child:
        postmaster(server_home).kill()
        assert child.is_running()  # it does not look up while it computes
        assert url(server_home) is None
        assert up(server_home) == address
        assert not child.is_running()
    assert scalar(address, "SELECT sum(n) FROM kept") == 500_500


def test_a_number_in_a_stale_lock_file_that_is_now_another_process_is_left_alone(server_home: Path) -> None:
    address = up(server_home, durable=False)
    data = server_home / "postgres"
    main = postmaster(server_home)
    main.kill()
    psutil.wait_procs([main])
    owner = data.stat()
    uid = owner.st_uid if os.geteuid() == 0 else None
    with subprocess.Popen(["sleep", "600"], user=uid) as bystander:
        for lock in (data / "postmaster.pid", data / ".s.PGSQL.5432.lock"):
            lock.write_text(lock.read_text().replace(str(main.pid), str(bystander.pid), 1))
        assert url(server_home) is None
        assert up(server_home, durable=False) == address
        assert bystander.poll() is None
        bystander.kill()


def test_an_up_killed_while_it_makes_the_data_folder_leaves_no_half_of_it(server_home: Path) -> None:
    starter = start_up(server_home)
    while not list(server_home.glob("postgres.new-*/base")):
        assert starter.poll() is None
        time.sleep(0.01)
    starter.kill()
    starter.communicate()
    assert not (server_home / "postgres").exists()
    assert scalar(up(server_home, durable=False), "SELECT 1") == 1

    def is_tidy() -> bool:  # initdb outlived what started it for a moment
        up(server_home, durable=False)
        return not list(server_home.glob("postgres.new-*"))

    wait_until(is_tidy)


def test_a_home_deleted_under_a_running_server_gets_a_new_one(server_home: Path) -> None:
    up(server_home, durable=False)
    old = postmaster(server_home)
    subprocess.run(["rm", "-r", str(server_home / "postgres")], check=True)
    assert scalar(up(server_home, durable=False), "SELECT 1") == 1
    assert not old.is_running()


def test_a_changed_setting_reaches_the_running_server(server_home: Path) -> None:
    address = up(server_home, durable=False)
    assert scalar(address, "SHOW fsync") == "off"
    assert up(server_home, durable=True) == address
    wait_until(lambda: scalar(address, "SHOW fsync") == "on")


def test_private_folders_stay_private_and_the_server_works_all_the_same(private_home: Path) -> None:
    before = {folder: folder.stat().st_mode for folder in private_home.parents}
    address = up(private_home, durable=False)
    assert scalar(address, "SELECT 1") == 1
    assert up(private_home, durable=False) == address == url(private_home)
    assert {folder: folder.stat().st_mode for folder in private_home.parents} == before
    assert private_home.parent.stat().st_mode & 0o777 == 0o700
    data = find_base(private_home) / "postgres"
    assert data.stat().st_mode & 0o777 == 0o700
    assert (private_home / NOTE).exists() == (os.geteuid() == 0)
    assert (data.parent == private_home) == (os.geteuid() != 0)


@pytest.mark.parametrize("name", ["x" * 120, "one,two", "it's 100% Ωmega&b?c#d"])
def test_any_path_can_be_a_home(server_home: Path, name: str) -> None:
    home = server_home / name
    address = up(home, durable=False)
    assert scalar(address, "SELECT current_database()") == "galcat"
    assert url(home) == address
    sockets = server_process.socket_folder(home / "postgres")
    assert sockets is not None
    assert sockets.stat().st_mode & 0o777 == 0o700
    assert down(home)
    assert sockets == home / "postgres" or not sockets.exists()


def test_postgres_own_reason_is_given_when_it_does_not_start(server_home: Path) -> None:
    up(server_home, durable=False)
    down(server_home)
    configuration = server_home / "postgres" / "postgresql.conf"
    text = configuration.read_text()
    configuration.write_text(f"{text}\nshared_buffers = '4000TB'\n")
    with pytest.raises(ServerError, match=r"did not start .*shared_buffers.*4000TB") as outside:
        up(server_home, durable=False)
    configuration.write_text(f"{text}\nlc_messages = 'nowhere'\n")
    with pytest.raises(ServerError, match=r"did not start .*lc_messages.*nowhere") as unknown:
        up(server_home, durable=False)
    assert "\n" not in f"{outside.value}{unknown.value}"


def test_a_data_folder_of_another_postgres_is_refused(server_home: Path) -> None:
    (server_home / "postgres").mkdir()
    (server_home / "postgres" / "PG_VERSION").write_text("16\n")
    with pytest.raises(ServerError, match=r"was made by Postgres 16, this galcat brings 18"):
        up(server_home, durable=False)


def test_a_home_that_cannot_be_is_refused_in_one_line(server_home: Path) -> None:
    a_file = server_home / "file"
    a_file.touch()
    with pytest.raises(ServerError, match=r"File exists: .*file$"):
        up(a_file)
    with pytest.raises(ServerError, match=r"the folder .*/none does not exist$"):
        up(server_home / "none" / "home")
    with pytest.raises(ServerError, match=r"cannot hold a database$"):
        up(server_home / "$(reboot)")
    assert not down(server_home / "none" / "home")


class busy_session:  # noqa: N801 - reads as a verb in its with statement
    """A session that computes and looks neither at its client nor at its parent."""

    def __init__(self, address: str) -> None:
        self.conn = psycopg.connect(address, autocommit=True)
        self.thread = threading.Thread(target=self._compute)

    def __enter__(self) -> psutil.Process:
        child = psutil.Process(self.conn.info.backend_pid)
        self.thread.start()
        while "SELECT" not in child.cmdline()[0]:
            time.sleep(0.01)
        return child

    def __exit__(self, *_: object) -> None:
        self.thread.join()
        self.conn.close()

    def _compute(self) -> None:
        try:
            self.conn.execute("SELECT count(*) FROM generate_series(1, 2e9::bigint) a WHERE a % 7 = 8")
        except psycopg.OperationalError:
            return


def test_a_server_that_died_is_started_again_and_one_that_was_stopped_is_not(server_home: Path) -> None:
    assert not revive(server_home)
    address = up(server_home, durable=False)
    assert not revive(server_home)
    main = postmaster(server_home)
    main.kill()
    psutil.wait_procs([main])
    assert revive(server_home)
    assert url(server_home) == address
    assert scalar(address, "SELECT 1") == 1
    down(server_home)
    assert not revive(server_home)
    assert url(server_home) is None
