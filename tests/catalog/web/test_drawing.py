"""The large picture over HTTP: drawn as the address says, within bounds, and sent once."""

from dataclasses import replace
from pathlib import Path

import httpx
import psycopg
import pytest

from catalog.tap.datalink.galaxy_files import GalaxyFiles
from catalog.tap.errors import UsageError
from catalog.web.drawing import Drawing
from catalog.web.page_services import PageServices


class Drawer:
    """Draws nothing, and keeps what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, Drawing]] = []

    def bands(self, galaxy: GalaxyFiles) -> tuple[str, ...]:
        assert galaxy.object_id
        return "z", "r", "g"

    def draw(self, galaxy: GalaxyFiles, drawing: Drawing, size_px: int) -> bytes:
        self.asked.append((galaxy.object_id, drawing))
        if drawing.width > 2:
            raise UsageError("the picture would be too wide")
        return f"{drawing} {size_px}".encode()


@pytest.fixture
def drawer() -> Drawer:
    return Drawer()


@pytest.fixture
def parts(tmp_path: Path, drawer: Drawer) -> PageServices:
    """A page that can draw."""
    return replace(PageServices(tmp_path / "page.key"), drawer=drawer)


@pytest.fixture
def object_id(galaxies: str) -> int:
    with psycopg.connect(galaxies) as connection:
        row = connection.execute("SELECT min(object_id) FROM galcat.galaxy").fetchone()
    assert row is not None
    return int(row[0])


def test_a_picture_is_drawn_as_its_address_says_and_sent_once(
    page: httpx.Client, drawer: Drawer, object_id: int
) -> None:
    address = f"/galaxy/{object_id}/picture.jpg?brightness=1.5&blue=0.31&marks=0"
    picture = page.get(address)
    wanted = Drawing(brightness=1.5, blue=0.3, has_marks=False)
    assert drawer.asked == [(object_id, wanted)]
    assert picture.content == f"{wanted} 640".encode()
    again = page.get(address, headers={"If-None-Match": picture.headers["etag"]})
    assert (again.status_code, again.content, len(drawer.asked)) == (304, b"", 1)
    other = page.get(f"/galaxy/{object_id}/picture.jpg?brightness=1.25")
    assert other.headers["etag"] != picture.headers["etag"]


def test_the_page_of_a_galaxy_draws_as_its_own_address_says(page: httpx.Client, object_id: int) -> None:
    text = page.get(f"/galaxy/{object_id}?width=2&red=0").text
    assert f'src="/galaxy/{object_id}/picture.jpg?width=2&amp;red=0"' in text
    assert 'name="width" min="0.5" max="3" step="0.25" value="2"' in text
    assert "Blue (g)" in text
    assert f'src="/galaxy/{object_id}/picture.jpg"' in page.get(f"/galaxy/{object_id}").text


def test_what_no_slider_can_say_is_refused(page: httpx.Client, drawer: Drawer, object_id: int) -> None:
    for query in ("width=99", "width=-1", "red=nan", "blue=1e400", "white=<script>", "brightness=inf"):
        for path in (f"/galaxy/{object_id}", f"/galaxy/{object_id}/picture.jpg"):
            answer = page.get(f"{path}?{query}")
            assert answer.status_code == 400, query
            assert "<script>" not in answer.text
    assert drawer.asked == []
    assert page.get(f"/galaxy/{object_id}/picture.jpg?width=3").status_code == 400
