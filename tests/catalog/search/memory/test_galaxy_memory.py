"""Searches by what is held in memory: what brute force gives, whatever is written meanwhile.

The vectors lie on the grid of test_search, on which every distance is exact in any order of its sums.
"""

import dataclasses
import threading
from collections.abc import Iterator

import numpy as np
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql

from catalog.database.connection import connect
from catalog.database.read_only import read_transaction
from catalog.errors import QueryError
from catalog.ingestion.records import GalaxyRows
from catalog.ingestion.retraction import retract_tile
from catalog.ingestion.writer import write_tile
from catalog.releases.promotion import promote_release
from catalog.releases.releases import register_release
from catalog.search.memory import galaxy_memory, held
from catalog.search.memory.galaxy_memory import GalaxyMemory
from catalog.search.request import Cone, Search, SqlCondition
from catalog.search.search import search, search_within
from tests.catalog.galaxies import fill, galaxy_rows, release_record, tile_record
from tests.catalog.search.memory.test_condition_reader import CONDITIONS
from tests.sizes import fuzzing

N = 1_500
STEP = 1 / 256

Rows = list[tuple[int, float]]


def on_grid(rows: GalaxyRows) -> GalaxyRows:
    return dataclasses.replace(rows, search=(np.round(rows.search / STEP) * STEP).astype(np.float32))


def fill_on_grid(connection: psycopg.Connection, n: int = N) -> tuple[int, int]:
    survey_id, release_id = fill(connection, 1)
    rows = on_grid(galaxy_rows(n, seed=0))
    write_tile(connection, survey_id, release_id, tile_record(content_hash="all"), rows, [])
    return survey_id, release_id


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hold small catalogues too, and read them anew at once."""
    monkeypatch.setattr(galaxy_memory, "MIN_GALAXIES", 1)
    monkeypatch.setattr(galaxy_memory, "_PATIENCE_S", 0.0)
    monkeypatch.setattr(galaxy_memory, "_PATIENCE", 0.0)


@pytest.fixture
def memory(database: str) -> Iterator[GalaxyMemory]:
    """Galaxies in memory, once `start` is called."""
    made = GalaxyMemory(database, 10**9)
    yield made
    made.close()


def found(connection: psycopg.Connection, wanted: Search, memory: GalaxyMemory | None) -> Rows:
    rows = search(connection, dataclasses.replace(wanted, columns=()), memory).rows
    return [(int(str(row[0])), float(str(row[1]))) for row in rows]


def brute_force(connection: psycopg.Connection, wanted: Search) -> Rows:
    """Every galaxy sorted by Postgres, in one statement of the test's own."""
    conditions = [f"({wanted.where}\n)"] if wanted.where else []
    if wanted.cone is not None:
        conditions.append("galcat.sky_distance(ra, dec, %r, %r, ) <= %r".replace(", )", ")") % wanted.cone)
    query = (
        "SELECT object_id, (search <-> (SELECT galcat.vector_of_many(%s::bigint[], '{}'))) + 0.0 "
        "FROM galcat.galaxy WHERE "
        + " AND ".join([*(text.replace("%", "%%") for text in conditions), "object_id <> ALL (%s)"])
        + " ORDER BY 2, 1 LIMIT %s"
    )
    known = list(wanted.known)
    return connection.execute(query.encode(), [known, known, wanted.n]).fetchall()


def start(memory: GalaxyMemory) -> None:
    memory.start()
    assert memory.wait().phase == "held"


def fill_and_start(connection: psycopg.Connection, memory: GalaxyMemory) -> tuple[int]:
    """Hold galaxies on a grid; returns the first one's object_id, to ask by."""
    fill_on_grid(connection)
    start(memory)
    first = connection.execute("SELECT min(object_id) FROM galcat.galaxy").fetchone()
    assert first is not None
    return (int(first[0]),)


CONES = st.one_of(
    st.none(),
    st.builds(
        Cone,
        st.floats(0, 360, exclude_max=True),
        st.floats(-90, 90),
        st.sampled_from([0, 0.01, 0.25, 1.0, 10.0, 60.0, 180.0]),
    ),
)


