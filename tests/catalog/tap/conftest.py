"""A service over made-up galaxies."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from catalog.database.connection import connect
from catalog.tap.limits import ServiceLimits
from tests.catalog.galaxies import fill
from tests.catalog.tap.tap_server import TapServer, serving
from tests.conftest import MakeTemplate
from tests.databases import fresh_database
from tests.waiting import LAST_LIMIT_S

N = 300


@pytest.fixture
def limits() -> ServiceLimits:
    """Rows and jobs few enough to be met; times that nothing meets on a busy machine."""
    return replace(
        ServiceLimits(),
        sync_seconds=int(LAST_LIMIT_S),
        queue_seconds=LAST_LIMIT_S,
        unread_seconds=LAST_LIMIT_S,
        wait_seconds=int(LAST_LIMIT_S),
        rows=50,
        max_rows=200,
        jobs_an_address=6,
    )


def fill_template(url: str) -> None:
    """Make N galaxies."""
    with connect(url, autocommit=True) as connection:
        fill(connection, N)


@pytest.fixture
def database(
    request: pytest.FixtureRequest, postgres_url: str, schema_template: str, make_template: MakeTemplate
) -> Iterator[str]:
    """URL of a fresh database with the schema; with galaxies too where the test asks for them."""
    template = schema_template
    if "galaxies" in request.fixturenames:
        template = make_template("served_galaxies", fill_template, schema_template)
    with fresh_database(postgres_url, template) as url:
        yield url


@pytest.fixture
def galaxies(database: str) -> str:
    """URL of a database with N galaxies."""
    return database


@pytest.fixture
def served(galaxies: str, tmp_path: Path, limits: ServiceLimits) -> Iterator[TapServer]:
    """A service that runs."""
    with serving(galaxies, tmp_path, limits) as running:
        yield running
