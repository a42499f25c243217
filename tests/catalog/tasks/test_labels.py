"""Labels and tags: plain INSERTs of a labeller, checked by the database; history that stays."""

import uuid
from collections.abc import Iterator

import numpy as np
import psycopg
import pytest

from catalog.database.connection import connect
from catalog.errors import LabelError
from catalog.tasks.labels import Label, count_votes, read_mean_ratings, write_labels, write_tags
from catalog.tasks.tasks import Task, add_task, list_tasks, make_task
from tests.catalog.galaxies import fill

RING = make_task("ring", "Has it a ring?", ())
ODD = Task("odd", "How odd is it?", "interest", ())


@pytest.fixture
def labelled(database: str) -> Iterator[tuple[psycopg.Connection, list[int]]]:
    """A connection that acts as a labeller, and the galaxies."""
    with connect(database, autocommit=True) as connection:
        fill(connection, 20)
        add_task(connection, RING)
        add_task(connection, ODD)
        ids = [row[0] for row in connection.execute("SELECT object_id FROM galcat.source ORDER BY 1")]
        connection.execute("SET ROLE galcat_labeller")
        yield connection, ids


def test_a_labeller_inserts_plainly_and_everybody_reads_it(
    labelled: tuple[psycopg.Connection, list[int]],
) -> None:
    connection, ids = labelled
    connection.execute(
        "INSERT INTO galcat.label (task, object_id, answer) VALUES ('ring', %s, 'yes'), ('ring', %s, 'no')",
        ids[:2],
    )
    connection.execute("INSERT INTO galcat.label (task, object_id, rating) VALUES ('odd', %s, 4.5)", ids[:1])
    connection.execute("INSERT INTO galcat.tag (object_id, tag) VALUES (%s, '#Diffuse')", ids[:1])
    connection.execute("SET ROLE galcat_reader")
    rows = connection.execute(
        "SELECT task, object_id, answer, rating, labeller, origin FROM galcat.current_label ORDER BY label_id"
    ).fetchall()
    assert rows == [
        ("ring", ids[0], "yes", None, "galcat_labeller", "sql"),
        ("ring", ids[1], "no", None, "galcat_labeller", "sql"),
        ("odd", ids[0], None, 4.5, "galcat_labeller", "sql"),
    ]
    tags = connection.execute("SELECT object_id, tag, labeller FROM galcat.current_tag").fetchall()
    assert tags == [(ids[0], "diffuse", "galcat_labeller")]


@pytest.mark.parametrize(
    ("columns", "values", "message"),
    [
        ("task, object_id, answer", "'rung', ID, 'yes'", "no task is called rung"),
        ("task, object_id, answer", "'ring', 12345, 'yes'", "no galaxy has object_id 12345"),
        ("task, object_id, answer", "'ring', NULL, 'yes'", "no galaxy has object_id NULL"),
        (
            "task, object_id, answer",
            "'ring', ID, 'maybe'",
            "answer maybe of galaxy ID is not one of task ring: no, yes",
        ),
        ("task, object_id, rating", "'ring', ID, 1", "task ring takes an answer \\(no, yes\\), not a rating"),
        (
            "task, object_id, answer",
            "'odd', ID, 'yes'",
            "task odd takes a rating of 0 to 5, not the answer yes",
        ),
        ("task, object_id, rating", "'odd', ID, 'NaN'", "rating NaN of galaxy ID is not between 0 and 5"),
        ("task, object_id, rating", "'odd', ID, 5.5", "rating 5.5 of galaxy ID is not between 0 and 5"),
        ("task, object_id, rating", "'odd', ID, -1", "rating -1 of galaxy ID is not between 0 and 5"),
        (
            "task, object_id, answer, labeller",
            "'ring', ID, 'yes', 'eve'",
            "labeller eve is not you, galcat_labeller",
        ),
    ],
)
def test_a_label_that_does_not_fit_is_refused_in_one_line(
    labelled: tuple[psycopg.Connection, list[int]], columns: str, values: str, message: str
) -> None:
    connection, ids = labelled
    identity = str(ids[3])
    query = f"INSERT INTO galcat.label ({columns}) VALUES ({values})".replace("ID", identity)
    with pytest.raises(psycopg.Error, match=message.replace("ID", identity)):
        connection.execute(query.encode())
    assert connection.execute("SELECT count(*) FROM galcat.label").fetchone() == (0,)


