"""Tasks and their columns in galcat.galaxy, which readers keep reading meanwhile."""

import threading
import time
from types import SimpleNamespace

import numpy as np
import psycopg
import pytest

from catalog.database import lock_retry
from catalog.database.connection import connect
from catalog.database.migrate import migrate
from catalog.database.read_only import run_query
from catalog.errors import TaskError
from catalog.tasks.labels import Label, write_labels
from catalog.tasks.tasks import add_task, find_task, hide_task, list_tasks, make_task, remove_task, show_task
from tests.catalog.galaxies import fill
from tests.catalog.tasks.scored_tasks import KIND, ODD, RING, columns, write_random_scores
from tests.waiting import wait_until

_OF_SOMEBODY = """
    CREATE ROLE somebody_galcat_test; CREATE SCHEMA mine;
    CREATE VIEW mine.bright AS SELECT object_id, mag_r, odd_interest FROM galcat.galaxy WHERE mag_r < 17;
    CREATE VIEW mine.count AS SELECT count(*) AS galaxies FROM mine.bright;
    COMMENT ON VIEW mine.bright IS 'The bright ones'; COMMENT ON COLUMN mine.bright.mag_r IS 'How bright';
    GRANT SELECT ON mine.bright TO somebody_galcat_test;
    CREATE FUNCTION mine.faintest() RETURNS real STABLE
        BEGIN ATOMIC SELECT max(mag_r) FROM mine.bright; END;
    CREATE FUNCTION mine.wide(g galcat.galaxy) RETURNS boolean LANGUAGE sql RETURN (g).mag_r < 17;
"""


@pytest.fixture
def filled(connection: psycopg.Connection) -> psycopg.Connection:
    fill(connection, 50)
    return connection


def test_a_task_gets_its_columns_behind_all_others(filled: psycopg.Connection) -> None:
    before = columns(filled)
    for task in (RING, KIND, ODD):
        assert add_task(filled, task)
        show_task(filled, task.name)
    assert columns(filled) == [
        *before,
        *("ring_probability", "ring_uncertainty"),
        *(
            f"kind_{name}_{what}"
            for name in ("disk", "ball", "other")
            for what in ("probability", "uncertainty")
        ),
        *("odd_interest", "odd_uncertainty"),
    ]
    answer = run_query(filled, "SELECT ring_probability, kind_ball_uncertainty FROM galcat.galaxy")
    assert answer.rows == [(None, None)] * 50


def test_what_stands_on_the_view_stays_when_a_column_goes(filled: psycopg.Connection) -> None:
    for task in (RING, ODD):
        add_task(filled, task)
        show_task(filled, task.name)
    filled.execute(_OF_SOMEBODY)
    state = (
        "SELECT pg_get_viewdef('mine.bright'::regclass), pg_get_viewdef('mine.count'::regclass), "
        "pg_get_functiondef('mine.faintest'::regproc), pg_get_functiondef('mine.wide'::regproc), "
        "obj_description('mine.bright'::regclass), col_description('mine.bright'::regclass, 2), "
        "has_table_privilege('somebody_galcat_test', 'mine.bright', 'SELECT'), "
        "has_table_privilege('galcat_reader', 'galcat.galaxy', 'SELECT'), "
        "(SELECT galaxies FROM mine.count), mine.faintest(), "
        "(SELECT pg_get_functiondef('galcat.records_of'::regproc))"
    )
    before = filled.execute(state).fetchone()
    assert hide_task(filled, "ring")
    assert filled.execute(state).fetchone() == before
    assert "ring_probability" not in columns(filled)
    filled.execute("DROP SCHEMA mine CASCADE; DROP ROLE somebody_galcat_test")


def test_a_column_that_somebodys_view_needs_is_not_dropped(filled: psycopg.Connection) -> None:
    add_task(filled, RING)
    show_task(filled, "ring")
    write_random_scores(filled, RING)
    filled.execute(
        "CREATE VIEW public.ringed AS SELECT object_id FROM galcat.galaxy WHERE ring_probability > 0.5"
    )
    with pytest.raises(TaskError, match=r"the columns of task ring are in use: .*ring_probability"):
        hide_task(filled, "ring")
    assert find_task(filled, "ring") == RING
    assert "ring_probability" in columns(filled)
    assert run_query(filled, "SELECT ring_probability FROM galcat.galaxy LIMIT 1").rows[0][0] is not None


