"""What is held in memory beside a server that is killed: never asked again after its restart."""

import os
import signal
from pathlib import Path

import psutil  # type: ignore[import-untyped] # it ships no types
import psycopg
import pytest

from catalog.database.connection import connect
from catalog.database.embedded.account import find_base
from catalog.database.embedded.server import up
from catalog.database.migrate import migrate
from catalog.database.read_only import read_transaction
from catalog.search.memory import galaxy_memory
from catalog.search.memory.galaxy_memory import GalaxyMemory
from catalog.search.request import Search
from tests.catalog.search.memory.test_galaxy_memory import brute_force, fill_on_grid, found
from tests.sizes import first_or_all
from tests.waiting import wait_until

KILLED_BEFORE_COMMIT = (True, False)


@pytest.mark.kills
@pytest.mark.parametrize("is_open", first_or_all(KILLED_BEFORE_COMMIT, 1))
def test_a_server_that_was_killed_is_read_anew(
    server_home: Path, monkeypatch: pytest.MonkeyPatch, is_open: bool
) -> None:
    monkeypatch.setattr(galaxy_memory, "MIN_GALAXIES", 1)
    monkeypatch.setattr(galaxy_memory, "_PATIENCE_S", 0.0)
    monkeypatch.setattr(galaxy_memory, "_PATIENCE", 0.0)
    url = up(server_home)
    migrate(url)
    memory = GalaxyMemory(url)
    with connect(url, autocommit=True) as connection:
        fill_on_grid(connection, 300)
        like = connection.execute("SELECT min(object_id) FROM galcat.galaxy").fetchone()
        assert like is not None
        wanted = Search(like=like, n=20, where="mag_r < 17")
        memory.start()
        assert memory.wait().phase == "held"
        before = found(connection, wanted, memory)
        connection.execute("UPDATE galcat.source SET is_retired = true WHERE object_id = %s", [before[0][0]])
        changed = found(connection, wanted, memory)
    with psycopg.connect(url) as writer:
        writer.execute("UPDATE galcat.source SET mag_r = 20 WHERE object_id = %s", [before[1][0]])
        if not is_open:
            writer.commit()
        _kill(server_home)
        writer.close()
    with connect(up(server_home), autocommit=True) as connection:
        with read_transaction(connection):
            assert memory.find_held(connection) is None
        answer = found(connection, wanted, memory)
        assert answer == brute_force(connection, wanted)
        assert (answer == changed) == is_open
        assert memory.wait().phase == "held"
        with read_transaction(connection):
            assert memory.find_held(connection) is not None
        assert found(connection, wanted, memory) == answer
    memory.close()


def _kill(home: Path) -> None:
    """End the server and all its processes without warning."""
    (file,) = find_base(home).rglob("postmaster.pid")
    postmaster = psutil.Process(int(file.read_text().split()[0]))
    others = postmaster.children(recursive=True)
    for process in (postmaster, *others):
        if process.is_running():
            os.kill(process.pid, signal.SIGKILL)
    wait_until(lambda: not any(p.is_running() and p.status() != "zombie" for p in (postmaster, *others)))
