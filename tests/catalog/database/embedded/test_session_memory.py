"""A session of the embedded server that asks for too much memory gets an error; the server lives on."""

from pathlib import Path

import psycopg
import pytest

from catalog.database.embedded import process
from catalog.database.embedded.server import up
from catalog.database.embedded.settings import memory_mb, session_bytes, settings_for

BIG = "SELECT length(string_agg(repeat('x', 1000000), '')) FROM generate_series(1, %s)"


def soft_limit(pid: int) -> str:
    """The bound on a process's own memory as the kernel shows it."""
    lines = Path(f"/proc/{pid}/limits").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("Max data size")]
    return line.split()[3]


def test_a_session_that_asks_for_more_than_its_share_gets_an_error(
    server_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "session_bytes", lambda _mb: 300 << 20)  # as if the machine were small
    with psycopg.connect(up(server_home, durable=False), autocommit=True) as session:
        with pytest.raises(psycopg.errors.OutOfMemory):
            session.execute(BIG, [500])
        assert session.execute(BIG, [50]).fetchone() == (50_000_000,)
        assert soft_limit(session.info.backend_pid) == str(300 << 20)


def test_every_session_of_the_embedded_server_has_a_bound(postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as session:
        assert soft_limit(session.info.backend_pid) == str(session_bytes(memory_mb()))


@pytest.mark.parametrize(("ram_mb", "mb"), [(2_000, 1024), (16_000, 1984), (512_000, 8192)])
def test_the_bound_is_an_eighth_of_the_machine_and_holds_an_index_that_is_built(ram_mb: int, mb: int) -> None:
    assert session_bytes(ram_mb) == mb << 20
    build = settings_for(ram_mb, 4)["maintenance_work_mem"]
    assert int(build.removesuffix("MB")) <= mb // 2
