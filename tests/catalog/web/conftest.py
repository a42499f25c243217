"""The page over made-up galaxies, whose pictures are real JPEGs."""

import io
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import psycopg
import pytest
from PIL import Image

from catalog.tap.limits import ServiceLimits
from catalog.web.app import page_routes
from catalog.web.parts import PageParts
from tests.catalog.galaxies import fill
from tests.catalog.tap.tap_server import serving

N = 150


def draw_blob(seed: int) -> bytes:
    """A JPEG of 96 pixels: a soft blob of its own colour."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:96, :96] - 48.0
    light = np.exp(-(x**2 + y**2 * rng.uniform(1, 4)) / rng.uniform(200, 900))
    pixels = (light[..., None] * rng.uniform(120, 255, 3)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG")
    return file.getvalue()


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
def parts(tmp_path: Path) -> PageParts:
    """What the page is handed; tests replace it."""
    return PageParts(secret_file=tmp_path / "page.key")


@pytest.fixture
def page(galaxies: str, tmp_path: Path, parts: PageParts) -> Iterator[httpx.Client]:
    """A browser's side of the running page, without a browser."""
    pages = lambda service: page_routes(service, parts)  # noqa: E731 - one line
    with (
        serving(galaxies, tmp_path / "spool", ServiceLimits(), make_pages=pages) as served,
        httpx.Client(base_url=served.url) as client,
    ):
        yield client
