"""The published views say what the tables say of the current release, and nothing of people or machines."""

from dataclasses import replace

import numpy as np
import psycopg
import pytest

from catalog.ingestion.records import SkipRecord, SurveyRecord, TileRecord
from catalog.ingestion.tile_rows import register_survey
from catalog.ingestion.writer import write_tile
from catalog.releases.promotion import promote_release
from catalog.releases.releases import register_release
from catalog.tap.datalink.cutout import BANDS_M
from catalog.tasks.labels import Label, write_labels
from catalog.tasks.tasks import add_task, hide_task, show_task
from tests.catalog.galaxies import DIMENSION, fill, galaxy_rows, release_record, tile_record
from tests.catalog.tasks.scored_tasks import KIND, ODD, RING, write_random_scores

VIEWS = ("embedding", "survey", "tile", "skipped_row", "release", "task", "label")


@pytest.fixture
def filled(connection: psycopg.Connection) -> psycopg.Connection:
    """50 galaxies of a first release; a second release has 10 of them and is not shown."""
    survey_id, _ = fill(connection, 50)
    second = register_release(connection, release_record("second"))
    write_tile(connection, survey_id, second, tile_record(), galaxy_rows(10, seed=9), [])
    return connection


def ids(connection: psycopg.Connection) -> list[int]:
    """object_ids in the order of galaxy_rows."""
    return [
        row[0]
        for row in connection.execute(
            "SELECT object_id FROM galcat.source ORDER BY substr(survey_source_id, 2)::int"
        )
    ]


def test_the_embedding_is_that_of_the_current_release(filled: psycopg.Connection) -> None:
    rows = filled.execute(
        "SELECT e.release, e.search, e.vector FROM galcat_tap.embedding AS e "
        "JOIN galcat.source AS s USING (object_id) ORDER BY substr(s.survey_source_id, 2)::int"
    ).fetchall()
    written = galaxy_rows(50, seed=0)
    assert {row[0] for row in rows} == {"first"}
    for i, numbers in ((1, written.search), (2, written.full)):
        expected = numbers.astype(np.float16).astype(np.float32)
        np.testing.assert_array_equal(np.array([row[i] for row in rows], np.float32), expected)


def test_a_retired_galaxy_has_no_embedding_and_no_labels(filled: psycopg.Connection) -> None:
    add_task(filled, RING)
    gone = ids(filled)[49]
    write_labels(filled, RING, [Label(gone, "yes", "ann")], "prog", "test")
    assert filled.execute("SELECT object_id FROM galcat_tap.label").fetchall() == [(gone,)]
    write_tile(filled, 1, 1, tile_record(content_hash="new"), galaxy_rows(49, seed=0), [])
    assert filled.execute("SELECT count(*) FROM galcat_tap.embedding").fetchone() == (49,)
    assert filled.execute("SELECT object_id FROM galcat_tap.label").fetchall() == []


def test_each_galaxy_has_one_embedding_whichever_release_is_shown(filled: psycopg.Connection) -> None:
    promote_release(filled, "second", force=True)
    rows = filled.execute(
        "SELECT release, count(*), count(DISTINCT object_id) FROM galcat_tap.embedding GROUP BY 1"
    ).fetchall()
    assert rows == [("second", 10, 10)]


def test_surveys_and_releases_are_listed(filled: psycopg.Connection) -> None:
    assert filled.execute("SELECT * FROM galcat_tap.survey").fetchall() == [("survey", "made up", "g r")]
    rows = filled.execute(
        "SELECT name, backbone, view_set, dimension, weights_sha256, is_current "
        "FROM galcat_tap.release ORDER BY 1"
    ).fetchall()
    assert rows == [
        (name, "none", 1, DIMENSION, release_record(name).weights_sha256, name == "first")
        for name in ("first", "second")
    ]


