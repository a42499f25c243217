"""The plan of every query shape, as the reader, with an empty search_path and 30 task columns in the view."""

from collections.abc import Iterator
from importlib import resources

import numpy as np
import psycopg
import pytest

from catalog.database.connection import connect
from catalog.database.read_only import read_transaction, run_query
from catalog.ingestion.records import object_id
from catalog.releases.releases import build_search_index, refresh_statistics
from catalog.search.request import Cone, Search
from catalog.search.search import search
from catalog.tasks.model_versions import NewVersion, write_version
from catalog.tasks.tasks import add_task, make_task, show_task
from tests.catalog.galaxies import fill
from tests.databases import fresh_database

N = 10_000
TASKS = 30
IDENTITY = object_id("survey", "g0")
VECTOR_INDEX, SKY_INDEX, ID_INDEX = "embedding_r1_search_hnsw", "source_sky", "source_pkey"
CUT_INDEX, MAGNITUDE_INDEX, HEALPIX_INDEX = "merging_merger", "source_mag_r", "source_healpix29"
SHAPES = {
    "vector_of": (
        VECTOR_INDEX,
        "SELECT object_id FROM galcat.galaxy "
        "ORDER BY search OPERATOR(public.<->) galcat.vector_of({id}) LIMIT 10",
    ),
    "a sub-select": (
        VECTOR_INDEX,
        "WITH mine AS (SELECT search FROM galcat.galaxy ORDER BY mag_r LIMIT 1) SELECT object_id, "
        "search OPERATOR(public.<->) (SELECT search FROM mine) AS d FROM galcat.galaxy ORDER BY d LIMIT 10",
    ),
    "every column, a cut, a task": (
        VECTOR_INDEX,
        "SELECT * FROM galcat.galaxy WHERE mag_r < 18.5 AND bar_no_fraction < 0.9 "
        "AND task_7_probability < 0.9 "
        "ORDER BY search OPERATOR(public.<->) galcat.vector_of({id}) LIMIT 10",
    ),
    "neighbours": (VECTOR_INDEX, "SELECT object_id FROM galcat.neighbours({id}) ORDER BY distance LIMIT 10"),
    "neighbours and a cut": (
        VECTOR_INDEX,
        "SELECT g.ra FROM galcat.neighbours({id}) AS n JOIN galcat.galaxy AS g USING (object_id) "
        "WHERE g.mag_r < 18 ORDER BY n.distance LIMIT 10",
    ),
    "similar_to": (VECTOR_INDEX, "SELECT * FROM galcat.similar_to({id}, 10)"),
    "similar_to_many": (VECTOR_INDEX, "SELECT * FROM galcat.similar_to_many('{{{id}}}', '{{}}', 10)"),
    "similar_to_vector": (
        VECTOR_INDEX,
        "SELECT * FROM galcat.similar_to_vector(array_fill(0.1::real, ARRAY[40]), 10)",
    ),
    "cone": (SKY_INDEX, "SELECT * FROM galcat.galaxy WHERE galcat.cone(ra, dec, 10, 20, 0.1)"),
    "box": (SKY_INDEX, "SELECT * FROM galcat.galaxy WHERE galcat.in_box(ra, dec, 10, 11, 20, 21)"),
    "polygon": (
        SKY_INDEX,
        "SELECT * FROM galcat.galaxy WHERE galcat.in_polygon(ra, dec, '{{10,20,11,20,11,21}}')",
    ),
    "MOC": (
        HEALPIX_INDEX,
        "SELECT * FROM galcat.galaxy WHERE galcat.in_moc(healpix29, galcat.moc_of(8, '{{12,13}}'))",
    ),
    "cone around a galaxy": (
        SKY_INDEX,
        "SELECT g.* FROM galcat.galaxy AS mine JOIN galcat.galaxy AS g "
        "ON galcat.cone(g.ra, g.dec, mine.ra, mine.dec, 0.1) WHERE mine.object_id = {id} "
        "ORDER BY g.search OPERATOR(public.<->) mine.search LIMIT 10",
    ),
    "an id": (ID_INDEX, "SELECT * FROM galcat.galaxy WHERE object_id = {id}"),
    "a rare vote": (
        CUT_INDEX,
        "SELECT * FROM galcat.galaxy WHERE merging_merger_fraction > 0.999 "
        "ORDER BY search OPERATOR(public.<->) galcat.vector_of({id}) LIMIT 10",
    ),
    "bright galaxies": (MAGNITUDE_INDEX, "SELECT * FROM galcat.galaxy WHERE mag_r < 14.001"),
}


