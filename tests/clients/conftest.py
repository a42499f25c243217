"""One service for all clients: `galcat serve` as a process, over a catalogue that has some of everything."""

from collections.abc import Generator, Iterator

import pytest

from catalog.database.connection import connect
from tests.clients.galaxies import fill_with_everything
from tests.clients.service import Service, serving
from tests.databases import fresh_database


@pytest.fixture(scope="session")
def service(
    postgres_url: str, schema_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """A service that runs until the last client has asked; at its end none of the faults may be its own."""
    folder = tmp_path_factory.mktemp("service")
    with fresh_database(postgres_url, schema_template) as database:
        with connect(database, autocommit=True) as connection:
            fill_with_everything(connection)
        with serving(database, folder) as running:
            yield running
        said = running.log.read_text()
    assert "Traceback" not in said, said


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the service said beside a test that failed."""
    report = yield
    running = getattr(item, "funcargs", {}).get("service")
    if report.failed and running is not None:
        report.sections.append(("galcat serve", running.log.read_text()))
    return report