@pytest.mark.parametrize(
    ("made", "named"),
    [
        ("CREATE TABLE public.saved (id int, g galcat.galaxy)", "column g of table public.saved"),
        (
            "CREATE FUNCTION public.n() RETURNS bigint STABLE "
            "BEGIN ATOMIC SELECT count(*) FROM galcat.galaxy; END; "
            "CREATE TABLE public.saved (id bigint DEFAULT public.n())",
            "column id of table public.saved",
        ),
        (
            "CREATE MATERIALIZED VIEW public.saved AS SELECT mag_r FROM galcat.galaxy",
            "public.saved stands on",
        ),
        (
            "CREATE VIEW public.saved AS SELECT mag_r FROM galcat.galaxy; "
            "CREATE FUNCTION public.t() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$; "
            "CREATE TRIGGER t INSTEAD OF INSERT ON public.saved FOR EACH ROW EXECUTE FUNCTION public.t()",
            "public.saved stands on",
        ),
    ],
    ids=["a row type", "a default", "a materialized view", "a trigger"],
)
def test_what_cannot_be_made_again_keeps_a_column_from_going(
    filled: psycopg.Connection, made: str, named: str
) -> None:
    add_task(filled, RING)
    show_task(filled, "ring")
    filled.execute(made.encode())
    with pytest.raises(TaskError, match=f"the columns of task ring are in use: .*{named}"):
        hide_task(filled, "ring")
    assert "ring_probability" in columns(filled)
    assert filled.execute("SELECT to_regclass('public.saved') IS NOT NULL").fetchone() == (True,)


def test_a_grant_on_a_column_of_somebodys_view_stays(filled: psycopg.Connection) -> None:
    add_task(filled, RING)
    show_task(filled, "ring")
    filled.execute(
        "CREATE VIEW public.bright AS SELECT object_id, mag_r FROM galcat.galaxy; "
        "GRANT SELECT (mag_r) ON public.bright TO galcat_labeller"
    )
    hide_task(filled, "ring")
    allowed = filled.execute(
        "SELECT has_column_privilege('galcat_labeller', 'public.bright', c, 'SELECT') "
        "FROM unnest(ARRAY['object_id', 'mag_r']) AS c"
    ).fetchall()
    assert allowed == [(False,), (True,)]


def test_a_task_that_nobody_labelled_can_be_removed_and_another_not(filled: psycopg.Connection) -> None:
    for task in (RING, ODD):
        add_task(filled, task)
    write_labels(
        filled,
        ODD,
        [Label(filled.execute("SELECT min(object_id) FROM galcat.source").fetchone()[0], 3)],
        "a",
        "t",
    )  # type: ignore[index]
    assert remove_task(filled, "ring")
    assert not remove_task(filled, "odd")
    assert [state.task.name for state in list_tasks(filled)] == ["odd"]


def test_the_role_of_a_connection_is_the_same_after_a_column_was_made(filled: psycopg.Connection) -> None:
    add_task(filled, RING)
    filled.execute("SET ROLE galcat_writer")
    show_task(filled, "ring")
    assert filled.execute("SELECT current_user").fetchone() == ("galcat_writer",)


@pytest.mark.parametrize("classes", [["a", "a b"], ["a", None], ["A", "b"], ["a,b", "c"]])
def test_the_database_refuses_classes_that_are_no_names(
    filled: psycopg.Connection, classes: list[str | None]
) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        filled.execute(
            "INSERT INTO galcat.task (name, question, kind, classes) VALUES ('x', '?', 'binary', %s)",
            [classes],
        )


def test_what_a_task_means_cannot_be_changed_by_the_writer(filled: psycopg.Connection) -> None:
    add_task(filled, RING)
    filled.execute("SET ROLE galcat_writer")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        filled.execute("UPDATE galcat.task SET classes = '{yes,no}'")


def test_a_task_that_was_hidden_comes_back_without_scores(filled: psycopg.Connection) -> None:
    add_task(filled, RING)
    show_task(filled, "ring")
    write_random_scores(filled, RING)
    assert hide_task(filled, "ring")
    assert not hide_task(filled, "ring")
    show_task(filled, "ring")
    assert run_query(filled, "SELECT ring_probability FROM galcat.galaxy").rows == [(None,)] * 50


def test_a_migration_keeps_the_columns_of_tasks(database: str) -> None:
    with connect(database, autocommit=True) as connection:
        fill(connection, 50)
        add_task(connection, RING)
        show_task(connection, "ring")
        values = write_random_scores(connection, RING)
        connection.execute("UPDATE galcat.schema_history SET sha256 = '' WHERE file NOT LIKE 'migrations/%'")
        migrate(database)
        found = run_query(connection, "SELECT ring_probability FROM galcat.galaxy ORDER BY object_id")
    np.testing.assert_array_equal(np.array(found.rows, np.float32), values)