def add_tasks(connection: psycopg.Connection, release_id: int) -> None:
    """Columns of 30 tasks in the view, each with a version of random scores."""
    ids = np.array([row[0] for row in connection.execute("SELECT object_id FROM galcat.source")], np.int64)
    rng = np.random.default_rng(9)
    for i in range(TASKS):
        task = make_task(f"task_{i}", "Is it?", ())
        add_task(connection, task)
        show_task(connection, task.name)
        values = rng.random((len(ids), 1), np.float32)
        write_version(
            connection, NewVersion(task, release_id, "head", 1, b"", {}), [(ids, values, values / 10)]
        )


@pytest.fixture(scope="module")
def wide_url(postgres_url: str, schema_template: str) -> Iterator[str]:
    """A catalogue large enough that indexes are worth it, with 30 tasks; only to be read."""
    with fresh_database(postgres_url, schema_template) as url:
        with connect(url, autocommit=True) as connection:
            _, release_id = fill(connection, N)
            build_search_index(connection, release_id)
            add_tasks(connection, release_id)
            refresh_statistics(connection)
        yield url


@pytest.fixture
def wide(wide_url: str) -> Iterator[psycopg.Connection]:
    """A connection to it that has asked nothing yet."""
    with connect(wide_url, autocommit=True) as connection:
        connection.execute("SET search_path = ''")
        yield connection


def plan(connection: psycopg.Connection, query: str) -> str:
    return "\n".join(str(row[0]) for row in run_query(connection, f"EXPLAIN {query}").rows)


def questions() -> list[str]:
    """The ten of the README."""
    text = resources.files("galcat.cli").joinpath("queries.sql").read_text(encoding="utf-8")
    return [block.split("\n", 1)[1].strip().rstrip(";") for block in text.split("-- Q: ")[1:]]


def test_every_shape_and_question_uses_its_index(wide: psycopg.Connection) -> None:
    plans = {name: plan(wide, query.format(id=IDENTITY)) for name, (_, query) in SHAPES.items()}
    wrong = {name: plans[name] for name, (index, _) in SHAPES.items() if index not in plans[name]}
    assert not wrong, "\n\n".join(f"{name}:\n{text}" for name, text in wrong.items())
    wide.execute("SET search_path = public")  # as psql has it: questions write <-> without a schema
    asked = questions()
    assert len(asked) == 10
    plans = {str(i): plan(wide, query) for i, query in enumerate(asked, 1)}
    wanted = {
        "2": SKY_INDEX,
        "7": VECTOR_INDEX,
        "8": SKY_INDEX,
    }  # the others read everything, or next to nothing
    wrong = {i: plans[i] for i, index in wanted.items() if index not in plans[i]}
    assert not wrong, "\n\n".join(f"question {i}:\n{text}" for i, text in wrong.items())


def test_one_connection_keeps_its_plans_however_often_it_asks(wide: psycopg.Connection) -> None:
    """The sixth time, Postgres would plan a prepared statement for any values."""
    rng = np.random.default_rng(0)
    for _ in range(8):
        vector = rng.normal(size=40).astype(np.float32) / 9
        found = search(wide, Search(like=vector, n=5, where="mag_r < 18.5", columns=("task_3_probability",)))
        assert len(found) == 5
        search(wide, Search(like=vector, n=5, cone=Cone(10, 20, 5)))
    with read_transaction(wide):
        prepared = wide.execute(
            "SELECT sum(generic_plans), sum(custom_plans) FROM pg_prepared_statements "
            "WHERE statement LIKE '%halfvec%'"
        ).fetchone()
    assert prepared is not None
    assert prepared[0] == 0
    assert prepared[1] > 8
