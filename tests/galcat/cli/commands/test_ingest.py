"""The command that ingests: what it says, and what is left where it was killed."""

import shlex
import signal
from pathlib import Path

import pytest
from astropy.table import Table

from catalog.counts import count_of
from catalog.database import advisory_lock
from catalog.database.connection import connect
from tests.galcat.bricks import GALAXIES, find_cell, write_brick
from tests.galcat.cli.command_line import Galcat
from tests.galcat.held_tiles import kill_when_held
from tests.other_logins import session_in_role
from tests.sizes import first_or_all

INDEX = "SELECT to_regclass('galcat.embedding_r1_search_hnsw')::oid::bigint"


def test_an_id_in_two_tiles_fails_the_second_and_names_the_first(
    galcat: Galcat, tmp_path: Path, weights: Path
) -> None:
    write_brick(tmp_path / "bricks", "0100p000")
    write_brick(tmp_path / "bricks", "0500p100")
    first, second = (
        tmp_path / "bricks" / "tractor" / name[:3] / f"tractor-{name}.fits"
        for name in ("0500p100", "0100p000")  # in the order of their cells
    )
    table = Table.read(second)
    table["brickid"] = Table.read(first)["brickid"]
    table.write(second, overwrite=True)
    said = galcat("ingest", tmp_path / "bricks", "--survey", "legacy_dr10", "--weights", weights)
    assert said.code == 1
    assert "1 tile ingested, 0 unchanged, 1 failed; 3 galaxies" in said.err
    (line,) = [line for line in said.err.splitlines() if line.startswith("failed:")]
    assert line.startswith("failed: tile 0100p000: source ")
    assert " is in tile 0500p100 already: an id names one galaxy" in line
    assert galcat("check").code == 0
    assert "next:" not in said.err


