"""The status and the dictionary of columns: what was checked, what failed and why, what answers look like."""

import html
import re
from dataclasses import replace
from functools import partial
from pathlib import Path

import httpx
import numpy as np
import psycopg
import pytest

from catalog.search.memory import galaxy_memory
from catalog.search.memory.galaxy_memory import GalaxyMemory
from catalog.tap.limits import ServiceLimits
from catalog.web.app import page_routes
from catalog.web.column_texts import TREE
from catalog.web.information.tile_sky import MOST_DOTS, draw_tiles
from catalog.web.page_services import PageServices
from tests.catalog.tap.tap_server import serving
from tests.catalog.web.labelling import Enter
from tests.waiting import wait_until

REASON = "/data/bricks/<b>.fits: HDU 1 is cut off"


@pytest.fixture
def parts(tmp_path: Path) -> PageServices:
    """A page that knows where Dagster is."""
    return replace(PageServices(tmp_path / "page.key"), dagster_url="http://127.0.0.1:3000/?a=1&b=2")


def fail_a_tile(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO galcat.tile (survey_id, name, ra, dec, footprint, files) "
            "SELECT survey_id, 'bad<i>', 12.5, -3.5, '{}', '{}' FROM galcat.survey LIMIT 1"
        )
        connection.execute(
            "INSERT INTO galcat.ingestion (tile_id, release_id, state, fingerprint, error) "
            "SELECT tile_id, galcat.current_release(), 'failed', 'x', %s FROM galcat.tile "
            "WHERE name = 'bad<i>'",
            [REASON],
        )


def test_the_reasons_of_failures_are_for_who_is_logged_in(
    enter: Enter, page: httpx.Client, tasks: str
) -> None:
    fail_a_tile(tasks)
    stranger, ana = page.get("/status").text, enter("ana", "reader").get("/status").text
    for text in (stranger, ana):
        assert '<th scope="row">bad&lt;i&gt;</th>' in text
        assert 'href="http://127.0.0.1:3000/?a=1&amp;b=2"' in text
    assert "/data/bricks" not in stranger
    assert f'<td class="reason">{html.escape(REASON)}</td>' in ana
    assert "1 tile: bad&lt;i&gt;" in ana  # among the lines of galcat status


def test_the_indexes_are_checked_while_somebody_looks(page: httpx.Client, galaxies: str) -> None:
    with psycopg.connect(galaxies, autocommit=True) as connection:
        connection.execute("SELECT galcat.build_search_index(galcat.current_release())")
    assert "being checked" in page.get("/status").text
    wait_until(lambda: "Checked at" in page.get("/status").text, "the check of the indexes")
    checks = re.findall(r'<li class="(good|bad)"><b>\w+</b> ([^<]*)', page.get("/status").text)
    assert [state for state, _ in checks] == ["good", "good", "good"]
    assert re.search(r"it found (\d+\.\d)%, asked for 50 galaxies", checks[2][1])


def test_the_status_says_what_searches_are_answered_from(
    galaxies: str, tmp_path: Path, parts: PageServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(galaxy_memory, "MIN_GALAXIES", 1)
    for max_bytes, said in (
        (10**9, r"answered from 150 galaxies in memory \(0 MB\); up to date when .* at 20\d\d-.* UTC\."),
        (1_000, "ask the database alone: the log of the service says why."),
        (0, ""),
    ):
        memory = GalaxyMemory(galaxies, max_bytes)
        spool = tmp_path / str(max_bytes)
        pages = partial(page_routes, parts=parts)
        with serving(galaxies, spool, ServiceLimits(), make_pages=pages, memory=memory) as served:
            memory.wait()
            text = httpx.get(f"{served.url}/status").text
        assert re.search(f"<p>Searches [^<]*{said}</p>", text) if said else "<p>Searches" not in text


def test_tiles_stand_on_the_sky_by_their_state(page: httpx.Client, galaxies: str) -> None:
    fail_a_tile(galaxies)
    text = page.get("/status").text
    assert len(re.findall(r'<circle class="failed"', text)) == 1
    assert "2 tiles, 1 of them failed" in text
    rows: list[dict[str, object]] = [
        {"ra": 359.0, "dec": 10.0, "state": "done"},
        {"ra": 1.0, "dec": 10.0, "state": "failed"},
        {"ra": 0.0, "dec": -10.0, "state": None},
    ]
    drawn = draw_tiles(rows)
    assert drawn is not None
    squeeze = np.cos(np.radians(10))
    assert [(round(x, 3), y, state) for x, y, state in drawn.dots] == [
        (round(squeeze, 3), -10.0, "done"),
        (0.0, 10.0, "waiting"),
        (round(-squeeze, 3), -10.0, "failed"),
    ]
    assert drawn.ra_range == (359.0, 1.0)
    left, top, width, height = drawn.box
    assert left < -squeeze < squeeze < left + width
    assert top < -10 < 10 < top + height


def test_of_many_tiles_a_square_degree_is_as_bad_as_its_worst() -> None:
    rng = np.random.default_rng(3)
    n = MOST_DOTS + 500
    ra, dec = rng.uniform(100, 120, n), rng.uniform(-10, 10, n)
    state = rng.choice(["done", "failed"], n, p=[0.99, 0.01])
    rows: list[dict[str, object]] = [
        {"ra": a, "dec": d, "state": s} for a, d, s in zip(ra, dec, state, strict=True)
    ]
    drawn = draw_tiles(rows)
    assert drawn is not None
    assert drawn.is_binned
    middle = np.degrees(np.angle(np.exp(1j * np.radians(ra)).sum()))
    squares = [(int(np.floor(a - middle)), int(np.floor(d))) for a, d in zip(ra, dec, strict=True)]
    failed = {square for square, s in zip(squares, state, strict=True) if s == "failed"}
    assert len(drawn.dots) == len(set(squares))
    assert sum(one[2] == "failed" for one in drawn.dots) == len(failed)


def test_examples_are_those_with_most_votes_where_enough_were_asked(
    page: httpx.Client, galaxies: str
) -> None:
    for question in TREE:
        columns = list(question.columns)
        with psycopg.connect(galaxies) as connection:
            rows = connection.execute(
                f"SELECT object_id, {question.key}_proportion_asked, {', '.join(columns)} FROM galcat.galaxy"
            ).fetchall()
        found = page.get(f"/page/examples/{question.key}").json()["answers"]
        for i, (column, answer) in enumerate(zip(columns, found, strict=True)):
            likely = [row for row in rows if row[1] >= 0.5 and row[2 + i] == max(row[2:])]
            best = sorted(likely, key=lambda row, i=i: -row[2 + i])[:4]  # type: ignore[misc] # a row
            assert answer["column"] == column
            assert [int(one["id"]) for one in answer["galaxies"]] == [row[0] for row in best], column
    assert page.get("/page/examples/<script>").status_code == 404
    assert 'data-question="bar"' in page.get("/columns").text