@pytest.mark.parametrize(
    ("tag", "galaxy", "message"),
    [
        ("two words", 0, "tag 'two words' is not a word"),
        ("#", 0, "tag '' is not a word"),
        ("x", None, "no galaxy"),
    ],
)
def test_a_tag_that_is_no_word_is_refused(
    labelled: tuple[psycopg.Connection, list[int]], tag: str, galaxy: int | None, message: str
) -> None:
    connection, ids = labelled
    with pytest.raises(psycopg.Error, match=message):
        connection.execute(
            "INSERT INTO galcat.tag (object_id, tag) VALUES (%s, %s)",
            [7 if galaxy is None else ids[galaxy], tag],
        )


@pytest.mark.parametrize(
    ("columns", "values"),
    [("label_id", "9223372036854775807"), ("labelled_at", "'3000-01-01'"), ("origin", "'an expert'")],
)
def test_a_labeller_chooses_neither_number_nor_time_nor_origin(
    labelled: tuple[psycopg.Connection, list[int]], columns: str, values: str
) -> None:
    connection, ids = labelled
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(
            f"INSERT INTO galcat.label (task, object_id, answer, {columns}) OVERRIDING SYSTEM VALUE "
            f"VALUES ('ring', {ids[0]}, 'yes', {values})".encode()
        )


def test_not_even_a_writer_chooses_which_word_is_the_last(
    labelled: tuple[psycopg.Connection, list[int]],
) -> None:
    connection, ids = labelled
    connection.execute("SET ROLE galcat_writer")
    for table, columns, values in (
        ("label", "label_id, task, object_id, answer", "9223372036854775807, 'ring', %s, 'yes'"),
        ("tag", "tag_id, object_id, tag", "9223372036854775807, %s, 'diffuse'"),
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(
                f"INSERT INTO galcat.{table} ({columns}) OVERRIDING SYSTEM VALUE VALUES ({values})".encode(),
                ids[:1],
            )


def test_a_labeller_has_one_voice_whatever_role_was_taken(
    labelled: tuple[psycopg.Connection, list[int]], database: str
) -> None:
    connection, ids = labelled
    connection.execute("RESET ROLE")
    person = f"person_{uuid.uuid4().hex[:8]}"
    connection.execute(f"CREATE ROLE {person} LOGIN IN ROLE galcat_labeller".encode())
    try:
        with psycopg.connect(database, user=person, autocommit=True) as own:
            insert = "INSERT INTO galcat.label (task, object_id, answer) VALUES ('ring', %s, 'yes')"
            own.execute(insert.encode(), ids[:1])
            own.execute("SET ROLE galcat_labeller")
            with pytest.raises(psycopg.errors.InsufficientPrivilege) as refused:
                own.execute(insert.encode(), ids[:1])
            said = str(refused.value).splitlines()[0]
            assert said == f"labeller galcat_labeller is not you, {person}"
        assert connection.execute("SELECT labeller FROM galcat.current_label").fetchall() == [(person,)]
    finally:
        connection.execute(f"DROP ROLE {person}".encode())


def test_nobody_labels_in_the_future(labelled: tuple[psycopg.Connection, list[int]]) -> None:
    connection, ids = labelled
    connection.execute("SET ROLE galcat_writer")
    connection.execute(
        "INSERT INTO galcat.label (task, object_id, answer, labelled_at) "
        "VALUES ('ring', %s, 'yes', 'infinity')",
        ids[:1],
    )
    assert connection.execute("SELECT labelled_at <= clock_timestamp() FROM galcat.label").fetchone() == (
        True,
    )


@pytest.mark.parametrize("statement", ["UPDATE galcat.label SET answer = 'no'", "DELETE FROM galcat.label"])
@pytest.mark.parametrize("role", ["galcat_labeller", "galcat_writer", "postgres"])
def test_nobody_overwrites_history(
    labelled: tuple[psycopg.Connection, list[int]], statement: str, role: str
) -> None:
    connection, ids = labelled
    connection.execute(
        "INSERT INTO galcat.label (task, object_id, answer) VALUES ('ring', %s, 'yes')", ids[:1]
    )
    connection.execute(f"SET ROLE {role}".encode())
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement.encode())
    assert connection.execute("SELECT answer FROM galcat.label").fetchall() == [("yes",)]