def test_a_cell_that_a_reader_holds_is_left_and_named_and_the_others_are_filled(
    galcat: Galcat, database: str, tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(advisory_lock, "LOOK_S", 0.05)
    monkeypatch.setattr(advisory_lock, "MAX_WAIT_S", 0.1)
    first, second = tmp_path / "first", tmp_path / "bricks"
    write_brick(first, "0100p000")
    write_brick(second, "0100p000")
    write_brick(second, "0500p100")
    cell = find_cell(first)
    words = ("ingest", second, "--survey", "legacy_dr10", "--weights", weights)
    with session_in_role(database, "galcat_reader") as reader:
        name, pid = reader.info.user, reader.info.backend_pid
        hold = "SELECT pg_advisory_lock(hashtextextended(%s, 0))"
        reader.execute(hold, [f"galcat/legacy_dr10/{cell}"])
        said = galcat(*words)
        assert said.code == 1
        assert "1 tile ingested, 0 unchanged, 0 failed; 3 galaxies" in said.err
        (line,) = [line for line in said.err.splitlines() if line.startswith("left:")]
        assert line == (
            f"left: cell {cell} of legacy_dr10 is held by {name} (process {pid} of Postgres), which may not "
            f"write: let it end, or end it by SELECT pg_terminate_backend({pid}), then try again"
        )
        assert galcat("check").code == 0
        reader.execute("SELECT pg_advisory_unlock_all()")
        reader.execute(hold, ["galcat/load"])
        said = galcat(*words)
        assert (said.code, said.err.splitlines()[-1]) == (
            1,
            f"error: the right to add tiles is held by {name} (process {pid} of Postgres), which may not "
            f"write: let it end, or end it by SELECT pg_terminate_backend({pid}), then try again",
        )
    said = galcat(*words)
    assert said.code == 0
    assert "1 tile ingested, 1 unchanged, 0 failed; 3 galaxies" in said.err


def test_after_an_ingestion_the_next_step_is_named_and_works(
    galcat: Galcat, tmp_path: Path, weights: Path
) -> None:
    write_brick(tmp_path / "bricks", "0100p000")
    said = galcat("ingest", tmp_path / "bricks", "--survey", "legacy_dr10", "--weights", weights)
    assert said.code == 0
    sql, similar = said.err.splitlines()[-1].removeprefix("next: ").split(", then ")
    rows = galcat(*shlex.split(sql)[1:], "--format", "csv")
    identity = rows.out.splitlines()[1].split(",")[0]
    found = galcat(*similar.replace("OBJECT_ID", identity).split()[1:], "--format", "csv")
    assert (rows.code, found.code) == (0, 0)
    assert len(found.out.splitlines()) == GALAXIES  # the head, and all others


def test_a_load_that_is_said_to_be_large_goes_without_the_index_and_ends_with_it(
    galcat: Galcat, database: str, tmp_path: Path, weights: Path
) -> None:
    folder = tmp_path / "bricks"
    words = ("ingest", folder, "--survey", "legacy_dr10", "--weights", weights)
    write_brick(folder, "0100p000")
    assert "built anew" not in galcat(*words, "--bulk").err  # there is no index yet
    write_brick(folder, "0100p005")
    with connect(database, autocommit=True) as connection:
        (before,) = connection.execute(INDEX).fetchone() or (None,)
        assert "the vector index is built anew at its end" in galcat(*words, "--bulk").err
        (after,) = connection.execute(INDEX).fetchone() or (None,)
        assert before != after is not None
        assert galcat("check").code == 0
        connection.execute("SELECT galcat.drop_search_index(1::smallint)")  # as if killed before the end
        assert "index: the vector index is not built" in galcat("status").out
        assert galcat(*words).code == 0
        assert (connection.execute(INDEX).fetchone() or (None,))[0] is not None
    assert galcat("check").code == 0


@pytest.mark.kills
@pytest.mark.parametrize("after", first_or_all([2, *range(2), *range(3, 16)], 1))
def test_killed_in_mid_ingestion_every_tile_is_whole_or_absent_and_a_second_run_ends_it(
    galcat: Galcat, database: str, weights: Path, tmp_path: Path, after: int
) -> None:
    folder = tmp_path / "bricks"
    names = [f"0100p{tenths:03d}" for tenths in range(0, 80, 5)]
    for name in names:
        write_brick(folder, name)
    words = ["ingest", str(folder), "--survey", "legacy_dr10", "--weights", str(weights)]
    kill_when_held(database, words, tmp_path / "said.txt", after=after)
    counts = galaxies_by_tile(database)
    assert len(counts) == after
    assert set(counts.values()) <= {GALAXIES}
    said = galcat(*words)
    assert said.code == 0
    assert f"{len(names) - len(counts)} tiles ingested, {len(counts)} unchanged" in said.err
    assert galaxies_by_tile(database) == dict.fromkeys(names, GALAXIES)


@pytest.mark.kills
@pytest.mark.parametrize(("by", "code"), first_or_all([(signal.SIGINT, 130), (signal.SIGTERM, 143)], 1))
def test_stopped_in_mid_ingestion_it_says_how_many_tiles_are_in_and_a_second_run_goes_on(
    galcat: Galcat, database: str, weights: Path, tmp_path: Path, by: int, code: int
) -> None:
    folder, said = tmp_path / "bricks", tmp_path / "said.txt"
    for name in ("0100p000", "0100p005"):
        write_brick(folder, name)
    words = ["ingest", str(folder), "--survey", "legacy_dr10", "--weights", str(weights)]
    assert kill_when_held(database, words, said, after=1, by=by) == code
    counts = galaxies_by_tile(database)  # that of the tile that was being written is in, or not at all
    assert set(counts.values()) == {GALAXIES}
    kept = count_of(len(counts), "tile")
    assert f"warning: stopped: {kept} kept; run it again to go on\n" in said.read_text()
    assert "Traceback" not in said.read_text()
    left = count_of(2 - len(counts), "tile")
    assert f"{left} ingested, {len(counts)} unchanged" in galcat(*words).err


def galaxies_by_tile(database: str) -> dict[str, int]:
    with connect(database, autocommit=True) as connection:
        return dict(
            connection.execute(
                "SELECT t.name, (SELECT count(*) FROM galcat.galaxy AS g WHERE g.tile = t.name) "
                "FROM galcat.tile AS t JOIN galcat.ingestion USING (tile_id)"
            ).fetchall()
        )
