"""A catalogue made by the code of an earlier version works unchanged: every row is there and goes on."""

import csv
import hashlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from catalog.checks.integrity import CHECKS
from catalog.database.connection import connect
from catalog.database.sql_files import sql_files
from tests.databases import fresh_database
from tests.galcat.cli.command_line import Galcat
from tests.galcat.old_home.make_dump import BRICKS, GALAXIES, MODIFIED_S, SURVEY
from tests.galcat.old_home.restore import (
    VERSIONS,
    restore_catalogue,
    set_times,
    skip_unless_encoder_is_stored,
    write_bricks,
    write_encoder,
)

Rows = dict[str, list[tuple[str | None, ...]]]
Columns = dict[str, list[str]]

MADE_AGAIN = {"galcat.schema_history", "galcat_tap.column_note"}  # migrate writes what the new files say
OF_AN_ATTEMPT = {"fingerprint", "content_hash", "finished_at", "attempts"}  # gzipped masks hold their time
OF_A_SURVEY_FILE = "definition"
"""The text of a survey's file: one that says more than before takes its place."""
OF_PEOPLE = {
    "galcat.task": 3,
    "galcat.label": 2 * GALAXIES + 1 + 10,  # by two people, one of whom thinks again, and ratings
    "galcat.tag": 4,
    "galcat.task_version": 2,
    "galcat.interest_round": 2,
    "galcat.interest_offer": GALAXIES,
    "galcat.interest_top": GALAXIES,
    "galcat_tap.job": 1,
}
TABLES = """
    SELECT format('%s.%s', n.nspname, c.relname), array_agg(a.attname::text ORDER BY a.attnum)
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE n.nspname IN ('galcat', 'galcat_tap') AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    GROUP BY 1
"""
SHAPE = """
    SELECT attrelid::regclass::text, attname::text, format_type(atttypid, atttypmod), attnotnull::text
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE relnamespace IN ('galcat'::regnamespace, 'galcat_tap'::regnamespace) AND relkind IN ('r', 'p')
        AND NOT relispartition AND attnum > 0 AND relname !~ '^task_score_t'
    UNION ALL
    SELECT conrelid::regclass::text, conname::text, pg_get_constraintdef(c.oid), convalidated::text
    FROM pg_constraint AS c JOIN pg_class ON pg_class.oid = conrelid
    WHERE relnamespace IN ('galcat'::regnamespace, 'galcat_tap'::regnamespace) AND NOT relispartition
        AND relname !~ '^task_score_t'
    ORDER BY 1, 2
"""


@dataclass(frozen=True)
class Old:
    """A catalogue as the earlier version left it."""

    url: str
    home: Path
    weights: Path


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home, with the bricks."""
    folder = tmp_path_factory.mktemp("home")
    write_bricks(folder)
    return folder


@pytest.fixture(scope="module", params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    """The earlier version."""
    return str(request.param)


@pytest.fixture(scope="module")
def template(version: str, postgres_url: str, schema_template: str, home: Path) -> Iterator[str]:
    """Name of a database with the catalogue."""
    assert schema_template  # whoever made it has made the roles
    with fresh_database(postgres_url, "template1") as url:
        restore_catalogue(version, url, home)
        yield str(conninfo_to_dict(url)["dbname"])


@pytest.fixture
def database(template: str, postgres_url: str) -> Iterator[str]:
    """The command line's database is the old catalogue."""
    with fresh_database(postgres_url, template) as url:
        yield url


@pytest.fixture
def old(version: str, database: str, home: Path) -> Iterator[Old]:
    """The catalogue, its bricks and its encoder."""
    yield Old(database, home, write_encoder(version, home))
    set_times(home / "drop" / SURVEY, MODIFIED_S)


def columns(url: str) -> Columns:
    """The columns of each table."""
    with psycopg.connect(url) as connection:
        return dict(connection.execute(TABLES).fetchall())


def rows(url: str, wanted: Columns) -> Rows:
    """Every row of each table, its values as text."""
    with psycopg.connect(url) as connection:
        return {table: _rows(connection, table, names) for table, names in wanted.items()}


def _rows(connection: psycopg.Connection, table: str, names: list[str]) -> list[tuple[str | None, ...]]:
    values = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(name)) for name in names)
    query = sql.SQL("SELECT {} FROM {}").format(values, sql.Identifier(*table.split(".")))
    return sorted(connection.execute(query).fetchall(), key=repr)


def select(url: str, query: str) -> list[Any]:
    """What plain SQL finds."""
    with connect(url) as connection:
        return connection.execute(query.encode()).fetchall()


def test_there_is_a_catalogue_of_the_first_version() -> None:
    assert "0_1_0" in VERSIONS


def test_up_brings_it_to_the_newest_schema_and_leaves_every_row_as_it_was(old: Old, galcat: Galcat) -> None:
    wanted = {table: names for table, names in columns(old.url).items() if table not in MADE_AGAIN}
    before = rows(old.url, wanted)
    assert {table: len(before[table]) for table in OF_PEOPLE} == OF_PEOPLE
    assert {len(before[f"galcat.{table}"]) for table in ("source", "embedding", "morphology")} == {GALAXIES}
    said = galcat("up")
    assert (said.code, said.out.strip()) == (0, old.url)
    assert rows(old.url, wanted) == before
    applied = select(old.url, "SELECT file, sha256 FROM galcat.schema_history")
    assert sorted(applied) == sorted(
        (file.name, hashlib.sha256(file.text.encode()).hexdigest()) for file in sql_files()
    )