def test_the_last_word_of_each_person_counts(labelled: tuple[psycopg.Connection, list[int]]) -> None:
    connection, ids = labelled
    connection.execute("SET ROLE galcat_writer")
    said = [
        Label(ids[0], "yes", "ann"),
        Label(ids[0], "no", "ann"),
        Label(ids[0], "yes", "bob"),
        Label(ids[1], "yes", "ann"),
        Label(ids[2], "yes"),
        Label(ids[1], None, "ann"),
    ]
    assert write_labels(connection, RING, said, "cat", "test") == 6
    votes = count_votes(connection, RING)
    assert votes.object_ids.tolist() == [ids[0], ids[2]]
    assert votes.votes.tolist() == [[1, 1], [0, 1]]
    assert votes.labels_seen == 6
    (state, other) = list_tasks(connection)
    assert (state.labels, state.galaxies, state.per_class) == (6, 2, {"yes": 2, "no": 1})
    assert (other.labels, other.galaxies, other.per_class) == (0, 0, {})


def test_the_same_labels_again_are_not_said_twice(labelled: tuple[psycopg.Connection, list[int]]) -> None:
    connection, ids = labelled
    connection.execute("SET ROLE galcat_writer")
    said = [Label(identity, i / 4) for i, identity in enumerate(ids)]
    assert write_labels(connection, ODD, said, "cat", "test") == 20
    assert write_labels(connection, ODD, said, "cat", "test") == 0
    assert write_labels(connection, ODD, [Label(ids[0], 3.0)], "cat", "test") == 1
    assert write_labels(connection, ODD, [Label(ids[0], 1.0)], "dog", "test") == 1
    found = read_mean_ratings(connection, ODD)
    np.testing.assert_array_equal(found.object_ids, ids)
    np.testing.assert_array_equal(found.ratings, [2.0, *(i / 4 for i in range(1, 20))])
    assert found.labels_seen == 22


def test_one_wrong_label_keeps_all_of_its_list_out(labelled: tuple[psycopg.Connection, list[int]]) -> None:
    connection, ids = labelled
    connection.execute("SET ROLE galcat_writer")
    with pytest.raises(LabelError, match="no galaxy has object_id 5"):
        write_labels(connection, RING, [Label(ids[0], "yes"), Label(5, "yes")], "cat", "test")
    assert connection.execute("SELECT count(*) FROM galcat.label").fetchone() == (0,)


def test_a_tag_is_taken_off_again(labelled: tuple[psycopg.Connection, list[int]]) -> None:
    connection, ids = labelled
    connection.execute("SET ROLE galcat_writer")
    for who in ("ann", "bob"):
        write_tags(connection, ids[:2], "#ring", who)
    write_tags(connection, ids[:1], "ring", "ann", withdraw=True)
    rows = connection.execute(
        "SELECT object_id, tag, labeller FROM galcat.current_tag ORDER BY tag_id"
    ).fetchall()
    assert rows == [(ids[1], "ring", "ann"), (ids[0], "ring", "bob"), (ids[1], "ring", "bob")]
    with pytest.raises(LabelError, match="is not a word"):
        write_tags(connection, ids[:1], "a b", "ann")
    with pytest.raises(LabelError, match="no galaxy has object_id 5"):
        write_tags(connection, [ids[3], 5], "odd", "ann")
    assert connection.execute("SELECT count(*) FROM galcat.tag WHERE tag = 'odd'").fetchone() == (0,)


def test_a_retired_galaxy_keeps_its_labels_and_teaches_nothing(
    labelled: tuple[psycopg.Connection, list[int]],
) -> None:
    connection, ids = labelled
    connection.execute("SET ROLE galcat_writer")
    write_labels(connection, RING, [Label(ids[0], "yes"), Label(ids[1], "no")], "cat", "test")
    connection.execute("UPDATE galcat.source SET is_retired = true WHERE object_id = %s", [ids[0]])
    assert count_votes(connection, RING).object_ids.tolist() == [ids[1]]
    assert connection.execute("SELECT count(*) FROM galcat.current_label").fetchone() == (2,)
    with pytest.raises(LabelError, match="no galaxy has object_id"):
        write_labels(connection, RING, [Label(ids[0], "no")], "cat", "test")