@pytest.mark.fuzz
def test_every_answer_is_that_of_brute_force_under_any_condition(
    connection: psycopg.Connection, memory: GalaxyMemory
) -> None:
    fill_on_grid(connection)
    start(memory)
    ids = [row[0] for row in connection.execute("SELECT object_id FROM galcat.galaxy ORDER BY 1").fetchall()]

    @fuzzing(100)
    @given(st.sampled_from(ids), st.integers(1, 60), CONES, st.one_of(st.just(""), CONDITIONS), st.booleans())
    def run(like: int, n: int, cone: Cone | None, where: str, exact: bool) -> None:
        wanted = Search(like=(like,), n=n, cone=cone, where=where, exact=exact)
        answer = search(connection, wanted, memory)
        assert answer.is_exact
        assert found(connection, wanted, memory) == brute_force(connection, wanted)

    run()


def test_what_memory_cannot_tell_is_asked_page_by_page(
    connection: psycopg.Connection, memory: GalaxyMemory
) -> None:
    like = fill_and_start(connection, memory)
    for where in (
        "survey_source_id LIKE '%3'",
        "mag_r + 1 < 17",
        "survey = 'none'",
        "ra < 90 OR tile LIKE 't%'",
    ):
        wanted = Search(like=(like[0],), n=40, where=where)
        assert found(connection, wanted, memory) == brute_force(connection, wanted)


def test_every_answer_is_of_its_own_moment_whatever_was_written(
    connection: psycopg.Connection, memory: GalaxyMemory, database: str
) -> None:
    survey_id, release_id = fill_on_grid(connection)
    start(memory)
    like = connection.execute("SELECT min(object_id) FROM galcat.galaxy").fetchone()
    assert like is not None
    wanted = Search(like=like, n=30, where="mag_r < 17.5")

    def agree() -> Rows:
        rows = found(connection, wanted, memory)
        assert rows == brute_force(connection, wanted)
        return rows

    seen = [agree()]
    # New galaxies, among them nearer ones than any.
    near = on_grid(galaxy_rows(200, seed=5, prefix="near"))
    vector = connection.execute("SELECT search FROM galcat.galaxy WHERE object_id = %s", like).fetchone()
    assert vector is not None
    near.search[:20] = vector[0].to_numpy()
    near.magnitudes["r"][:20] = 15
    write_tile(connection, survey_id, release_id, tile_record("near"), near, [])
    seen.append(agree())
    assert [row[1] for row in seen[-1]][:20] == [0] * 20
    assert memory.state.changed == 200
    # Galaxies change: magnitudes, votes, vectors, places.
    connection.execute("UPDATE galcat.source SET mag_r = 20 WHERE object_id = %s", [seen[-1][0][0]])
    seen.append(agree())
    connection.execute(
        "UPDATE galcat.embedding SET search = "
        "(SELECT search FROM galcat.embedding WHERE object_id = %s LIMIT 1) "
        "WHERE object_id = (SELECT max(object_id) FROM galcat.galaxy WHERE mag_r < 17.5)",
        like,
    )
    seen.append(agree())
    # One galaxy goes, a tile, and comes back.
    connection.execute("UPDATE galcat.source SET is_retired = true WHERE object_id = %s", [seen[-1][3][0]])
    seen.append(agree())
    connection.execute("UPDATE galcat.source SET is_retired = false WHERE object_id = %s", [seen[-2][3][0]])
    assert agree() == seen[-2]
    with connection.transaction():
        retract_tile(connection, "near")
    seen.append(agree())
    connection.execute("VACUUM galcat.embedding")
    assert agree() == seen[-1]
    # What another session has not committed is not there, then it is.
    with connect(database) as other:
        other.execute("UPDATE galcat.source SET mag_r = 15 WHERE mag_r > 17.5")
        assert agree() == seen[-1]
        write_tile(connection, survey_id, release_id, tile_record("later"), galaxy_rows(9, 6, "later"), [])
        agree()
        other.commit()
        assert agree() != seen[-1]
    assert len({tuple(rows) for rows in seen}) == len(seen)
    assert memory.state.changed > 0


