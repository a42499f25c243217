"""Statements built from the schema's mirror mean the same to Postgres as the SQL they stand for."""

import numpy as np
import psycopg
import pytest
from pgvector import HalfVector
from sqlalchemy import insert, select, update
from sqlalchemy.exc import CompileError

from catalog.database.statements import insert_rows, run
from catalog.schema import embedding, release, skipped_row, survey, tag
from tests.catalog.galaxies import fill


def test_every_kind_of_value_comes_back_as_it_was_written(connection: psycopg.Connection) -> None:
    values = {
        "name": "100% 'one' %(two)s",
        "weights_sha256": "0" * 64,
        "backbone": "b",
        "recipe": {"size": [1, 2.5], "note": None},
        "view_set": 8,
        "dimension": 3,
        "projection_mean": [0.5, -1.0, 2.0],
        "projection_components": [0.25] * 120,
        "projection_deviations": [1.0] * 40,
        "projection_scale": 0.125,
        "anomaly_reference": b"\x00\xff%s",
        "is_current": False,
    }
    row = run(connection, insert(release).values(values).returning(release.c.release_id)).fetchone()
    assert row is not None
    stored = connection.execute(
        "SELECT name, weights_sha256, backbone, recipe, view_set, dimension, projection_mean, "
        "projection_components, projection_deviations, projection_scale, anomaly_reference, is_current "
        "FROM galcat.release WHERE release_id = %s",
        row,
    ).fetchone()
    assert stored == tuple(values.values())
    by_name = select(release.c.recipe, release.c.created_at.is_(None)).where(release.c.name == values["name"])
    assert run(connection, by_name).fetchall() == [(values["recipe"], False)]


def test_a_vector_is_written_and_read(connection: psycopg.Connection) -> None:
    fill(connection, 1)
    vector = np.linspace(-1, 1, 40).astype(np.float16)
    run(connection, update(embedding).values(search=HalfVector(vector)))
    for read in (
        run(connection, select(embedding.c.search)).fetchone(),
        connection.execute("SELECT search FROM galcat.embedding").fetchone(),
    ):
        assert read is not None
        np.testing.assert_array_equal(read[0].to_numpy(), vector)


def test_rows_are_inserted_together_and_none_is_nothing(connection: psycopg.Connection) -> None:
    rows = [
        {"object_id": i, "tag": f"tag{i}", "is_withdrawn": i == 1, "labeller": "me", "origin": "test"}
        for i in range(2)
    ]
    connection.execute("SET session_replication_role = replica")  # without foreign keys
    with connection.cursor() as cursor:
        insert_rows(cursor, insert(tag), rows)
        insert_rows(cursor, insert(skipped_row), [])
    assert connection.execute(
        "SELECT object_id, tag, is_withdrawn, labeller, origin FROM galcat.tag ORDER BY object_id"
    ).fetchall() == [tuple(row.values()) for row in rows]


def test_it_runs_in_the_callers_transaction(connection: psycopg.Connection) -> None:
    new = insert(survey).values(name="s", description="", bands=["r"], definition="")
    with connection.transaction(force_rollback=True), connection.cursor() as cursor:
        run(cursor, new)
        assert run(cursor, update(survey).values(description="d").returning(survey.c.name)).fetchall() == [
            ("s",)
        ]
    assert run(connection, select(survey.c.name)).fetchall() == []


def test_a_column_that_is_not_in_the_mirror_is_refused_before_postgres_sees_it(
    connection: psycopg.Connection,
) -> None:
    with pytest.raises(CompileError, match="no_such"):
        run(connection, insert(survey).values(name="s", no_such=1))
    with pytest.raises(AttributeError, match="no_such"):
        _ = survey.c.no_such
