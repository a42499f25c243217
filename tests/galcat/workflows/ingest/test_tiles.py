"""Ingestion of a cell: two runs take turns, and the second finds the work done."""

import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from catalog.database.connection import connect
from encoder.model.encoder import load_encoder
from galcat.workflows.ingest.cell import cell_lock, ingest_cell
from tests.galcat.bricks import find_cell, write_two_bricks
from tests.waiting import LAST_LIMIT_S, wait_until_at_a_lock

SURVEY = "legacy_dr10"
FIRST, SECOND = "0100p000", "0101p000"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_two_bricks(tmp_path)


@pytest.fixture
def cell(folder: Path) -> str:
    return find_cell(folder)


@pytest.fixture
def connection(database: str) -> Iterator[psycopg.Connection]:
    with connect(database, autocommit=True) as opened:
        yield opened


def test_two_runs_on_one_cell_take_turns_and_the_second_finds_the_work_done(
    folder: Path,
    cell: str,
    database: str,
    weights: Path,
    connection: psycopg.Connection,
    caplog: pytest.LogCaptureFixture,
) -> None:
    encoder = load_encoder(weights)
    outcomes: dict[str, int] = {}

    def run(name: str) -> None:
        found = ingest_cell(database, encoder, SURVEY, folder, cell, [], lambda _: None)
        outcomes[name] = len(found.tiles)

    threads = [threading.Thread(target=run, args=[name]) for name in ("one", "two")]
    with cell_lock(connection, SURVEY, cell):
        for thread in threads:
            thread.start()
        wait_until_at_a_lock(database, 2)
        assert states(connection) == {}
    pid = connection.info.backend_pid
    told = f"cell {cell} of {SURVEY} is held by postgres (process {pid} of Postgres): this run waits"
    assert [record.message for record in caplog.records].count(told) == 2
    for thread in threads:
        thread.join(LAST_LIMIT_S)
    assert sorted(outcomes.values()) == [0, 2]
    assert states(connection) == {FIRST: ("done", 1), SECOND: ("done", 1)}


def states(connection: psycopg.Connection) -> dict[str, tuple[str, int]]:
    found = connection.execute(
        "SELECT t.name, i.state, i.attempts FROM galcat.ingestion AS i JOIN galcat.tile AS t USING (tile_id)"
    )
    return {name: (state, attempts) for name, state, attempts in found}
