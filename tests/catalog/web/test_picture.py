"""A picture of the visitor's own: looked at before it is decoded, encoded, and not kept."""

import io
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import psycopg
import pytest
from numpy.typing import NDArray
from PIL import Image

from catalog.errors import CatalogError
from catalog.web.page_services import PageServices
from tests.catalog.web.pictures import draw_blob
from tests.catalog.web.walls import read_wall

JSON = {"Accept": "application/json"}
VECTOR = np.linspace(-0.2, 0.2, 40).astype(np.float16)


def encode(path: Path) -> NDArray[np.float32]:
    """Take every readable picture for the same galaxy; refuse black ones."""
    with Image.open(path) as picture:
        if picture.getextrema() == ((0, 0), (0, 0), (0, 0)):
            raise CatalogError("the picture is black")
        picture.load()
    return VECTOR.astype(np.float32)


@pytest.fixture
def parts(tmp_path: Path) -> PageServices:
    """A page that can read pictures."""
    return replace(PageServices(tmp_path / "page.key"), encode_picture=encode)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of temporary files, which is empty again at the end."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert list(folder.rglob("picture*")) == []


def png(width: int, height: int) -> bytes:
    """A small file that says it holds many pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")

    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 2, 0, 0, 0])
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    )


def test_a_picture_leads_to_what_looks_like_it(page: httpx.Client, galaxies: str, temporary: Path) -> None:
    del temporary
    found = page.post("/page/picture", files={"file": ("<b>.jpg", draw_blob(1))}, headers=JSON)
    address = found.json()["address"]
    with psycopg.connect(galaxies) as connection:
        rows = connection.execute(
            "SELECT object_id FROM galcat.galaxy "
            "ORDER BY search OPERATOR(public.<->) %s::public.halfvec, 1 LIMIT 60",
            [str(VECTOR.astype(float).tolist())],
        ).fetchall()
    assert read_wall(page.get(address)) == [row[0] for row in rows]
    plain = page.post("/page/picture", files={"file": ("a.jpg", draw_blob(1))})
    assert (plain.status_code, plain.headers["location"]) == (303, address)


NO_PICTURES = (
    (b"GIF89a" + bytes(50), "that is no JPEG or PNG"),
    (b"", "passwd: it is empty"),
    (b"\x89PNG" + bytes(100), "the picture cannot be read"),
    (png(60_000, 60_000), "the picture"),
    (b"<svg onload=alert(1)>", "that is no JPEG or PNG"),
    (draw_blob(2)[:400], "the picture"),
)


def test_what_is_no_picture_is_refused(page: httpx.Client, temporary: Path) -> None:
    for content, message in NO_PICTURES:
        answer = page.post("/page/picture", files={"file": ("../../etc/passwd", content)}, headers=JSON)
        assert answer.status_code == 400, content[:40]
        assert answer.json()["error"].startswith(message), content[:40]
        assert str(temporary) not in answer.text


def test_what_the_encoder_refuses_is_said(page: httpx.Client, temporary: Path) -> None:
    del temporary
    black = io.BytesIO()
    Image.new("RGB", (9, 9)).save(black, "PNG")
    answer = page.post("/page/picture", files={"file": ("a.png", black.getvalue())})
    assert answer.status_code == 400
    assert "the picture is black" in answer.text
    assert page.post("/page/picture", data={"file": "text"}, headers=JSON).status_code == 400
