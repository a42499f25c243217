"""A file comes whole or not at all, whatever the server does meanwhile."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest

from galcat.errors import WorkflowError
from galcat.workflows.fetch.download import MissingFileError, Server
from tests.galcat.workflows.fetch.survey_server import Site, survey_server

MAGIC = b"SIMPLE  ="
CONTENT = MAGIC + np.random.default_rng(1).bytes(3_000_000) + MAGIC[::-1]  # FITS backwards too
SUM = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def site() -> Iterator[Site]:
    with survey_server(Site({"/a.fits": CONTENT})) as running:
        yield running


@pytest.fixture
def slept() -> list[float]:
    """How long a server waited before each further try."""
    return []


@pytest.fixture
def server(slept: list[float]) -> Iterator[Server]:
    with httpx.Client(timeout=30) as client:
        yield Server(client, slept.append, tries=3)


def test_a_file_that_was_cut_off_goes_on_where_it_was(
    site: Site, server: Server, slept: list[float], tmp_path: Path
) -> None:
    site.cut["/a.fits"] = 1_000_000
    came: list[int] = []
    server.download(f"{site.url}/a.fits", tmp_path / "a.fits", SUM, came.append)
    assert (tmp_path / "a.fits").read_bytes() == CONTENT
    assert sum(came) == len(CONTENT)
    assert site.ranges == ["bytes=1000000-"]
    assert slept == [1.0]
    assert [path.name for path in tmp_path.iterdir()] == ["a.fits"]


def test_what_a_killed_call_left_is_gone_on_from_also_where_it_was_whole(
    site: Site, server: Server, tmp_path: Path
) -> None:
    for have in (10, len(CONTENT)):
        (tmp_path / ".a.fits.part").write_bytes(CONTENT[:have])
        server.download(f"{site.url}/a.fits", tmp_path / "a.fits", SUM, lambda _: None)
        assert (tmp_path / "a.fits").read_bytes() == CONTENT
        (tmp_path / "a.fits").unlink()
    assert site.ranges == ["bytes=10-", f"bytes={len(CONTENT)}-"]


def test_a_server_that_gives_no_parts_is_asked_for_the_whole(
    site: Site, server: Server, tmp_path: Path
) -> None:
    site.takes_ranges = False
    (tmp_path / ".a.fits.part").write_bytes(CONTENT[:10])
    came: list[int] = []
    server.download(f"{site.url}/a.fits", tmp_path / "a.fits", SUM, came.append)
    assert (tmp_path / "a.fits").read_bytes() == CONTENT
    assert sum(came) == len(CONTENT)


def test_a_busy_server_is_left_alone_as_long_as_it_says(
    site: Site, server: Server, slept: list[float], tmp_path: Path
) -> None:
    site.busy["/a.fits"] = 2
    server.download(f"{site.url}/a.fits", tmp_path / "a.fits", None, lambda _: None)
    assert slept == [7.0, 7.0]
    site.busy["/a.fits"] = 100
    with pytest.raises(WorkflowError) as caught:
        server.download(f"{site.url}/a.fits", tmp_path / "b.fits", None, lambda _: None)
    assert str(caught.value) == f"{site.url}/a.fits: the server answers 503, 3 times; try again later"
    assert not (tmp_path / "b.fits").exists()


def test_a_wrong_sum_is_asked_for_once_more_and_then_refused(
    site: Site, server: Server, tmp_path: Path
) -> None:
    (tmp_path / ".a.fits.part").write_bytes(b"other" * 100)  # of another version of the file
    server.download(f"{site.url}/a.fits", tmp_path / "a.fits", SUM, lambda _: None)
    assert (tmp_path / "a.fits").read_bytes() == CONTENT
    with pytest.raises(WorkflowError, match="came twice with another SHA-256 sum than the survey says"):
        server.download(f"{site.url}/a.fits", tmp_path / "c.fits", "0" * 64, lambda _: None)
    assert [path.name for path in tmp_path.iterdir()] == ["a.fits"]


def test_what_is_there_with_its_sum_is_not_asked_for_and_what_is_missing_is_named(
    site: Site, server: Server, slept: list[float], tmp_path: Path
) -> None:
    (tmp_path / "a.fits").write_bytes(CONTENT)
    server.download(f"{site.url}/a.fits", tmp_path / "a.fits", SUM, lambda _: None)
    assert not site.asked
    with pytest.raises(MissingFileError, match=r"/b\.fits: the server has no such file"):
        server.download(f"{site.url}/b.fits", tmp_path / "b.fits", None, lambda _: None)
    assert server.size(f"{site.url}/a.fits") == len(CONTENT)
    with pytest.raises(MissingFileError):
        server.size(f"{site.url}/b.fits")
    assert slept == []


def test_a_server_that_is_not_there_is_one_line(server: Server, slept: list[float], tmp_path: Path) -> None:
    with survey_server(Site({})) as gone:
        url = f"{gone.url}/a.fits"
    with pytest.raises(WorkflowError) as caught:
        server.download(url, tmp_path / "a.fits", None, lambda _: None)
    assert str(caught.value).startswith(f"{url}: ")
    assert "\n" not in str(caught.value)
    assert slept == [1.0, 2.0]


@pytest.mark.parametrize(
    ("etags", "is_resumed"), [(('"1"', '"1"'), True), (('"1"', '"2"'), False), ((None, None), False)]
)
def test_without_a_sum_a_file_is_gone_on_with_only_where_the_server_says_it_is_the_same(
    site: Site, server: Server, tmp_path: Path, etags: tuple[str | None, str | None], is_resumed: bool
) -> None:
    url, path = f"{site.url}/a.fits", tmp_path / "a.fits"
    for number, etag in enumerate(etags):
        site.etags |= {} if etag is None else {"/a.fits": etag}
        if number == 0:
            site.cut["/a.fits"] = 1_000_000
            with pytest.raises(WorkflowError):
                Server(server.client, server.sleep, tries=1).download(url, path, None, lambda _: None)
    later = CONTENT if is_resumed else CONTENT[::-1]
    site.files["/a.fits"] = later
    came: list[int] = []
    server.download(url, path, None, came.append)
    assert path.read_bytes() == later
    assert sum(came) == len(later)
    assert ("bytes=1000000-" in site.ranges) == (etags[0] is not None)
    assert [one.name for one in tmp_path.iterdir()] == ["a.fits"]


@pytest.mark.parametrize("url", ["http://a.example/a\nb.fits", "htp://a.example/a.fits"])
def test_an_address_that_is_none_is_one_line_at_once(
    server: Server, slept: list[float], tmp_path: Path, url: str
) -> None:
    with pytest.raises(WorkflowError) as caught:
        server.download(url, tmp_path / "a.fits", None, lambda _: None)
    assert str(caught.value).startswith(f"{url}: ".replace("\n", " "))
    assert "\n" not in str(caught.value)
    assert "times" not in str(caught.value)
    assert slept == []


PAGE = b"<!DOCTYPE html><html><body>The archive is being mended.</body></html>"


def test_a_page_that_came_for_a_file_without_a_sum_is_no_file(
    site: Site, server: Server, slept: list[float], tmp_path: Path
) -> None:
    for name in ("g.fits", "g.fits.fz", "list.fits.gz"):
        site.files[f"/{name}"] = PAGE
        said = r"begins with '<!DOCTYPE html>.*', as no (fits|gzip) file does, 3"
        with pytest.raises(WorkflowError, match=said):
            server.download(f"{site.url}/{name}", tmp_path / name, None, lambda _: None)
        assert site.asked[f"/{name}"] == 3
        assert list(tmp_path.iterdir()) == []
    slept.clear()
    (tmp_path / "g.fits").write_bytes(PAGE)  # as an earlier galcat kept it
    site.files["/g.fits"] = b"SIMPLE  =                    T" + bytes(100)
    server.download(f"{site.url}/g.fits", tmp_path / "g.fits", None, lambda _: None)
    assert (tmp_path / "g.fits").read_bytes() == site.files["/g.fits"]
    server.download(f"{site.url}/g.fits", tmp_path / "g.fits", None, lambda _: None)
    assert site.asked["/g.fits"] == 4
    assert slept == []
