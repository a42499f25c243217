"""A finished export is sent over HTTP, whole or by ranges; nothing else in its folder, or outside, is."""

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.routing import Route

from catalog.database.connection import connect
from catalog.export.byte_range import RangeError, parse_range
from catalog.export.hats import export_hats
from catalog.export.hats_routes import hats_routes
from catalog.tap.limits import ServiceLimits
from catalog.tap.service import Service
from tests.catalog.galaxies import fill
from tests.catalog.tap.tap_server import TapServer, serving
from tests.databases import fresh_database
from tests.waiting import LAST_LIMIT_S, wait_until

LIMITS = replace(ServiceLimits(), unread_seconds=LAST_LIMIT_S, queue_seconds=LAST_LIMIT_S)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def catalogue(postgres_url: str, schema_template: str, home: Path) -> Iterator[str]:
    """URL of a database with four galaxies, which are exported to `hats/sky` in the home."""
    with fresh_database(postgres_url, schema_template) as url:
        with connect(url, autocommit=True) as connection:
            fill(connection, 4)
            export_hats(connection, home / "hats" / "sky")
        yield url


@pytest.fixture(scope="module")
def served(catalogue: str, home: Path) -> Iterator[TapServer]:
    with serving_hats(catalogue, home, LIMITS) as running:
        yield running


@pytest.fixture
def folder(catalogue: str, home: Path) -> Path:
    assert catalogue
    return home / "hats"


@contextmanager
def serving_hats(database: str, home: Path, limits: ServiceLimits) -> Iterator[TapServer]:
    def make(service: Service) -> list[Route]:
        return hats_routes(service, home / "hats")

    with serving(database, home / "spool", limits, make_pages=make) as running:
        yield running


def copy_of_sky(folder: Path, name: str) -> Path:
    """Another export with the same files, for a test that damages them; gives its folder."""
    whole = folder / f".{name}.0123456789ab"
    shutil.copytree((folder / "sky").resolve(), whole)
    (folder / name).symlink_to(whole.name)
    return whole


def files_of(sky: Path) -> dict[str, bytes]:
    whole = sky.resolve()
    paths = [path for path in whole.rglob("*") if path.is_file()]
    return {path.relative_to(whole).as_posix(): path.read_bytes() for path in paths}


def raw(served: TapServer, path: str) -> int:
    """The status of a path that is sent as it is, which httpx would tidy."""
    place = urlsplit(served.url)
    with socket.create_connection((str(place.hostname), place.port or 0)) as client:
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        said = b""
        while piece := client.recv(65536):
            said += piece
    return int(said.split()[1])


def test_every_file_of_an_export_is_sent_but_its_manifest(served: TapServer, folder: Path) -> None:
    files = files_of(folder / "sky")
    assert {name.split("/")[0] for name in files if name.endswith(".parquet")} == {"galaxy", "vectors"}
    manifest = files.pop("galcat.json")
    assert manifest
    for name, content in files.items():
        answer = httpx.get(f"{served.url}/hats/sky/{name}")
        assert (answer.status_code, answer.content) == (200, content), name
        assert answer.headers["accept-ranges"] == "bytes"
        head = httpx.head(f"{served.url}/hats/sky/{name}")
        assert (head.status_code, head.headers["content-length"]) == (200, str(len(content)))
        assert head.headers["etag"] == answer.headers["etag"]
    assert httpx.get(f"{served.url}/hats/sky/galcat.json").status_code == 404
    assert httpx.get(f"{served.url}/hats").text == f"{served.url}/hats/sky/\n"


def test_ranges_and_tags_are_those_of_the_standard(served: TapServer, folder: Path) -> None:
    url = f"{served.url}/hats/sky/galaxy/dataset/_metadata"
    content = (folder / "sky/galaxy/dataset/_metadata").read_bytes()
    n = len(content)
    for text, first, end in (("0-3", 0, 4), (f"{n - 8}-", n - 8, n), ("-8", n - 8, n), (f"5-{10 * n}", 5, n)):
        answer = httpx.get(url, headers={"Range": f"bytes={text}"})
        assert (answer.status_code, answer.content) == (206, content[first:end]), text
        assert answer.headers["content-range"] == f"bytes {first}-{end - 1}/{n}"
    for text in ("bytes=0-1,4-5", "lines=1-2", "bytes=9-3", "bytes=-"):
        answer = httpx.get(url, headers={"Range": text})
        assert (answer.status_code, answer.content) == (200, content), text
    beyond = httpx.get(url, headers={"Range": f"bytes={n}-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{n}")
    tag = httpx.head(url).headers["etag"]
    assert httpx.get(url, headers={"If-None-Match": f'"other", W/{tag}'}).status_code == 304
    ranged = {"Range": "bytes=0-3"}
    assert httpx.get(url, headers={**ranged, "If-Range": tag}).content == content[:4]
    assert httpx.get(url, headers={**ranged, "If-Range": '"other"'}).content == content


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (None, None),
        ("bytes=0-0", (0, 1)),
        ("bytes=-100", (0, 10)),
        ("bytes=3-", (3, 10)),
        ("bytes=00000000000000000000-1", None),
    ],
)
def test_a_range_is_understood_or_left(text: str | None, wanted: tuple[int, int] | None) -> None:
    assert parse_range(text, 10) == wanted


