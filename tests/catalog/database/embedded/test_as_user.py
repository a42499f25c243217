"""A normal user runs the embedded server in a folder of its own, needing nobody's help.

Run as root, these tests become a user made for them; run as a user, the other server tests are this one.
"""

import os
import pwd
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped] # it ships no types
import pytest

from catalog.database.embedded.account import Account, can_reach, package_programs
from catalog.database.embedded.server import up, url

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can become another user; as a user the other server tests do this"
)

# Imports first: the interpreter may lie in a folder that only root may enter.
AS_USER = """
import os, sys, pathlib, encodings.idna, psycopg
from catalog.database import connection
from catalog.database.embedded import server
from catalog.errors import ServerError
os.setgroups([]); os.setgid(int(sys.argv[2])); os.setuid(int(sys.argv[1])); os.chdir("/")
os.environ |= {"HOME": "/nonexistent"}
home = pathlib.Path(sys.argv[3])
try:
    EXPRESSION
except ServerError as error:
    print("ServerError", error)
"""


@pytest.fixture
def user() -> Iterator[Account]:
    """A normal account that exists for one test."""
    name = f"galcat-test-{uuid.uuid4().hex[:8]}"
    subprocess.run(["useradd", "--no-create-home", "--user-group", name], check=True)
    entry = pwd.getpwnam(name)
    account = Account(name, entry.pw_uid, entry.pw_gid)
    if not can_reach(package_programs(), account):
        subprocess.run(["userdel", name], check=True)
        pytest.skip(f"{package_programs()} lies in a private folder: no other user can run it")
    yield account
    subprocess.run(["userdel", name], check=True)


def run_as(user: Account, expression: str, home: Path) -> str:
    script = AS_USER.replace("EXPRESSION", expression)
    root = Path(__file__).resolve().parents[4]
    done = subprocess.run(
        [sys.executable, "-c", script, str(user.uid), str(user.gid), str(home)],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def users_home(user: Account, server_home: Path) -> Path:
    """A home in a private folder of the user's."""
    own = server_home / "own"
    own.mkdir(mode=0o700)
    os.chown(own, user.uid, user.gid)
    return own / "home"


def test_a_user_starts_it_asks_it_and_stops_it(user: Account, users_home: Path) -> None:
    address = run_as(user, "print(server.up(home, durable=False))", users_home)
    data = users_home / "postgres"
    assert data.stat().st_uid == user.uid
    everything = psutil.process_iter(["cmdline", "username"])
    mains = [
        process.info for process in everything if (process.info["cmdline"] or [])[1:] == ["-D", str(data)]
    ]
    assert [main["username"] for main in mains] == [user.name]
    ask = "print(connection.connect(server.url(home)).execute('SELECT current_database()').fetchone())"
    assert run_as(user, ask, users_home) == "('galcat',)"
    assert run_as(user, "print(server.up(home, durable=False))", users_home) == address
    assert run_as(user, "print(server.down(home), server.url(home))", users_home) == "True None"
    assert users_home.parent.stat().st_mode & 0o777 == 0o700


def test_root_uses_a_users_server_as_that_user(user: Account, users_home: Path) -> None:
    address = run_as(user, "print(server.up(home, durable=False))", users_home)
    assert url(users_home) == address
    assert run_as(user, "print(server.down(home))", users_home) == "True"
    assert up(users_home, durable=False) == address
    assert (users_home / "postgres").stat().st_uid == user.uid
    assert run_as(user, "print(server.down(home))", users_home) == "True"


def test_a_user_is_told_whose_server_it_is(user: Account, server_home: Path) -> None:
    up(server_home, durable=False)
    said = run_as(user, "server.up(home)", server_home)
    assert said.startswith(f"ServerError {server_home}/postgres belongs to another user")


def test_a_read_only_folder_is_named_in_one_line(user: Account, server_home: Path) -> None:
    home = server_home / "home"
    said = run_as(user, "server.up(home)", home)
    assert said == f"ServerError no database in GALCAT_HOME {home}: Permission denied: {home}"
