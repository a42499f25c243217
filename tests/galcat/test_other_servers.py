"""The catalogue on servers other than the embedded one: made, filled, searched, checked."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psycopg
import pytest

from catalog.database.connection import connect
from catalog.database.embedded.account import system_account
from tests.galcat.bricks import GALAXIES, write_brick
from tests.galcat.cli.command_line import Galcat
from tests.galcat.other_servers import DEBIAN, NEWER, find_programs, run
from tests.sizes import first_or_all

OLDEST_PGVECTOR = (0, 8, 4)

pytestmark = pytest.mark.servers


@pytest.fixture(params=first_or_all([NEWER, DEBIAN], 1))
def server(request: pytest.FixtureRequest, server_home: Path) -> Iterator[str]:
    """URL of an empty database on the server."""
    programs = find_programs(request.param, server_home)
    if not (programs / "initdb").exists():
        pytest.skip(f"{request.param} is not installed here")
    own = server_home / "own"
    own.mkdir()
    if os.geteuid() == 0:
        shutil.chown(own, system_account().uid, system_account().gid)
    data = own / "data"
    run(programs / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-sync")
    options = f"-c listen_addresses= -c unix_socket_directories={own} -c fsync=off"
    run(programs / "pg_ctl", "-D", data, "-w", "-l", own / "log", "-o", options, "start")
    try:
        url = f"postgresql://postgres@/postgres?host={own}"
        with psycopg.connect(url) as connection:
            held = connection.execute(
                "SELECT default_version FROM pg_available_extensions WHERE name = 'vector'"
            ).fetchone()
        if held is None or tuple(int(part) for part in held[0].split(".")) < OLDEST_PGVECTOR:
            pytest.skip(f"{request.param} has no pgvector of 0.8.4 or newer here")
        yield url
    finally:
        run(programs / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")


def test_a_catalogue_on_another_server_is_filled_searched_and_sound(
    server: str,
    weights: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    galcat = Galcat(server, tmp_path, capsys, monkeypatch)
    assert galcat("up").code == 0
    for name in ("0100p000", "0100p005"):
        write_brick(tmp_path / "bricks", name)
    said = galcat("ingest", tmp_path / "bricks", "--survey", "legacy_dr10", "--weights", weights)
    assert (said.code, "2 tiles ingested, 0 unchanged, 0 failed" in said.err) == (0, True)
    with connect(server, autocommit=True) as connection:
        ids, vectors = zip(
            *connection.execute("SELECT object_id, search FROM galcat.galaxy ORDER BY object_id"), strict=True
        )
    assert len(ids) == 2 * GALAXIES
    places = np.array([vector.to_numpy() for vector in vectors], np.float32)
    distance = np.linalg.norm(places - places[0], axis=1)
    said = galcat("similar", ids[0], "-n", len(ids) - 1, "--format", "csv")
    shown = [int(line.split(",")[0]) for line in said.out.split()[1:]]
    assert sorted(shown) == sorted(ids[1:])
    assert np.all(
        np.diff([distance[ids.index(one)] for one in shown]) >= -1e-5
    )  # halves of vectors are equal
    failed = [line for line in galcat("check").out.splitlines() if line.startswith("FAIL")]
    assert failed == []
