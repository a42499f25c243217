"""Root runs the server under another account without opening a folder to it."""

import os
import pwd
import subprocess
from pathlib import Path

import pytest

from catalog.database.embedded.account import (
    ACCOUNT,
    NOTE,
    Account,
    can_reach,
    find_base,
    package_programs,
    reachable_programs,
    system_account,
)
from catalog.database.embedded.server import up
from catalog.errors import ServerError

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root starts the server under another account")
STRANGER = Account("stranger", 54_321, 54_321)


@pytest.mark.parametrize(
    ("mode", "uid", "gid", "entered"),
    [
        (0o755, 0, 0, True),
        (0o754, 0, 0, False),
        (0o701, 0, 0, True),
        (0o710, 0, 54_321, True),
        (0o701, 0, 54_321, False),
        (0o700, 54_321, 0, True),
        (0o077, 54_321, 54_321, False),
    ],
)
@root_only
def test_reach_is_judged_as_the_kernel_judges_it(
    server_home: Path, mode: int, uid: int, gid: int, entered: bool
) -> None:
    inner = server_home / "outer" / "inner"
    inner.mkdir(parents=True)
    os.chown(inner.parent, uid, gid)
    inner.parent.chmod(mode)
    kernel = subprocess.run(
        ["test", "-d", str(inner)], user=STRANGER.uid, group=STRANGER.gid, extra_groups=[], check=False
    )
    assert (kernel.returncode == 0) == entered
    assert can_reach(inner, STRANGER) == entered


@root_only
def test_the_account_has_no_shell_no_home_and_is_made_once() -> None:
    account = system_account()
    assert account == system_account()
    entry = pwd.getpwnam(ACCOUNT)
    assert (entry.pw_uid, entry.pw_gid) == (account.uid, account.gid)
    assert entry.pw_shell.endswith("nologin")
    assert not Path(entry.pw_dir).exists()


@root_only
def test_programs_in_a_private_folder_run_from_a_copy_that_is_made_once(
    server_home: Path, tmp_path: Path
) -> None:
    account = system_account()
    package = package_programs().parents[1]
    tmp_path.chmod(0o700)
    for folder in (package, package.with_name(f"{package.name}.libs")):
        subprocess.run(["cp", "-r", str(folder), str(tmp_path)], check=True)
    private = tmp_path / package.name / "pginstall18" / "bin"
    copied = reachable_programs(private, server_home, account)
    assert server_home in copied.parents
    for program in ("postgres", "initdb"):
        said = subprocess.run(
            [str(copied / program), "--version"], user=account.uid, capture_output=True, text=True, check=True
        )
        assert said.stdout.startswith(f"{program} (PostgreSQL) 18")
    made = copied.stat().st_ino
    assert reachable_programs(private, server_home, account) == copied
    assert copied.stat().st_ino == made
    assert [path.name for path in server_home.iterdir()] == [copied.parents[2].name]
    assert tmp_path.stat().st_mode & 0o777 == 0o700


@root_only
def test_programs_that_can_be_reached_are_not_copied(server_home: Path) -> None:
    programs = package_programs()
    account = Account(ACCOUNT, programs.stat().st_uid, programs.stat().st_gid)
    if not can_reach(programs, account):
        pytest.skip(f"{programs} lies in a private folder itself")
    assert reachable_programs(programs, server_home, account) == programs
    assert list(server_home.iterdir()) == []


@root_only
def test_the_note_is_followed_when_the_home_is_moved(private_home: Path) -> None:
    address = up(private_home, durable=False)
    moved = private_home.with_name("moved")
    private_home.rename(moved)
    assert (moved / NOTE).read_text().startswith(f"{find_base(moved)}\n")
    assert up(moved, durable=False) == address
    moved.rename(private_home)


@root_only
def test_data_that_became_unreachable_are_named_not_replaced(server_home: Path) -> None:
    up(server_home, durable=False)
    server_home.chmod(0o700)
    with pytest.raises(ServerError, match=rf"account {ACCOUNT} can no longer enter {server_home} "):
        up(server_home, durable=False)
    assert not (server_home / NOTE).exists()
    server_home.chmod(0o755)
