"""The embedded server is cut to the machine."""

from pathlib import Path

import psutil  # type: ignore[import-untyped] # it ships no types
import psycopg
import pytest

from catalog.database.embedded.server import expected_settings, up
from catalog.database.embedded.settings import memory_mb, settings_for

MEGABYTES = {"MB": 1, "GB": 1024}


def in_mb(value: str) -> int:
    return int(value[:-2]) * MEGABYTES[value[-2:]]


def test_every_setting_is_in_force_as_it_is_written(server_home: Path) -> None:
    with psycopg.connect(up(server_home)) as conn:
        shown = {
            name: conn.execute("SELECT current_setting(%s)", [name]).fetchone()
            for name in expected_settings()
        }
        pending = conn.execute("SELECT name FROM pg_settings WHERE pending_restart").fetchall()
    assert shown == {name: (value,) for name, value in expected_settings().items()}
    assert pending == []


@pytest.mark.parametrize("ram_mb", [512, 1024, 2048, 8000, 24_000, 1_000_000])
@pytest.mark.parametrize("cores", [1, 2, 64])
def test_memory_of_the_server_leaves_half_to_the_encoder(ram_mb: int, cores: int) -> None:
    settings = settings_for(ram_mb, cores)
    resident = in_mb(settings["shared_buffers"]) + in_mb(settings["maintenance_work_mem"])
    assert resident <= ram_mb / 2
    assert in_mb(settings["effective_cache_size"]) <= ram_mb
    assert int(settings["max_parallel_maintenance_workers"]) <= int(settings["max_parallel_workers"])
    assert int(settings["max_parallel_workers"]) <= int(settings["max_worker_processes"])


def test_memory_is_no_more_than_the_machine_has() -> None:
    assert 0 < memory_mb() <= psutil.virtual_memory().total >> 20
