"""The page over made-up galaxies, whose pictures are real JPEGs."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from catalog.tap.limits import ServiceLimits
from catalog.tasks.tasks import Task, add_task
from catalog.web.app import page_routes
from catalog.web.labelling.people import add_person
from catalog.web.page_services import PageServices
from tests.catalog.galaxies import fill
from tests.catalog.tap.tap_server import serving
from tests.catalog.web.labelling import Enter
from tests.catalog.web.pictures import draw_blob

N = 150


@pytest.fixture
def galaxies(connection: psycopg.Connection, database: str) -> str:
    """URL of a database with N galaxies that have pictures, counted on the sky."""
    fill(connection, N)
    rows = connection.execute("SELECT object_id FROM galcat.thumbnail ORDER BY object_id").fetchall()
    for i, (object_id,) in enumerate(rows):
        connection.execute(
            "UPDATE galcat.thumbnail SET jpeg = %s WHERE object_id = %s", [draw_blob(i), object_id]
        )
    with psycopg.connect(database, autocommit=True) as owner:
        owner.execute("SELECT galcat.count_sky()")
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