def test_a_tile_is_listed_once_with_what_the_current_release_made_of_it(filled: psycopg.Connection) -> None:
    chunk = TileRecord("chunk", None, None, (), ("table.fits",), "fingerprint", "content", "/data/tables")
    write_tile(filled, 1, 2, chunk, galaxy_rows(3, seed=4, prefix="c"), [])
    query = (
        b"SELECT survey, name, ra, dec, s_region, n_sources, n_galaxies, n_skipped, n_failed, state "
        b"FROM galcat_tap.tile ORDER BY name"
    )
    corners = list(tile_record().footprint)
    assert filled.execute(query).fetchall() == [
        ("survey", "chunk", None, None, None, *[None] * 5),
        ("survey", "tile", 10.0, 2.0, corners, 50, 50, 0, 0, "done"),
    ]
    promote_release(filled, "second", force=True)
    assert filled.execute(query).fetchall() == [
        ("survey", "chunk", None, None, None, 3, 3, 0, 0, "done"),
        ("survey", "tile", 10.0, 2.0, corners, 10, 10, 0, 0, "done"),
    ]


def test_a_skipped_row_has_its_reason_and_no_detail(filled: psycopg.Connection) -> None:
    skips = [SkipRecord(7, "g900", "unreadable_image", "/data/a.jpg: unreadable picture", will_retry=True)]
    write_tile(filled, 1, 1, tile_record("other"), galaxy_rows(2, seed=5, prefix="o"), skips)
    write_tile(filled, 1, 2, tile_record("other"), galaxy_rows(2, seed=5, prefix="o"), [])
    cursor = filled.execute("SELECT * FROM galcat_tap.skipped_row")
    assert [column.name for column in cursor.description or []] == [
        "survey",
        "tile",
        "survey_source_id",
        "reason",
    ]
    assert cursor.fetchall() == [("survey", "other", "g900", "unreadable_image")]


def test_a_task_is_listed_with_its_columns_and_the_model_that_is_shown(filled: psycopg.Connection) -> None:
    for task in (RING, KIND, ODD):
        add_task(filled, task)
    assert filled.execute("SELECT column_names FROM galcat_tap.task").fetchall() == [(None,)] * 3
    for task in (RING, KIND, ODD):
        show_task(filled, task.name)
        write_random_scores(filled, task)
    write_random_scores(filled, RING, refused="worse than before")
    rows = filled.execute(
        "SELECT name, question, kind, classes, version, method, labels, column_names "
        "FROM galcat_tap.task ORDER BY name"
    ).fetchall()
    columns = dict(
        filled.execute(
            "SELECT task, string_agg(column_name, ' ' ORDER BY i) "
            "FROM galcat.task_columns() WITH ORDINALITY "
            "AS c (task, class, column_name, value_name, meaning, i) GROUP BY 1"
        ).fetchall()
    )
    assert rows == [
        (task.name, task.question, task.kind, " ".join(task.classes), 1, "head", 7, columns[task.name])
        for task in (KIND, ODD, RING)
    ]
    hide_task(filled, "ring")
    row = filled.execute("SELECT version, column_names FROM galcat_tap.task WHERE name = 'ring'").fetchone()
    assert row == (None, None)


def test_labels_are_counted_as_people_say_today(filled: psycopg.Connection) -> None:
    a, b, *_ = ids(filled)
    for task in (RING, ODD):
        add_task(filled, task)
    for said in (
        [Label(a, "yes", "ann"), Label(a, "yes", "bob"), Label(b, "yes", "ann")],
        [Label(a, "no", "bob"), Label(a, "yes", "eve"), Label(b, None, "ann")],
    ):
        write_labels(filled, RING, said, "prog", "test")
    write_labels(filled, ODD, [Label(a, 1.0, "ann"), Label(a, 4.0, "bob")], "prog", "test")
    cursor = filled.execute("SELECT * FROM galcat_tap.label ORDER BY task, object_id, answer")
    assert [column.name for column in cursor.description or []] == [
        "task",
        "object_id",
        "answer",
        "votes",
        "rating",
    ]
    assert cursor.fetchall() == [
        ("odd", a, None, 2, 2.5),
        ("ring", a, "no", 1, None),
        ("ring", a, "yes", 2, None),
    ]


def test_a_condition_on_the_galaxy_of_a_label_uses_an_index(filled: psycopg.Connection) -> None:
    filled.execute("SET enable_seqscan = off")
    plan = filled.execute("EXPLAIN SELECT * FROM galcat_tap.label WHERE object_id = 7").fetchall()
    assert "label_object" in str(plan) or "label_latest" in str(plan)