def test_a_transaction_that_began_before_is_not_told_of_what_came_later(
    connection: psycopg.Connection, memory: GalaxyMemory, database: str
) -> None:
    survey_id, release_id = fill_on_grid(connection)
    start(memory)
    like = connection.execute("SELECT min(object_id) FROM galcat.galaxy").fetchone()
    assert like is not None
    wanted = Search(like=like, n=30, columns=())
    before = found(connection, wanted, memory)
    with connect(database, autocommit=True) as older, read_transaction(older):
        older.execute("SELECT count(*) FROM galcat.release")  # from here on it sees one moment
        connection.execute("UPDATE galcat.source SET is_retired = true WHERE object_id = %s", [before[0][0]])
        write_tile(connection, survey_id, release_id, tile_record("more"), galaxy_rows(300, 7, "more"), [])
        after = found(connection, wanted, memory)
        assert after == brute_force(connection, wanted) != before
        assert [(row[0], row[1]) for row in search_within(older, wanted, memory).rows] == before
    assert found(connection, wanted, memory) == after


def test_where_statements_of_a_transaction_see_different_moments_memory_is_not_asked(
    connection: psycopg.Connection, memory: GalaxyMemory
) -> None:
    fill_on_grid(connection)
    start(memory)
    with connection.transaction():  # READ COMMITTED
        assert memory.find_held(connection) is None
    with read_transaction(connection):
        assert memory.find_held(connection) is not None


def test_another_release_is_read_when_it_is_promoted(
    connection: psycopg.Connection, memory: GalaxyMemory
) -> None:
    survey_id, _ = fill_on_grid(connection)
    start(memory)
    second = register_release(connection, release_record("second"))
    write_tile(
        connection, survey_id, second, tile_record(content_hash="all"), on_grid(galaxy_rows(N, seed=3)), []
    )
    like = connection.execute("SELECT min(object_id) FROM galcat.galaxy").fetchone()
    assert like is not None
    wanted = Search(like=like, n=30, where="mag_r < 17")
    first = found(connection, wanted, memory)
    promote_release(connection, "second", force=True)
    assert found(connection, wanted, memory) == brute_force(connection, wanted) != first
    assert memory.wait().phase == "held"
    with read_transaction(connection):
        assert memory.find_held(connection) is not None
    assert found(connection, wanted, memory) == brute_force(connection, wanted)


@pytest.mark.parametrize("is_beside_another", [False, True])
def test_where_too_much_changed_everything_is_read_anew(
    connection: psycopg.Connection,
    memory: GalaxyMemory,
    database: str,
    monkeypatch: pytest.MonkeyPatch,
    is_beside_another: bool,
) -> None:
    fill_on_grid(connection)
    monkeypatch.setattr(held, "MAX_CHANGED", 100)
    like = connection.execute("SELECT min(object_id) FROM galcat.galaxy").fetchone()
    assert like is not None
    wanted = Search(like=like, n=30, where="mag_r < 17")
    with connect(database) as other:
        if is_beside_another:  # a transaction that goes on: later ones are not settled
            other.execute("SELECT pg_current_xact_id()")
        start(memory)
        for change in ("UPDATE galcat.source SET mag_r = mag_r + 0.5", "SELECT galcat.forget_changes(0)"):
            connection.execute(change.encode())
            assert found(connection, wanted, memory) == brute_force(connection, wanted)
            assert memory.wait().changed == 0
            with read_transaction(connection):
                assert memory.find_held(connection) is not None
            assert found(connection, wanted, memory) == brute_force(connection, wanted)