@pytest.mark.parametrize(("text", "size"), [("bytes=10-", 10), ("bytes=-0", 10), ("bytes=0-", 0)])
def test_a_range_beyond_the_file_is_refused(text: str, size: int) -> None:
    with pytest.raises(RangeError):
        parse_range(text, size)


def test_no_path_leads_out_and_no_link_is_followed(served: TapServer, folder: Path) -> None:
    secret = folder.parent / "secret"
    (secret / "dataset").mkdir(parents=True)
    (secret / "hats.properties").write_text("secret")
    (folder / "collection.properties").write_text("secret")
    whole = copy_of_sky(folder, "bad")
    (whole / "linked").symlink_to(secret)
    (folder / "away").symlink_to(secret.parent)
    (folder / "plain").mkdir()
    (folder / "plain" / "collection.properties").write_text("secret")
    part = whole / "galaxy" / "hats.properties"
    part.unlink()
    part.symlink_to(secret / "hats.properties")
    (whole / "vectors" / "hats.properties").unlink()
    os.mkfifo(whole / "vectors" / "hats.properties")
    for path in (
        "/hats/bad/linked/hats.properties",
        "/hats/bad/galaxy/hats.properties",
        "/hats/bad/vectors/hats.properties",
        "/hats/away/secret/hats.properties",
        "/hats/plain/collection.properties",
        f"/hats/{whole.name}/collection.properties",
        "/hats/../hats/collection.properties",
        "/hats/sky/../collection.properties",
        "/hats/sky/%2e%2e/collection.properties",
        "/hats/sky/..%2f..%2fsecret/hats.properties",
        "/hats/sky//etc/passwd",
        "/hats/sky/galaxy/dataset/Norder=0/Dir=0/Npix=..parquet",
        "/hats/sky/",
        "/hats/sky%00/collection.properties",
        "/hats/none/collection.properties",
    ):
        assert raw(served, path) == 404, path
    assert raw(served, "/hats/bad/collection.properties") == 200
    assert httpx.get(f"{served.url}/hats/").text == f"{served.url}/hats/bad/\n{served.url}/hats/sky/\n"


def test_a_later_export_is_sent_as_soon_as_it_is_whole_and_keeps_the_tags_of_what_stayed(
    served: TapServer, folder: Path, catalogue: str
) -> None:
    parquet = next(name for name in sorted(files_of(folder / "sky")) if name.endswith(".parquet"))
    before = httpx.head(f"{served.url}/hats/sky/{parquet}").headers["etag"]
    (folder / ".sky.0123456789ab").mkdir()  # one that is being written, or was left by a kill
    with connect(catalogue, autocommit=True) as connection:
        export_hats(connection, folder / "sky")
    assert httpx.head(f"{served.url}/hats/sky/{parquet}").headers["etag"] == before


def test_who_asks_for_more_files_than_may_wait_is_told_when_to_ask_again(
    catalogue: str, folder: Path
) -> None:
    few = replace(LIMITS, hats_at_once_an_address=1, hats_waiting_an_address=0)
    whole = copy_of_sky(folder, "large")
    large = next(whole.rglob("Npix=*.parquet"))
    os.truncate(large, 100_000_000)  # more than the buffers of a connection hold
    path = large.relative_to(whole).as_posix()
    with serving_hats(catalogue, folder.parent, few) as served:
        place = urlsplit(served.url)
        url = f"{served.url}/hats/large/collection.properties"
        with socket.create_connection((str(place.hostname), place.port or 0)) as idle:
            idle.sendall(f"GET /hats/large/{path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            assert idle.recv(9) == b"HTTP/1.1 "
            refused = httpx.get(url)
        wait_until(lambda: httpx.get(url).status_code == 200)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "10")
    assert refused.text == (
        "0 requests for files of HATS of your address are waiting already: try again later\n"
    )
