"""The wall over HTTP: it shows what the catalogue says, and hostile input is refused or shown as text."""

import csv
import io
import re
from urllib.parse import parse_qs, urlsplit

import httpx
import numpy as np
import psycopg
import pytest
from astropy.coordinates import SkyCoord

from tests.catalog.web.walls import read_wall

SAFE = "default-src 'none'; script-src 'self'; style-src 'self'"


def rows(database: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(database) as connection:
        return connection.execute(query.encode()).fetchall()


def test_the_first_page_shows_the_brightest_and_names_every_way_on(page: httpx.Client, galaxies: str) -> None:
    answer = page.get("/")
    expected = rows(galaxies, "SELECT object_id FROM galcat.galaxy ORDER BY mag_r LIMIT 60")
    assert answer.status_code == 200
    assert set(read_wall(answer)) == {row[0] for row in expected}
    assert answer.headers["content-security-policy"].startswith(SAFE)
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert len(answer.content) < 100_000


def test_likeness_with_several_examples_a_range_and_a_condition(page: httpx.Client, galaxies: str) -> None:
    everything = rows(galaxies, "SELECT object_id, search::text, mag_r FROM galcat.galaxy ORDER BY object_id")
    vectors = {int(str(i)): np.array(eval(str(v)), float) for i, v, _ in everything}  # noqa: S307 - of our own
    first, second, away = sorted(vectors)[:3]
    mean = (vectors[first] + vectors[second]) / 2
    wanted = (mean + (mean - vectors[away]) / 2).astype(np.float16).astype(float)  # as it is searched by
    kept = [i for i, _, mag in everything if isinstance(mag, float) and 15 <= mag <= 17.5]
    expected = sorted(kept, key=lambda i: float(np.linalg.norm(vectors[int(str(i))] - wanted)))
    answer = page.get(f"/?like={first},{second}&unlike={away}&mag_r=15..17.5&where=survey='survey'")
    assert read_wall(answer) == expected[:60]


NOTATIONS = ("{ra:.6f} {dec:.6f} 600'", "{ra:.6f}, {dec:.6f} 10 deg", "{sexagesimal} 600 arcmin")


def test_a_position_in_every_notation_shows_what_lies_there(page: httpx.Client, galaxies: str) -> None:
    everything = rows(galaxies, "SELECT object_id, ra, dec FROM galcat.galaxy ORDER BY 1")
    object_id, ra, dec = next(row for row in everything if abs(float(str(row[2]))) < 60)
    place = SkyCoord(ra, dec, unit="deg")
    others = SkyCoord([row[1] for row in everything], [row[2] for row in everything], unit="deg")
    degrees = place.separation(others).deg
    expected = [everything[i][0] for i in np.argsort(degrees) if degrees[i] <= 10]
    assert expected[0] == object_id
    sexagesimal = place.to_string("hmsdms", sep=":", precision=3)
    for spelled in NOTATIONS:
        text = spelled.format(ra=ra, dec=dec, sexagesimal=sexagesimal)
        assert read_wall(page.get("/go", params={"q": text}, follow_redirects=True)) == expected, text


def test_an_id_a_name_of_the_survey_and_examples_lead_on(page: httpx.Client, galaxies: str) -> None:
    (object_id, name) = rows(
        galaxies, "SELECT object_id, survey_source_id FROM galcat.galaxy ORDER BY 1 LIMIT 1"
    )[0]
    for text in (str(object_id), str(name), f"survey:{name}"):
        assert page.get("/go", params={"q": text}).headers["location"] == f"/galaxy/{object_id}"
    assert (
        page.get("/go", params={"q": "like 12, 34 unlike 56"}).headers["location"] == "/?like=12,34&unlike=56"
    )
    assert page.get("/go", params={"q": "mag_r < 17"}).headers["location"] == "/?where=mag_r+%3C+17"
    assert page.get("/go", params={"q": " "}).headers["location"] == "/"


def test_what_is_shown_can_be_taken_along_whole(page: httpx.Client, galaxies: str) -> None:
    answer = page.get("/?where=mag_r+<+16")
    address = next(one for one in re.findall(r'<a href="(/tap/sync[^"]+)"', answer.text) if "csv" in one)
    table = list(csv.DictReader(io.StringIO(page.get(address.replace("&amp;", "&")).text)))
    expected = rows(galaxies, "SELECT object_id FROM galcat.galaxy WHERE mag_r < 16")
    assert {int(row["object_id"]) for row in table} == {row[0] for row in expected}
    assert "merging_merger_fraction" in table[0]
    adql = parse_qs(urlsplit(address.replace("&amp;", "&")).query)["QUERY"][0]
    assert "TOP" not in adql


def test_galaxies_without_a_value_come_last_in_either_order(page: httpx.Client, galaxies: str) -> None:
    with psycopg.connect(galaxies, autocommit=True) as connection:
        connection.execute(
            "UPDATE galcat.source SET mag_r = NULL "
            "WHERE object_id = (SELECT min(object_id) FROM galcat.galaxy WHERE mag_r IS NOT NULL)"
        )
    magnitudes = dict(rows(galaxies, "SELECT object_id, mag_r FROM galcat.galaxy"))
    known = sorted(one for one in magnitudes.values() if isinstance(one, float))
    unknown = [None] * (len(magnitudes) - len(known))
    for order, expected in (("mag_r", known), ("-mag_r", known[::-1])):
        shown = [magnitudes[one] for one in read_wall(page.get(f"/?order={order}&n=480"))]
        assert shown == [*expected, *unknown], order


def test_histograms_count_the_selection(page: httpx.Client, galaxies: str) -> None:
    found = page.get("/page/histograms?mag_r=15..17").json()
    values = [
        row[0] for row in rows(galaxies, "SELECT mag_r FROM galcat.galaxy WHERE mag_r BETWEEN 15 AND 17")
    ]
    one = found["columns"]["mag_r"]
    counts, _ = np.histogram(np.array(values, np.float32).astype(float), 24, (one["low"], one["high"]))
    assert (found["rows"], found["all"], one["counts"]) == (len(values), True, counts.tolist())


def test_histograms_of_many_galaxies_are_of_those_of_the_smallest_ids_wherever_they_lie(
    page: httpx.Client, galaxies: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalog.web.histograms._SAMPLE", 40)
    found = page.get("/page/histograms?order=-mag_r").json()
    sample = rows(galaxies, "SELECT mag_r FROM galcat.galaxy ORDER BY object_id LIMIT 40")
    one = found["columns"]["mag_r"]
    values = np.array([row[0] for row in sample if row[0] is not None], np.float32).astype(float)
    counts, _ = np.histogram(values, 24, (values.min(), values.max()))
    assert (found["rows"], found["all"], one["counts"]) == (40, False, counts.tolist())


HOSTILE = (
    "/?where=<script>alert(1)</script>",
    "/?where=1=1) UNION SELECT 1 FROM tap_schema.tables WHERE (1=1",
    "/?where=pg_sleep(10) IS NULL",
    "/?where=object_id IN (SELECT usesysid FROM pg_user)",
    "/?order=<img src=x onerror=alert(1)>",
    "/?like=1e999",
    "/?like=12",
    "/?mag_r=1e400..2",
    "/?ids=../../etc/passwd",
    "/galaxy/<img src=x onerror=alert(1)>",
    "/galaxy/99999999999999999999",
    "/galaxy/12",
    "/go?q=" + "A" * 3000,
)


def test_hostile_or_wrong_input_is_refused_in_a_page_that_shows_it_as_text(page: httpx.Client) -> None:
    for address in HOSTILE:
        answer = page.get(address, follow_redirects=True)
        assert answer.status_code in {400, 404}, address
        assert answer.headers["content-type"].startswith("text/html"), address
        assert answer.headers["content-security-policy"].startswith(SAFE), address
        assert "<script>alert" not in answer.text, address
        assert "<img src=x" not in answer.text, address
        assert 'role="alert"' in answer.text, address


def test_a_picture_is_sent_once(page: httpx.Client) -> None:
    (first, *_) = read_wall(page.get("/"))
    picture = page.get(f"/datalink/thumbnail/{first}.jpg")
    again = page.get(f"/datalink/thumbnail/{first}.jpg", headers={"If-None-Match": picture.headers["etag"]})
    assert (picture.status_code, again.status_code, again.content) == (200, 304, b"")


def test_scripts_and_sheets_may_be_kept_for_ever_and_stay_small(page: httpx.Client) -> None:
    found = re.findall(r'(?:src|href)="(/page/static/[^"]+)"', page.get("/").text)
    assert len(found) >= 3
    for address in found:
        answer = page.get(address)
        assert answer.status_code == 200, address
        assert "immutable" in answer.headers["cache-control"]
        assert len(answer.content) < 100_000
    assert page.get("/page/static/../pages.py").status_code == 404
    assert page.get("/page/static/%2e%2e/pages.py").status_code == 404


def test_what_is_drawn_around_on_the_map_is_shown(page: httpx.Client, galaxies: str) -> None:
    ids = [int(str(row[0])) for row in rows(galaxies, "SELECT object_id FROM galcat.galaxy ORDER BY 1")]
    places = np.random.default_rng(8).uniform(-1, 1, (len(ids), 2)).astype("<f4")
    assert page.get("/page/map").status_code == 404
    assert "galcat map makes it" in page.get("/?lasso=0,0,1,0,1,1").text
    with psycopg.connect(galaxies, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO galcat.release_map (release_id, object_ids, places) "
            "VALUES (galcat.current_release(), %s, %s)",
            [np.array(ids, "<i8").tobytes(), places.tobytes()],
        )
    sent = page.get("/page/map")
    assert sent.content == np.array(ids, "<i8").tobytes() + places.tobytes()
    assert page.get("/page/map", headers={"If-None-Match": sent.headers["etag"]}).status_code == 304
    answer = page.get("/?lasso=0,0,0.8,0,0.8,0.6,0,0.6")
    inside = (places > 0).all(axis=1) & (places[:, 0] < 0.8) & (places[:, 1] < 0.6)
    assert set(read_wall(answer)) == {one for one, is_in in zip(ids, inside, strict=True) if is_in}
    assert "No galaxy" in page.get("/?lasso=2,2,3,2,3,3").text
