"""DataLink and thumbnails over HTTP, as pyvo, stilts and browsers ask for them."""

import hashlib
import io
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import psycopg
import pytest
from astropy.io.votable import parse
from astropy.io.votable.tree import VOTableFile
from pyvo.dal.adhoc import DatalinkResults

from catalog.tap.datalink.routes import MAX_IDS
from catalog.tap.limits import ServiceLimits
from tests.catalog.galaxies import fill
from tests.catalog.tap.tap_server import serving

GALAXIES = 520


@pytest.fixture
def base(database: str, connection: psycopg.Connection, tmp_path: Path) -> Iterator[str]:
    """URL of a service of 520 galaxies that makes no cutouts."""
    fill(connection, GALAXIES)
    with serving(database, tmp_path, ServiceLimits()) as served:
        yield served.url


@pytest.fixture
def ids(base: str, connection: psycopg.Connection) -> list[int]:  # noqa: ARG001 - filled by it
    return [row[0] for row in connection.execute("SELECT object_id FROM galcat.galaxy ORDER BY 1").fetchall()]


def jpeg_of(connection: psycopg.Connection, object_id: int) -> bytes:
    row = connection.execute("SELECT jpeg FROM galcat.thumbnail WHERE object_id = %s", [object_id]).fetchone()
    assert row is not None
    return bytes(row[0])


def links(base: str, *names: object) -> VOTableFile:
    response = httpx.get(f"{base}/datalink/links", params={"ID": list(map(str, names))})
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/x-votable+xml;content=datalink"
    return parse(io.BytesIO(response.content), verify="exception")


def rows(document: VOTableFile) -> list[tuple[object, ...]]:
    """ID, semantics, URL, error and size of each link; None where nothing stands."""
    table = document.get_first_table().to_table()
    names = ("ID", "semantics", "access_url", "error_message", "content_length")
    return [tuple(None if str(row[name]) in {"", "--"} else row[name] for name in names) for row in table]


def infos(document: VOTableFile) -> dict[str, str]:
    resource = document.resources[0]
    return {info.name: info.value for info in [*resource.infos, *resource.tables[0].infos]}


def test_a_galaxy_links_to_its_row_and_its_picture(
    base: str, ids: list[int], connection: psycopg.Connection
) -> None:
    document = links(base, ids[3])
    assert infos(document)["standardID"] == "ivo://ivoa.net/std/DataLink#links-1.1"
    this, thumbnail = rows(document)
    name, jpeg = str(ids[3]), jpeg_of(connection, ids[3])
    assert (this[0], this[1], this[3], this[4]) == (name, "#this", None, None)
    assert parse_qs(urlsplit(str(this[2])).query) == {
        "LANG": ["ADQL"],
        "QUERY": [f"SELECT * FROM galcat.galaxy WHERE object_id = {name}"],
    }
    url = f"{base}/datalink/thumbnail/{name}.jpg"
    assert thumbnail == (name, "#preview", url, None, len(jpeg))
    picture = httpx.get(url)
    assert (picture.content, picture.headers["content-type"]) == (jpeg, "image/jpeg")


def test_the_columns_are_those_of_the_standard(base: str, ids: list[int]) -> None:
    fields = links(base, ids[0]).get_first_table().fields
    assert {field.name: (field.ucd, field.datatype, str(field.unit or "")) for field in fields} == {
        "ID": ("meta.id;meta.main", "char", ""),
        "access_url": ("meta.ref.url", "char", ""),
        "service_def": ("meta.ref", "char", ""),
        "error_message": ("meta.code.error", "char", ""),
        "semantics": ("meta.code", "char", ""),
        "description": ("meta.note", "char", ""),
        "content_type": ("meta.code.mime", "char", ""),
        "content_length": ("phys.size;meta.file", "long", "byte"),
        "link_auth": ("meta.code", "char", ""),
        "link_authorized": ("meta.code", "boolean", ""),
    }


def test_names_come_back_as_they_were_asked_for_and_unknown_ones_with_a_fault(
    base: str, ids: list[int]
) -> None:
    asked = [ids[5], f"ivo://galcat/galaxy?{ids[5]}", 5, "NGC 1300 <&>", 2**63, ids[5], "-1"]
    found = rows(links(base, *asked))
    assert [(row[0], row[1]) for row in found] == [
        (str(ids[5]), "#this"),
        (str(ids[5]), "#preview"),
        (f"ivo://galcat/galaxy?{ids[5]}", "#this"),
        (f"ivo://galcat/galaxy?{ids[5]}", "#preview"),
        ("5", "#this"),
        ("NGC 1300 <&>", "#this"),
        (str(2**63), "#this"),
        ("-1", "#this"),
    ]
    assert found[5][2:] == (None, "NotFoundFault: NGC 1300 <&> is no galaxy of this catalogue", None)
    assert found[0][2] == found[2][2]


def test_no_name_gives_no_row(base: str) -> None:
    assert rows(links(base)) == []


