"""The examples: each runs, the page is what DALI wants, and pyvo and stilts read it."""

import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import psycopg
import pytest
from pyvo.dal import TAPService

from catalog.adql.published import Published, PublishedColumn, PublishedTable
from catalog.adql.translate import translate
from catalog.columns import ColumnMeta
from catalog.constants import SEARCH_DIMENSION
from catalog.tap.database.load_published import load_published
from catalog.tap.limits import ServiceLimits
from catalog.tap.queries.similar import resolve_searches
from catalog.tap.vosi.example_queries import EXAMPLES, TEN_QUESTIONS, Example
from catalog.tap.vosi.examples import Anchor, ExamplesPage, fill_example, find_anchor
from tests.catalog.galaxies import fill
from tests.catalog.tap.tap_server import serving

GALAXIES = 400
XHTML = "{http://www.w3.org/1999/xhtml}"
UPLOAD = "tap_upload.t1_of_a_test"

Row = tuple[object, ...]


@pytest.fixture
def filled_in(connection: psycopg.Connection) -> psycopg.Connection:
    """A catalogue of 400 galaxies, and a table that came with a query: one position and one vector."""
    fill(connection, GALAXIES)
    connection.execute(
        "CREATE TABLE tap_upload.t1_of_a_test AS SELECT g.ra + 1 / 3600.0 AS ra, g.dec, e.search AS vector "
        "FROM galcat.galaxy AS g JOIN galcat_tap.embedding AS e USING (object_id) "
        "ORDER BY g.object_id LIMIT 1"
    )
    connection.execute("GRANT SELECT ON tap_upload.t1_of_a_test TO galcat_public")
    return connection


def read_published(connection: psycopg.Connection) -> Published:
    metas = (
        ColumnMeta("ra", "double", ucd="pos.eq.ra"),
        ColumnMeta("dec", "double", ucd="pos.eq.dec"),
        ColumnMeta("vector", "float", str(SEARCH_DIMENSION)),
    )
    columns = tuple(PublishedColumn(meta, meta.name) for meta in metas)
    uploaded = PublishedTable("TAP_UPLOAD", "t1", ("tap_upload", "t1_of_a_test"), columns, rows=1)
    return load_published(connection).with_uploads((uploaded,))


def answer_query(connection: psycopg.Connection, text: str) -> tuple[list[str], list[Row]]:
    """Names of the columns, and the rows, as a stranger gets them."""
    with connection.transaction(force_rollback=True):
        connection.execute("SET LOCAL ROLE galcat_public; SET LOCAL search_path = ''")
        translation = translate(text, read_published(connection), max_rows=1000)
        rows = connection.execute(translation.query, resolve_searches(connection, translation)).fetchall()
    return [column.name for column in translation.columns], rows


def example(key: str) -> Example:
    return next(one for one in EXAMPLES if one.key == key)


def query_of(connection: psycopg.Connection, key: str) -> str:
    query = fill_example(example(key), find_anchor(connection))
    assert query is not None
    return query


def values(connection: psycopg.Connection, query: bytes) -> list[Row]:
    return connection.execute(query).fetchall()


@pytest.mark.parametrize("key", [one.key for one in EXAMPLES])
def test_every_example_runs(filled_in: psycopg.Connection, key: str) -> None:
    names, rows = answer_query(filled_in, query_of(filled_in, key))
    assert len(set(names)) == len(names)
    is_empty = {"skipped", "similar-nearby"}  # nothing is skipped here, and galaxies are far apart
    assert rows or key in is_empty


def test_the_readme_s_questions_keep_their_numbers() -> None:
    text = (Path(__file__).parents[4] / "README.md").read_text(encoding="utf-8")
    for number, question in enumerate(TEN_QUESTIONS, 1):
        asked = question.name.removesuffix("?")
        assert asked.startswith(f"{number}. ")
        assert f"**{asked}" in text


def test_what_looks_like_the_clearest_spiral_is_what_numpy_finds(filled_in: psycopg.Connection) -> None:
    _, rows = answer_query(filled_in, query_of(filled_in, "similar"))
    table = filled_in.execute(
        "SELECT object_id, search::real[], mag_r, has_spiral_arms_yes_fraction, "
        "has_spiral_arms_proportion_asked FROM galcat.galaxy"
    ).fetchall()
    vectors = np.array([row[1] for row in table])
    clearest = int(np.argmax([row[3] * row[4] for row in table]))
    distance = np.linalg.norm(vectors - vectors[clearest], axis=1)
    nearest = np.argsort(distance)[:6]
    assert [(row[0], row[2], row[3]) for row in rows] == [
        (table[i][0], table[i][2], table[i][3]) for i in nearest
    ]
    assert [row[1] for row in rows] == pytest.approx(distance[nearest].tolist(), abs=1e-5)


