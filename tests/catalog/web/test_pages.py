"""The pages beside the wall: a galaxy's, and those to read."""

import re

import httpx
import numpy as np
import psycopg
import pytest
from scipy.stats import beta

from catalog.web.galaxy.positions import sexagesimal


def test_a_galaxys_page_says_its_votes_with_their_intervals_and_its_neighbours(
    page: httpx.Client, galaxies: str
) -> None:
    with psycopg.connect(galaxies) as connection:
        found = connection.execute(
            "SELECT object_id, bar_weak_fraction, bar_concentration, search::text FROM galcat.galaxy "
            "ORDER BY object_id"
        ).fetchall()
    object_id, fraction, votes, search = found[0]
    low, high = beta.ppf([0.05, 0.95], fraction * votes, (1 - fraction) * votes)
    text = page.get(f"/galaxy/{object_id}").text
    assert f"{fraction:.2f}, 90 % between {low:.2f} and {high:.2f}" in text
    own = np.array(eval(search))  # noqa: S307 - of our own
    near = sorted(found[1:], key=lambda row: float(np.linalg.norm(np.array(eval(row[3])) - own)))  # noqa: S307 - the same
    assert [int(one) for one in re.findall(r'class="picture" href="/galaxy/(\d+)"', text)] == [
        row[0] for row in near[:18]
    ]
    for name in ("legacysurvey.org/viewer", "simbad.cds", "ned.ipac", f"/datalink/links?ID={object_id}"):
        assert name in text


def test_pages_to_read_are_there(page: httpx.Client) -> None:
    for address in ("/about", "/columns", "/columns?q=bar", "/columns?q=<b>", "/status"):
        answer = page.get(address)
        assert answer.status_code == 200, address
        assert answer.headers["content-type"].startswith("text/html"), address
        assert "<b>\u201d" not in answer.text, address


def test_a_browser_that_asks_for_what_is_nowhere_gets_a_page_and_a_client_a_votable(
    page: httpx.Client,
) -> None:
    html = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    for path in ("/nowhere", "/galaxy/", "/label/a/b/c/d", "/%3Cscript%3E"):
        answer = page.get(path, headers=html)
        assert answer.status_code == 404, path
        assert answer.headers["content-type"].startswith("text/html"), path
        assert "<script>" not in answer.text.partition('role="alert"')[2], path
    for path, headers in (("/nowhere", {}), ("/tap/nowhere", html), ("/scs/x", html)):
        answer = page.get(path, headers=headers)
        assert answer.status_code == 404, path
        assert "votable" in answer.headers["content-type"], path
    assert page.get("/tap/availability", headers=html).status_code == 200


def test_every_published_column_is_in_the_dictionary(page: httpx.Client, galaxies: str) -> None:
    text = page.get("/columns").text
    with psycopg.connect(galaxies) as connection:
        names = connection.execute(
            "SELECT btrim(column_name, '\"') FROM tap_schema.columns WHERE table_name = 'galcat.galaxy'"
        ).fetchall()
    assert {name for (name,) in names} == set(re.findall(r'<tr id="([a-z0-9_]+)">', text))


def test_the_status_counts_galaxies_and_tiles(page: httpx.Client) -> None:
    text = page.get("/status").text
    assert "<b>150</b> galaxies" in text
    assert "<b>1</b> tile<" in text


@pytest.mark.parametrize(
    ("ra", "dec", "expected"),
    [
        (150.184450, 2.054375, "10:00:44.268 +02:03:15.75"),
        (359.9999999, -0.0000001, "00:00:00.000 +00:00:00.00"),
    ],
)
def test_a_position_in_hours_and_degrees_is_rounded_over_the_turn(
    ra: float, dec: float, expected: str
) -> None:
    assert sexagesimal(ra, dec) == expected


def test_without_an_encoder_the_page_says_so(page: httpx.Client) -> None:
    assert "Pictures cannot be searched by: this service runs without the encoder." in page.get("/").text
    picture = {"file": ("a.png", b"\x89PNG")}
    answer = page.post("/page/picture", files=picture, headers={"Accept": "application/json"})
    assert answer.status_code == 400
    assert "runs without the encoder" in answer.json()["error"]


def test_the_cells_of_the_sky_hold_all_galaxies(page: httpx.Client) -> None:
    found = page.get("/page/sky").json()
    assert sum(cell["n"] for cell in found["cells"]) == 150


def test_a_galaxy_whose_picture_is_doubtful_says_why(page: httpx.Client, galaxies: str) -> None:
    with psycopg.connect(galaxies, autocommit=True) as connection:
        first, second = connection.execute(
            "SELECT object_id FROM galcat.galaxy ORDER BY 1 LIMIT 2"
        ).fetchall()
        connection.execute(
            "UPDATE galcat.morphology SET framing_flag = 10, domain_distance = 1.5 WHERE object_id = %s",
            first,
        )
        connection.execute(
            "UPDATE galcat.morphology SET framing_flag = 0, domain_distance = 0.5 WHERE object_id = %s",
            second,
        )
    text = page.get(f"/galaxy/{first[0]}").text
    assert (
        "Take these votes with care: several objects stand in the middle of the picture; it is cut by the "
        "edge of the picture; its picture is unlike those of the galaxies that the network learnt from."
    ) in text
    assert "Take these votes with care" not in page.get(f"/galaxy/{second[0]}").text


def test_a_page_is_packed_for_strangers_and_never_beside_a_cookie(page: httpx.Client) -> None:
    plain = page.get("/", headers={"Accept-Encoding": "identity"})
    packed = page.get("/", headers={"Accept-Encoding": "gzip"})
    known = page.get("/", headers={"Accept-Encoding": "gzip", "Cookie": "galcat_session=anything"})
    assert [one.headers.get("content-encoding") for one in (plain, packed, known)] == [None, "gzip", None]
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) / 4
    without_time = [re.sub(r"in \d+ ms", "", one.text) for one in (plain, packed)]
    assert without_time[0] == without_time[1]
    assert "Cookie" in packed.headers["vary"]
