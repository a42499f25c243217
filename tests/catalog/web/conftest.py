"""The page over made-up galaxies, whose pictures are real JPEGs."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from catalog.database.connection import connect
from catalog.tap.limits import ServiceLimits
from catalog.tasks.tasks import Task, add_task
from catalog.web.app import page_routes
from catalog.web.labelling.people import add_person
from catalog.web.page_services import PageServices
from tests.catalog.galaxies import fill
from tests.catalog.tap.tap_server import serving
from tests.catalog.web.labelling import Enter
from tests.catalog.web.pictures import draw_blob
from tests.conftest import MakeTemplate

N = 150


def fill_template(url: str) -> None:
    """Make N galaxies that have pictures, counted on the sky."""
    with connect(url, autocommit=True) as connection:
        fill(connection, N)
        rows = connection.execute("SELECT object_id FROM galcat.thumbnail ORDER BY object_id").fetchall()
        for i, (object_id,) in enumerate(rows):
            connection.execute(
                "UPDATE galcat.thumbnail SET jpeg = %s WHERE object_id = %s", [draw_blob(i), object_id]
            )
        connection.execute("SELECT galcat.count_sky()")


@pytest.fixture
def database_template(
    request: pytest.FixtureRequest, schema_template: str, make_template: MakeTemplate
) -> str:
    """A catalogue with galaxies where the test asks for them, and an empty one else."""
    if "galaxies" not in request.fixturenames:
        return schema_template
    return make_template("page_galaxies", fill_template, schema_template)


@pytest.fixture
def galaxies(database: str) -> str:
    """URL of a database with N galaxies that have pictures, counted on the sky."""
    return database


@pytest.fixture
def parts(tmp_path: Path) -> PageServices:
    """What the page is handed; tests replace it."""
    return PageServices(secret_file=tmp_path / "page.key")


@pytest.fixture
def page(galaxies: str, tmp_path: Path, parts: PageServices) -> Iterator[httpx.Client]:
    """A browser's side of the running page, without a browser."""
    pages = lambda service: page_routes(service, parts)  # noqa: E731 - one line
    with (
        serving(galaxies, tmp_path / "spool", ServiceLimits(), make_pages=pages) as served,
        httpx.Client(base_url=served.url) as client,
    ):
        yield client


@pytest.fixture
def tasks(connection: psycopg.Connection, galaxies: str) -> str:
    """URL of a catalogue that asks two questions."""
    add_task(connection, Task("ring", "Has it a ring?", "binary", ("no", "yes")))
    add_task(connection, Task("odd", "How interesting is it?", "interest", ()))
    return galaxies


@pytest.fixture
def enter(tasks: str, page: httpx.Client) -> Iterator[Enter]:
    """Logs somebody in by a link of their own."""
    clients = []

    def let_in(name: str, role: str = "labeller") -> httpx.Client:
        client = httpx.Client(base_url=page.base_url)
        clients.append(client)
        with psycopg.connect(tasks, autocommit=True) as connection:
            link = add_person(connection, name, role)  # type: ignore[arg-type] # one of the two
        assert client.post(f"/enter/{link}").headers["location"] == "/label"
        return client

    yield let_in
    for client in clients:
        client.close()
