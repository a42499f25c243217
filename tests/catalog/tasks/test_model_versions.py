"""Versions of a task's scores: written whole, shown in the place of the former, or kept and not shown."""

import numpy as np
import psycopg
import pytest

from catalog.database.read_only import run_query
from catalog.ingestion.writer import write_tile
from catalog.tasks.model_versions import (
    NewVersion,
    find_current_version,
    find_unscored_galaxies,
    write_version,
)
from catalog.tasks.tasks import Task, add_task, show_task
from tests.catalog.galaxies import fill, galaxy_rows, tile_record
from tests.catalog.tasks.scored_tasks import KIND, ODD, RING, columns, write_random_scores


@pytest.fixture
def filled(connection: psycopg.Connection) -> psycopg.Connection:
    fill(connection, 50)
    return connection


@pytest.mark.parametrize("task", [RING, KIND, ODD])
def test_a_version_shows_every_score_and_the_next_one_takes_its_place(
    filled: psycopg.Connection, task: Task
) -> None:
    add_task(filled, task)
    show_task(filled, task.name)
    names = [name for name in columns(filled) if name.startswith(f"{task.name}_")]
    query = f"SELECT {', '.join(names)} FROM galcat.galaxy ORDER BY object_id"
    for seed in (0, 1):
        values = write_random_scores(filled, task, seed)
        expected = np.stack([values, values / 10], axis=2).reshape(50, -1)
        found = np.array(run_query(filled, query).rows, np.float32)
        np.testing.assert_array_equal(found, expected)
    partitions = filled.execute(
        "SELECT count(*) FROM pg_inherits WHERE inhparent = to_regclass('galcat.' || galcat.score_table(%s))",
        [task.name],
    ).fetchone()
    assert partitions == (1,)
    versions = filled.execute(
        "SELECT version, is_current FROM galcat.task_version ORDER BY version"
    ).fetchall()
    assert versions == [(1, False), (2, True)]


def test_a_column_says_what_it_is_and_of_which_version(filled: psycopg.Connection) -> None:
    add_task(filled, RING)
    show_task(filled, "ring")
    field = run_query(filled, "SELECT ring_probability FROM galcat.galaxy").fields[0]
    assert field.description == "Probability of yes to: Has it a ring?"
    write_random_scores(filled, RING)
    field = run_query(filled, "SELECT ring_probability FROM galcat.galaxy").fields[0]
    made = filled.execute("SELECT made_at::date::text FROM galcat.task_version").fetchone()
    assert made is not None
    assert field.description == f"Probability of yes to: Has it a ring?, version 1 of {made[0]}"


def test_a_refused_version_is_kept_and_not_shown(filled: psycopg.Connection) -> None:
    add_task(filled, RING)
    show_task(filled, "ring")
    shown = write_random_scores(filled, RING)
    write_random_scores(filled, RING, 1, "it is worse")
    found = run_query(filled, "SELECT ring_probability FROM galcat.galaxy ORDER BY object_id")
    np.testing.assert_array_equal(np.array(found.rows, np.float32), shown)
    kept = filled.execute("SELECT version, refused FROM galcat.task_version WHERE NOT is_current").fetchall()
    assert kept == [(2, "it is worse")]


def test_a_version_that_fails_in_the_middle_leaves_nothing_behind(filled: psycopg.Connection) -> None:
    add_task(filled, RING)
    show_task(filled, "ring")
    shown = write_random_scores(filled, RING)

    def broken() -> object:
        yield np.array([1, 2], np.int64), np.zeros((2, 1), np.float32), np.zeros((2, 1), np.float32)
        raise OSError("killed")

    with pytest.raises(OSError, match="killed"):
        write_version(filled, NewVersion(RING, 1, "head", 9, b"", {}), broken())  # type: ignore[arg-type]
    found = run_query(filled, "SELECT ring_probability FROM galcat.galaxy ORDER BY object_id")
    np.testing.assert_array_equal(np.array(found.rows, np.float32), shown)
    tables = filled.execute(
        r"SELECT count(*) FROM pg_class WHERE relname LIKE 'task\_score\_t%\_v%' AND relkind = 'r'"
    )
    assert tables.fetchone() == (1,)
    assert filled.execute("SELECT count(*) FROM galcat.task_version").fetchone() == (1,)


def test_a_version_that_took_longer_does_not_replace_one_that_knows_more_labels(
    filled: psycopg.Connection,
) -> None:
    add_task(filled, RING)
    show_task(filled, "ring")
    shown = write_random_scores(filled, RING)
    row = filled.execute("SELECT array_agg(object_id) FROM galcat.source").fetchone()
    assert row is not None
    ids = np.array(row[0], np.int64)
    late = NewVersion(RING, 1, "head", 3, b"", {})
    version = write_version(filled, late, [(ids, np.zeros((50, 1), np.float32), None)])
    assert version.refused == "the version shown has learnt from 7 labels, this one from 3"
    found = run_query(filled, "SELECT ring_probability FROM galcat.galaxy ORDER BY object_id")
    np.testing.assert_array_equal(np.array(found.rows, np.float32), shown)


def test_a_galaxy_whose_vector_changes_loses_its_score_until_it_is_scored_again(
    filled: psycopg.Connection,
) -> None:
    add_task(filled, RING)
    show_task(filled, "ring")
    write_random_scores(filled, RING)
    survey_id, release_id = fill(filled, 50)
    kept = "SELECT count(*) FILTER (WHERE ring_probability IS NULL) FROM galcat.galaxy"
    assert filled.execute(kept).fetchone() == (0,)  # the same rows again change nothing
    write_tile(filled, survey_id, release_id, tile_record(content_hash="new"), galaxy_rows(50, seed=8), [])
    assert filled.execute(kept).fetchone() == (50,)
    version = find_current_version(filled, RING, release_id)
    assert version is not None
    assert len(find_unscored_galaxies(filled, RING, version, release_id)) == 50


def test_the_most_probable_are_those_of_highest_score(filled: psycopg.Connection) -> None:
    add_task(filled, KIND)
    show_task(filled, "kind")
    values = write_random_scores(filled, KIND)
    ids = [row[0] for row in filled.execute("SELECT object_id FROM galcat.source ORDER BY 1")]
    found = run_query(filled, "SELECT object_id FROM galcat.most_probable('kind', 5, 'ball')").rows
    assert [row[0] for row in found] == [ids[i] for i in np.argsort(-values[:, 1])[:5]]