def test_a_column_comes_once_the_reader_in_front_of_it_is_done(database: str) -> None:
    with connect(database, autocommit=True) as connection, connect(database) as reader:
        fill(connection, 50)
        add_task(connection, RING)
        reader.execute("SELECT count(*) FROM galcat.galaxy")
        done = threading.Timer(1.5, reader.rollback)
        done.start()
        show_task(connection, "ring")
        done.join()
        assert "ring_probability" in columns(connection)


def test_a_column_waits_for_a_reader_and_lets_others_read_meanwhile(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long reader in small: it holds the view for longer than the writer is patient.

    Between two attempts the writer pauses here until another reader has got through, which it only does
    where the writer gives way.
    """
    monkeypatch.setattr(lock_retry, "ATTEMPTS", 4)
    reads: list[object] = []

    def pause(_seconds: float) -> None:
        before = len(reads)
        wait_until(lambda: len(reads) > before + 1, "a read while the writer pauses")  # one was under way

    monkeypatch.setattr(lock_retry, "time", SimpleNamespace(monotonic=time.monotonic, sleep=pause))
    with connect(database, autocommit=True) as connection, connect(database) as reader:
        fill(connection, 50)
        add_task(connection, RING)
        add_task(connection, ODD)
        show_task(connection, "odd")
        reader.execute("SELECT count(*) FROM galcat.galaxy")
        stop = threading.Event()

        def read_on() -> None:
            with connect(database, autocommit=True) as other:
                while not stop.is_set():
                    reads.append(other.execute("SELECT count(*) FROM galcat.galaxy").fetchone())

        thread = threading.Thread(target=read_on)
        thread.start()
        with pytest.raises(TaskError, match="others held the catalogue's tables"):
            show_task(connection, "ring")
        stop.set()
        thread.join()
        assert "ring_probability" not in columns(connection)
        assert len(reads) >= 3 * 2
        assert set(reads) == {(50,)}
        write_random_scores(connection, ODD)  # a new version waits for nobody
        reader.rollback()
        show_task(connection, "ring")
        assert "ring_probability" in columns(connection)


@pytest.mark.parametrize(
    ("name", "classes", "message"),
    [
        ("Ring", (), "task 'Ring' is no name for a column"),
        ('ring"; DROP TABLE', (), "is no name for a column"),
        ("", (), "task '' is no name for a column"),
        ("r" * 31, (), "is no name for a column"),
        ("ring", ("yes", "it's"), 'class of task ring "it\'s" is no name for a column'),
        ("ring", ("yes",), "task ring has the one class yes: there is nothing to tell apart"),
        ("ring", ("yes", "no", "yes"), "task ring: class yes is given twice"),
        ("r" * 30, ("no", "y" * 25), "with class y+ its column's name is too long"),
    ],
)
def test_a_task_with_an_impossible_name_is_refused(name: str, classes: tuple[str, ...], message: str) -> None:
    with pytest.raises(TaskError, match=message):
        make_task(name, "Is it?", classes)


@pytest.mark.parametrize("name", ["select", "user", "order", "table"])
def test_a_task_may_be_called_as_a_word_of_sql(filled: psycopg.Connection, name: str) -> None:
    task = make_task(name, "Is it?", ())
    add_task(filled, task)
    show_task(filled, name)
    values = write_random_scores(filled, task)
    found = run_query(filled, f"SELECT {name}_probability FROM galcat.galaxy ORDER BY object_id")
    np.testing.assert_array_equal(np.array(found.rows, np.float32), values)


def test_a_column_that_is_there_already_is_not_made_twice(filled: psycopg.Connection) -> None:
    add_task(filled, KIND)
    add_task(filled, make_task("kind_disk", "Is it a disk?", ()))
    show_task(filled, "kind")
    with pytest.raises(TaskError, match=r'task kind_disk cannot have its columns .*"kind_disk_probability"'):
        show_task(filled, "kind_disk")
    assert [state.has_column for state in list_tasks(filled)] == [True, False]


def test_a_task_is_made_once(filled: psycopg.Connection) -> None:
    assert add_task(filled, RING)
    assert not add_task(filled, RING)
    with pytest.raises(TaskError, match=r"there is another task ring: 'Has it a ring\?', no, yes"):
        add_task(filled, make_task("ring", "Rings a bell?", ()))
    with pytest.raises(TaskError, match="no task is called 'rung'; there are: ring"):
        find_task(filled, "rung")
