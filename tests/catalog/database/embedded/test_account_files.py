"""Root follows no link that the server's account puts in its folder: not to write, not to read."""

import os
from pathlib import Path

import pytest

from catalog.database.embedded.account import find_base
from catalog.database.embedded.account_files import read_file, write_file
from catalog.database.embedded.server import down, up
from catalog.errors import ServerError

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


@as_root
def test_root_follows_no_link_of_the_servers_account(server_home: Path, tmp_path: Path) -> None:
    up(server_home, durable=False)
    down(server_home)
    data = find_base(server_home) / "postgres"
    victim = tmp_path / "shadow"
    victim.write_text("root:secret\n")
    before = victim.stat()
    (data / "galcat.conf").unlink()
    for name in ("galcat.conf", "galcat.new", f".galcat.conf.{os.getpid()}", "server.log"):
        (data / name).unlink(missing_ok=True)
        (data / name).symlink_to(victim)
    assert up(server_home, durable=False).startswith("postgresql://")
    assert victim.read_text() == "root:secret\n"
    assert (victim.stat().st_uid, victim.stat().st_mode) == (before.st_uid, before.st_mode)
    settings = data / "galcat.conf"
    assert not settings.is_symlink()
    assert settings.stat().st_uid == data.stat().st_uid != 0


@as_root
def test_a_link_in_the_place_of_the_process_number_is_named(server_home: Path, tmp_path: Path) -> None:
    up(server_home, durable=False)
    down(server_home)
    data = find_base(server_home) / "postgres"
    victim = tmp_path / "shadow"
    victim.write_text("1\nroot:secret\n")
    link = data / "postmaster.pid"
    link.symlink_to(victim)
    with pytest.raises(ServerError) as refused:
        up(server_home, durable=False)
    assert str(refused.value) == f"{link} is a link: remove it"
    link.unlink()
    up(server_home, durable=False)


def test_only_plain_files_of_their_own_are_read(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("said")
    os.link(tmp_path / "plain", tmp_path / "second")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    (tmp_path / "alone").write_text("said")
    assert read_file(tmp_path / "missing") is None
    assert read_file(tmp_path / "alone") == "said"
    for name in ("second", "pipe", "link"):
        with pytest.raises(ServerError, match=r": remove it$"):
            read_file(tmp_path / name)


def test_what_is_written_takes_the_place_of_a_link(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("theirs")
    (tmp_path / "file").symlink_to(victim)
    write_file(tmp_path / "file", "ours", None)
    assert (tmp_path / "file").read_text() == "ours"
    assert not (tmp_path / "file").is_symlink()
    assert victim.read_text() == "theirs"
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600
