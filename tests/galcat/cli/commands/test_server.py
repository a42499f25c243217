"""Commands for the embedded server."""

import socket
from pathlib import Path

import pytest

from catalog.database.connection import connect
from catalog.database.embedded.server import down
from tests.galcat.cli.command_line import Galcat


def test_the_embedded_server_outlives_its_command_and_stops_on_request(
    server_home: Path, galcat: Galcat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GALCAT_DATABASE_URL")
    monkeypatch.setenv("GALCAT_HOME", str(server_home))
    assert galcat("url").code == 1
    up = galcat("up")
    assert up.code == 0
    assert galcat("url").out == up.out
    with connect(up.out.strip()) as connection:
        assert connection.execute("SELECT count(*) FROM galcat.galaxy").fetchone() == (0,)
    assert galcat("down").out == "stopped\n"
    assert galcat("down").out == "was not running\n"
    down(server_home)


@pytest.mark.parametrize("port", [-1, 0, 65536, 99999])
@pytest.mark.parametrize("command", ["serve", "jobs"])
def test_a_port_out_of_range_is_one_line(galcat: Galcat, command: str, port: int) -> None:
    said = galcat(command, "--port", port)
    assert (said.code, said.out, said.err) == (2, "", f"error: port {port} is not between 1 and 65535\n")


@pytest.mark.parametrize("command", ["serve", "jobs"])
def test_a_port_that_is_taken_is_one_line(galcat: Galcat, command: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = galcat(command, "--port", port)
    assert said.code == 1
    assert said.err.startswith(f"error: port {port} of this machine: ")
    assert said.err.count("\n") == 1
