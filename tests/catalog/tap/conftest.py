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
def database_template(
    request: pytest.FixtureRequest, schema_template: str, make_template: MakeTemplate
) -> str:
    """A catalogue with galaxies where the test asks for them, and an empty one else."""
    if "galaxies" not in request.fixturenames:
        return schema_template
    return make_template("served_galaxies", fill_template, schema_template)


@pytest.fixture
def galaxies(database: str) -> str:
    """URL of a database with N galaxies."""
    return database


@pytest.fixture
def served(galaxies: str, tmp_path: Path, limits: ServiceLimits) -> Iterator[TapServer]:
    """A service that runs."""
    with serving(galaxies, tmp_path, limits) as running:
        yield running
