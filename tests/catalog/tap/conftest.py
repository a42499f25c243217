"""A service over made-up galaxies."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from catalog.tap.limits import ServiceLimits
from tests.catalog.galaxies import fill
from tests.catalog.tap.tap_server import Served, serving

N = 300


@pytest.fixture
def limits() -> ServiceLimits:
    """Small enough to be met."""
    return replace(ServiceLimits(), sync_seconds=30, rows=50, max_rows=200, jobs_an_address=6, wait_seconds=5)


@pytest.fixture
def galaxies(connection: psycopg.Connection, database: str) -> str:
    """URL of a database with N galaxies."""
    fill(connection, N)
    return database


@pytest.fixture
def served(galaxies: str, tmp_path: Path, limits: ServiceLimits) -> Iterator[Served]:
    """A service that runs."""
    with serving(galaxies, tmp_path, limits) as running:
        yield running