def test_no_view_shows_a_person_or_a_path(filled: psycopg.Connection) -> None:
    add_task(filled, RING, owner="ann_the_owner")
    write_labels(
        filled, RING, [Label(ids(filled)[0], "yes", "bob_the_labeller")], "prog", "/home/bob/labels.csv"
    )
    skips = [SkipRecord(7, "g900", "unreadable_image", "/data/a.jpg: unreadable picture", will_retry=True)]
    write_tile(filled, 1, 1, tile_record("other"), galaxy_rows(2, seed=5, prefix="o"), skips)
    filled.execute("UPDATE galcat.ingestion SET state = 'failed', error = '/data/x: gone' WHERE tile_id = 1")
    for schema, view in [("galcat_tap", view) for view in VIEWS] + [("ivoa", "obscore")]:
        text = str(filled.execute(f"SELECT t::text FROM {schema}.{view} AS t".encode()).fetchall())
        assert "other" in text or view not in {"tile", "obscore"}
        for secret in ("ann_the", "bob", "/data", "/home", "a.fits", "toml"):
            assert secret not in text, view


def test_times_are_utc_whatever_the_session_thinks(filled: psycopg.Connection) -> None:
    filled.execute("SET TimeZone = 'Asia/Tokyo'")
    row = filled.execute(
        "SELECT r.created_at::text, to_char(s.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') "
        "FROM galcat_tap.release AS r JOIN galcat.release AS s USING (name) WHERE r.is_current"
    ).fetchone()
    assert row is not None
    assert row[0].startswith(row[1])
    kinds = filled.execute(
        "SELECT DISTINCT format_type(a.atttypid, NULL) FROM pg_attribute AS a JOIN galcat_tap.published AS p "
        "ON a.attrelid = p.relation WHERE a.attnum > 0"
    ).fetchall()
    assert "timestamp with time zone" not in str(kinds)


def test_tiles_are_observations(filled: psycopg.Connection) -> None:
    wide = replace(
        tile_record("wide"), footprint=(359.0, -1.0, 1.0, -1.0, 1.0, 1.0, 359.0, 1.0), ra=0.0, dec=0.0
    )
    other = register_survey(filled, SurveyRecord("other", "in x-rays", ("g", "x"), "toml"))
    write_tile(filled, other, 1, wide, galaxy_rows(2, seed=5, prefix="w"), [])
    chunk = TileRecord("chunk", None, None, (), ("table.fits",), "fingerprint", "content", "/data/tables")
    write_tile(filled, 1, 1, chunk, galaxy_rows(3, seed=4, prefix="c"), [])
    write_tile(filled, 1, 2, tile_record("elsewhere"), galaxy_rows(3, seed=6, prefix="e"), [])
    rows = filled.execute(
        "SELECT obs_collection, obs_id, obs_publisher_did, s_ra, s_dec, s_region, em_min, em_max, o_ucd "
        "FROM ivoa.obscore ORDER BY 1"
    ).fetchall()
    places = [
        ("other", "wide", "ivo://galcat/tile?other/wide", 0.0, 0.0, "POLYGON ICRS 359 -1 1 -1 1 1 359 1"),
        ("survey", "tile", "ivo://galcat/tile?survey/tile", 10.0, 2.0, "POLYGON ICRS 9 1 11 1 11 3 9 3"),
    ]
    lights = [(None, None, "phot.flux"), (4e-7, 7.2e-7, "phot.flux;em.opt")]
    assert rows == [(*place, *light) for place, light in zip(places, lights, strict=True)]
    row = filled.execute("SELECT s_fov FROM ivoa.obscore WHERE obs_id = 'wide'").fetchone()
    assert row is not None
    assert row[0] == pytest.approx(2 * np.degrees(np.arccos(np.cos(np.radians(1)) ** 2)), rel=1e-12)


@pytest.mark.parametrize(("band", "limits"), BANDS_M.items())
def test_a_band_has_the_limits_by_which_cutouts_are_chosen(
    filled: psycopg.Connection, band: str, limits: tuple[float, float]
) -> None:
    filled.execute("UPDATE galcat.survey SET bands = %s", [[band]])
    assert filled.execute("SELECT em_min, em_max FROM ivoa.obscore").fetchall() == [limits]


def test_an_outline_is_read_back_from_its_text(filled: psycopg.Connection) -> None:
    row = filled.execute("SELECT galcat.region_of(s_region) FROM ivoa.obscore").fetchone()
    assert row == (list(tile_record().footprint),)