def test_bars_by_magnitude_are_what_numpy_counts(filled_in: psycopg.Connection) -> None:
    names, rows = answer_query(filled_in, query_of(filled_in, "bars"))
    table = np.array(
        filled_in.execute(
            "SELECT mag_r, bar_strong_fraction + bar_weak_fraction, bar_no_fraction FROM galcat.galaxy "
            "WHERE bar_proportion_asked > 0.5"
        ).fetchall(),
        dtype=np.float64,
    )
    magnitude = np.floor(table[:, 0])
    expected = [
        (bin_, len(chosen), chosen[:, 1].mean(), (chosen[:, 2] < 0.5).mean())
        for bin_ in [*np.unique(magnitude[np.isfinite(magnitude)]), np.nan]
        if len(chosen := table[np.isnan(magnitude) if np.isnan(bin_) else magnitude == bin_])
    ]
    assert names == ["r_mag", "disks", "mean_bar_vote", "barred"]
    got = [tuple(np.nan if value is None else float(str(value)) for value in row) for row in rows]
    np.testing.assert_allclose(got, expected, atol=1e-5)


def test_uploads_are_matched_and_compared(filled_in: psycopg.Connection) -> None:
    first = filled_in.execute("SELECT object_id FROM galcat.galaxy ORDER BY 1 LIMIT 1").fetchone()
    assert first is not None
    names, rows = answer_query(filled_in, query_of(filled_in, "cross-match"))
    assert names[:4] == ["ra", "dec", "vector", "object_id"]
    assert [row[3] for row in rows] == [first[0]]
    _, rows = answer_query(filled_in, query_of(filled_in, "uploaded-vector"))
    assert (len(rows), rows[0][0], rows[0][1]) == (10, first[0], pytest.approx(0, abs=1e-3))


def elements(page: str, name: str) -> Sequence[ET.Element]:
    root = ET.fromstring(page)  # noqa: S314 - our own page
    return root.findall(f".//*[@property='{name}']")


def test_the_page_is_what_dali_wants(filled_in: psycopg.Connection) -> None:
    page = ExamplesPage()(filled_in, "http://host/<&>/")
    root = ET.fromstring(page)  # noqa: S314 - our own page
    (vocabulary,) = root.findall(".//*[@vocab]")
    assert vocabulary.get("vocab") == "http://www.ivoa.net/rdf/examples#"
    blocks = vocabulary.findall(".//*[@typeof='example']")
    assert [(one.get("id"), one.get("resource")) for one in blocks] == [
        (one.key, f"#{one.key}") for one in EXAMPLES
    ]
    assert [one.text for one in elements(page, "name")] == [one.name for one in EXAMPLES]
    queries = [one.text for one in elements(page, "query")]
    assert queries == [query_of(filled_in, one.key) for one in EXAMPLES]
    tables = {one.text for one in elements(page, "table")}
    known = {f"{table.schema}.{table.name}" for table in read_published(filled_in).tables}
    assert tables <= known
    assert "http://host/&lt;&amp;&gt;/tap" in page


def test_an_empty_catalogue_has_the_examples_that_need_no_galaxy(connection: psycopg.Connection) -> None:
    page = ExamplesPage()(connection, "http://host")
    keys = [one.get("id") for one in ET.fromstring(page).iter() if one.get("typeof")]  # noqa: S314 - our own
    assert keys == [one.key for one in EXAMPLES if "{" not in one.query]
    assert "{" not in "".join(str(one.text) for one in elements(page, "query"))
    for key in ("contents", "skipped"):
        assert answer_example(connection, key) == []


def answer_example(connection: psycopg.Connection, key: str) -> list[Row]:
    translation = translate(example(key).query, load_published(connection), max_rows=10)
    return connection.execute(translation.query, translation.parameters).fetchall()


def test_the_galaxy_is_looked_up_again_when_a_minute_is_over(
    filled_in: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("catalog.tap.vosi.examples.time.monotonic", lambda: now)
    page = ExamplesPage()
    before = page(filled_in, "http://host")
    spiral = find_anchor(filled_in)
    assert isinstance(spiral, Anchor)
    filled_in.execute("UPDATE galcat.source SET is_retired = true WHERE object_id = %s", [spiral.object_id])
    now += 59
    assert page(filled_in, "http://host") == before
    now += 2
    assert page(filled_in, "http://host") == ExamplesPage()(filled_in, "http://host") != before


@pytest.fixture
def base(filled_in: psycopg.Connection, database: str, tmp_path: Path) -> Iterator[str]:  # noqa: ARG001
    """URL of a service."""
    with serving(database, tmp_path, ServiceLimits()) as served:
        yield served.url


def test_pyvo_reads_the_queries(base: str, filled_in: psycopg.Connection) -> None:
    queries = TAPService(f"{base}/tap").examples
    assert [query["QUERY"] for query in queries] == [query_of(filled_in, one.key) for one in EXAMPLES]


def test_stilts_has_nothing_to_say_of_the_page(base: str) -> None:
    if shutil.which("stilts") is None:
        pytest.skip("stilts is not on this machine")
    said = subprocess.run(
        ["stilts", "taplint", f"tapurl={base}/tap", "stages=TME EXA", "report=EWSF"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Totals: Errors: 0; Warnings: 0;" in said.stdout
    assert "Failures: 0" in said.stdout