def test_more_names_than_are_served_at_once_are_cut_and_said_so(base: str, ids: list[int]) -> None:
    document = links(base, *ids)
    assert len(rows(document)) == 2 * MAX_IDS
    assert infos(document)["QUERY_STATUS"] == "OVERFLOW"
    assert infos(links(base, *ids[:MAX_IDS]))["QUERY_STATUS"] == "OK"


def test_names_may_be_posted(base: str, ids: list[int]) -> None:
    posted = httpx.post(f"{base}/datalink/links", data={"id": list(map(str, ids[:3]))})
    assert rows(parse(io.BytesIO(posted.content))) == rows(links(base, *ids[:3]))
    parts = [("ID", (None, str(identity))) for identity in ids[:3]]
    form = httpx.post(f"{base}/datalink/links", files=parts)
    assert form.content == posted.content


def test_another_format_is_refused_in_a_votable(base: str, ids: list[int]) -> None:
    for form in ("votable", "application/x-votable+xml;serialization=TABLEDATA"):
        params: dict[str, str | int] = {"ID": ids[0], "RESPONSEFORMAT": form}
        assert httpx.get(f"{base}/datalink/links", params=params).status_code == 200
    refused = httpx.get(f"{base}/datalink/links", params={"ID": ids[0], "RESPONSEFORMAT": "csv"})
    assert refused.status_code == 400
    (info,) = parse(io.BytesIO(refused.content)).resources[0].infos
    assert (info.value, info.content) == (
        "ERROR",
        "UsageFault: RESPONSEFORMAT is 'csv': links come as votable",
    )


def test_a_retired_galaxy_has_no_links(base: str, ids: list[int], connection: psycopg.Connection) -> None:
    connection.execute("UPDATE galcat.source SET is_retired = true WHERE object_id = %s", [ids[7]])
    assert [row[3] for row in rows(links(base, ids[7]))] == [
        f"NotFoundFault: {ids[7]} is no galaxy of this catalogue"
    ]


def test_a_picture_is_kept_by_browsers(base: str, ids: list[int], connection: psycopg.Connection) -> None:
    url = f"{base}/datalink/thumbnail/{ids[0]}.jpg"
    first = httpx.get(url)
    digest = hashlib.blake2b(jpeg_of(connection, ids[0]), digest_size=12).hexdigest()
    assert first.headers["etag"] == f'"{digest}"'
    assert first.headers["cache-control"] == "public, max-age=86400"
    again = httpx.get(url, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_picture_that_is_not_there_is_a_404_of_one_line(base: str) -> None:
    for name in ("17", str(2**64), "abc", "-4"):
        response = httpx.get(f"{base}/datalink/thumbnail/{name}.jpg")
        assert response.status_code == 404
        assert len(response.text.splitlines()) == 1
    assert httpx.get(f"{base}/datalink/thumbnail/..%2f..%2fetc%2fhosts.jpg").status_code == 404


def test_where_no_cutouts_are_made_none_are_offered(base: str, ids: list[int]) -> None:
    assert httpx.get(f"{base}/datalink/cutout", params={"ID": ids[0]}).status_code == 404


def test_pyvo_reads_the_links(base: str, ids: list[int], connection: psycopg.Connection) -> None:
    found = DatalinkResults.from_result_url(f"{base}/datalink/links?ID={ids[2]}")
    (picture,) = found.bysemantics("#preview", include_narrower=False)
    assert (picture.id, picture.content_type) == (str(ids[2]), "image/jpeg")
    assert picture.content_length == len(jpeg_of(connection, ids[2]))
    assert picture.getdataset().read() == jpeg_of(connection, ids[2])


def test_stilts_has_nothing_to_say_of_the_links(base: str, ids: list[int]) -> None:
    if shutil.which("stilts") is None:
        pytest.skip("stilts is not on this machine")
    for query in (f"ID={ids[0]}", f"ID={ids[0]}&ID={ids[1]}&ID=17", ""):
        said = subprocess.run(
            ["stilts", "datalinklint", f"votable={base}/datalink/links?{query}"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert "Totals: Errors: 0; Warnings: 0;" in said.stdout
        assert "Failures: 0" in said.stdout


def test_what_was_asked_is_in_the_log(database: str, connection: psycopg.Connection, tmp_path: Path) -> None:
    fill(connection, 3)
    with serving(database, tmp_path, ServiceLimits()) as served:
        url = f"{served.url}/datalink/links"
        httpx.get(url, params={"ID": ["1", "2"]}, headers={"User-Agent": "a test"})
        httpx.get(url, params={"RESPONSEFORMAT": "fits"})
    logged = connection.execute(
        "SELECT interface, query, phase, rows, error, user_agent FROM galcat_tap.query_log ORDER BY query_id"
    ).fetchall()
    assert logged[0] == ("datalink", "1 2", "COMPLETED", 2, None, "a test")
    assert logged[1][:4] == ("datalink", "", "ERROR", 0)
    assert logged[1][4] == "RESPONSEFORMAT is 'fits': links come as votable"