def test_its_tables_become_those_of_a_new_catalogue(
    old: Old, galcat: Galcat, postgres_url: str, schema_template: str
) -> None:
    assert galcat("up").code == 0
    with fresh_database(postgres_url, schema_template) as new:
        assert select(old.url, SHAPE) == select(new, SHAPE)


def test_sql_shows_the_scores_that_its_tables_hold(old: Old, galcat: Galcat) -> None:
    ((table,),) = select(
        old.url, "SELECT 'galcat.task_score_t' || task_id FROM galcat.task WHERE name = 'ring'"
    )
    held = select(old.url, f"SELECT object_id, value FROM {table}")
    said = galcat("sql", "SELECT object_id, ring_probability FROM galcat.galaxy", "--format", "csv")
    assert said.code == 0
    shown = {
        int(row["object_id"]): float(row["ring_probability"]) for row in csv.DictReader(io.StringIO(said.out))
    }
    assert len(held) == GALAXIES
    assert shown == pytest.approx(dict(held), rel=1e-6)


def test_similar_puts_the_nearest_search_vectors_first(old: Old, galcat: Galcat) -> None:
    found = select(old.url, "SELECT object_id, search FROM galcat.embedding ORDER BY 1")
    ids = [identity for identity, _ in found]
    vectors = np.array([vector.to_numpy() for _, vector in found], np.float32)
    distance: dict[object, float] = dict(
        zip(ids, np.linalg.norm(vectors - vectors[0], axis=1).tolist(), strict=True)
    )
    said = galcat("similar", ids[0], "-n", GALAXIES - 1, "--format", "csv")
    assert said.code == 0
    shown = [int(row["object_id"]) for row in csv.DictReader(io.StringIO(said.out))]
    assert sorted(shown) == ids[1:]
    assert [distance[one] for one in shown] == pytest.approx(
        sorted(distance[one] for one in ids[1:]), abs=1e-3
    )


@pytest.mark.usefixtures("old")
def test_tasks_and_searches_are_listed_and_no_row_breaks_a_rule(galcat: Galcat) -> None:
    said = galcat("tasks")
    assert (said.code, "bring it up to date by galcat up, which keeps every row" in said.err) == (1, True)
    assert galcat("up").code == 0
    said = galcat("tasks")
    assert said.code == 0
    assert all(
        name in said.out for name in ("ring", "kind", "odd", "Has it a ring?", "disk 0, ball 0, other 0")
    )
    said = galcat("anomalies")
    (line,) = [line for line in said.out.splitlines() if "odd" in line]
    assert re.findall(r"\d+", line)[-3:] == ["2", "10", "2"]  # rounds, rated, waiting
    said = galcat("check")
    assert {f"ok   {name}" for name in CHECKS} <= {line.split(":")[0] for line in said.out.splitlines()}


def test_a_round_that_is_open_goes_on_and_nothing_is_learnt_twice(
    old: Old, galcat: Galcat, tmp_path: Path
) -> None:
    wanted = {table: names for table, names in columns(old.url).items() if table in OF_PEOPLE}
    before = rows(old.url, wanted)
    said = galcat("anomalies", "next", "odd", "--sheet", tmp_path / "next.png")
    assert (said.code, "round 2, after 10 ratings: 2 galaxies to rate" in said.err) == (0, True)
    assert galcat("finetune", "ring").code == 0
    assert galcat("anomalies", "best", "odd", "-n", GALAXIES).code == 0
    assert rows(old.url, wanted) == before


def test_its_bricks_are_known(old: Old, galcat: Galcat) -> None:
    wanted = columns(old.url)
    made_again = MADE_AGAIN | {"galcat.sky_count"}  # counted with a new index
    before = rows(old.url, {table: names for table, names in wanted.items() if table not in made_again})
    said = galcat("ingest", old.home / "drop" / SURVEY, "--survey", SURVEY, *weights_of(old))
    assert (said.code, f"0 tiles ingested, {len(BRICKS)} unchanged, 0 failed" in said.err) == (0, True)
    assert rows(old.url, {table: wanted[table] for table in before}) == before


def test_bricks_that_are_read_again_change_nothing_but_the_digests(old: Old, galcat: Galcat) -> None:
    wanted = {
        table: [name for name in names if name not in OF_AN_ATTEMPT | {OF_A_SURVEY_FILE}]
        for table, names in columns(old.url).items()
        if table not in MADE_AGAIN | {"galcat.sky_count"}  # that is counted with the statistics
    }
    before = rows(old.url, wanted)
    assert galcat("up").code == 0
    known = digests(old)
    set_times(old.home / "drop" / SURVEY, MODIFIED_S + 60)
    said = galcat("ingest", old.home / "drop" / SURVEY, "--survey", SURVEY, *weights_of(old))
    assert (said.code, f"{len(BRICKS)} tiles ingested, 0 unchanged, 0 failed" in said.err) == (0, True)
    after = rows(old.url, wanted)
    assert {table for table in before if before[table] != after[table]} == set()
    now = digests(old)
    assert None not in now.values()
    assert {identity: now[identity] for identity, digest in known.items() if digest is not None} in (
        {},
        known,
    )
    said = galcat("check")
    failed = [line for line in said.out.splitlines() if line.startswith("FAIL")]
    assert all(line.startswith("FAIL settings") for line in failed)  # the tests' server has those of tests


def digests(old: Old) -> dict[int, int | None]:
    """The digest of each galaxy's picture."""
    return dict(select(old.url, "SELECT object_id, picture_digest FROM galcat.embedding_full"))


def weights_of(old: Old) -> tuple[object, ...]:
    """The option that names the encoder."""
    skip_unless_encoder_is_stored(old.weights, old.url)
    return ("--weights", old.weights)