def test_off_too_large_and_too_few_are_said_and_searches_go_on(
    connection: psycopg.Connection, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_on_grid(connection, 50)
    like = connection.execute("SELECT min(object_id) FROM galcat.galaxy").fetchone()
    assert like is not None
    wanted = Search(like=like, n=5)
    for max_bytes, phase in ((0, "off"), (1_000, "too_large")):
        memory = GalaxyMemory(database, max_bytes)
        memory.start()
        assert memory.wait().phase == phase
        assert found(connection, wanted, memory) == brute_force(connection, wanted)
        memory.close()
    assert "GALCAT_SEARCH_MEMORY_GB" in memory._judge_size(connection).reason
    monkeypatch.setattr(galaxy_memory, "MIN_GALAXIES", 51)
    memory = GalaxyMemory(database)
    memory.start()
    assert memory.wait().phase == "empty"
    memory.close()


def test_faults_are_told_as_without_memory(connection: psycopg.Connection, memory: GalaxyMemory) -> None:
    fill_on_grid(connection, 50)
    start(memory)
    like = connection.execute("SELECT min(object_id) FROM galcat.galaxy").fetchone()
    assert like is not None
    for wanted in (
        Search(like=like, where="no_such_column < 1"),
        Search(like=like, where="mag_r <"),
        Search(like=like, cone=Cone(0, 0, 200)),
        Search(like=like, cone=Cone(0, 91, 1)),
        Search(like=(5,)),
        Search(like=np.zeros(3, np.float32)),
        Search(like=like, columns=("none",)),
    ):
        messages = []
        for held_or_not in (None, memory):
            with pytest.raises(QueryError) as refused:
                search(connection, wanted, held_or_not)
            messages.append(str(refused.value))
        assert messages[0] == messages[1]


def test_a_condition_made_elsewhere_is_read_with_its_parameters(
    connection: psycopg.Connection, memory: GalaxyMemory
) -> None:
    like = fill_and_start(connection, memory)
    text = sql.SQL('"t1"."mag_r" < %(p1)s::integer AND "t1"."survey" = %(p2)s::text')
    made = SqlCondition(text, {"p1": 17, "p2": "survey"}, "t1")
    wanted = Search(like=like, n=20, where="mag_r < 17 AND survey = 'survey'")
    assert found(connection, dataclasses.replace(wanted, where=made), memory) == brute_force(
        connection, wanted
    )


@pytest.mark.fuzz
def test_answers_beside_writers_are_those_of_brute_force_of_the_same_moment(
    connection: psycopg.Connection, memory: GalaxyMemory, database: str
) -> None:
    survey_id, release_id = fill_on_grid(connection, 600)
    start(memory)
    like = connection.execute("SELECT min(object_id) FROM galcat.galaxy").fetchone()
    assert like is not None
    is_over = threading.Event()
    faults: list[BaseException] = []

    def write(seed: int) -> None:
        rng = np.random.default_rng(seed)
        try:
            with connect(database, autocommit=True) as writer:
                for i in range(12):
                    n = int(rng.integers(1, 60))
                    rows = on_grid(galaxy_rows(n, seed=100 * seed + i, prefix=f"s{seed}-"))
                    tile = tile_record(f"t{seed}", content_hash=str(i))
                    write_tile(writer, survey_id, release_id, tile, rows, [])
                    if i % 5 == 4:
                        with writer.transaction():
                            retract_tile(writer, f"t{seed}")
        except BaseException as error:  # noqa: BLE001 - told to the test
            faults.append(error)

    writers = [threading.Thread(target=write, args=(seed,)) for seed in (1, 2)]
    for writer in writers:
        writer.start()
    asked = 0
    with connect(database, autocommit=True) as reader:
        while not is_over.is_set() or asked < 20:
            if not any(writer.is_alive() for writer in writers):
                is_over.set()
            where = ("mag_r < 17", "", "dec > 0 AND NOT mag_r > 18", "survey_source_id LIKE '%1%'")[asked % 4]
            wanted = Search(like=like, n=25, where=where, columns=())
            with read_transaction(reader):
                rows = [(row[0], row[1]) for row in search_within(reader, wanted, memory).rows]
                assert rows == brute_force(reader, wanted)
            asked += 1
    for writer in writers:
        writer.join()
    assert faults == []
    assert memory.state.changed > 0
