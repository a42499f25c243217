"""A second release of another width: made, filled, killed and filled on, shown, taken back, dropped."""

import hashlib
import shutil
from pathlib import Path

import pytest

from catalog.database import advisory_lock
from catalog.database.connection import connect
from encoder.model import encoder as encoder_file
from encoder.surveys.survey_file import load_survey
from encoder.tiles.tiles import find_tiles
from galcat.workflows.ingest.sky_cells import cell_of
from galcat.workflows.releases import release_encoder, weights_store
from tests.galcat.bricks import GALAXIES, mend, r_image, spoil, write_brick
from tests.galcat.cli.command_line import Galcat
from tests.galcat.held_tiles import kill_when_held
from tests.galcat.small_encoder import write_small_encoder
from tests.other_logins import session_in_role
from tests.sizes import first_or_all

SURVEY = "legacy_dr10"
BRICKS = ("0100p000", "0101p000", "0500p100")  # the last in another cell
BY_RELEASE = {
    "embedding": "object_id, search::text",
    "embedding_full": "object_id, vector::text",
    "morphology": "to_jsonb(t) - 'release_id'",
    "ingestion": "(SELECT name FROM galcat.tile AS n WHERE n.tile_id = t.tile_id), state, fingerprint, "
    "content_hash, n_sources, n_galaxies, n_skipped, n_failed, error",
    "skipped_row": "to_jsonb(t) - 'release_id' - 'tile_id'",
}
SHARED = ("survey", "tile", "source", "thumbnail")


@pytest.fixture(scope="module")
def second_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of an encoder of 96 numbers a galaxy, where the first gives 256."""
    return write_small_encoder(tmp_path_factory.mktemp("second") / "second.safetensors", 1, "test_resnet")


@pytest.fixture
def bricks(tmp_path: Path) -> Path:
    for name in BRICKS:
        write_brick(tmp_path / "bricks", name)
    return tmp_path / "bricks"


@pytest.fixture
def two(galcat: Galcat, bricks: Path, weights: Path, second_weights: Path) -> Galcat:
    """The command line over three bricks in a first release, and a second one that is empty."""
    assert galcat("ingest", bricks, "--survey", SURVEY, "--weights", weights).code == 0
    assert galcat("release", "create", second_weights).code == 0
    return galcat


def rows(url: str, release: str) -> dict[str, list[tuple[object, ...]]]:
    """Every row of a release, its number and times left out."""
    with connect(url, autocommit=True) as connection:
        return {
            table: connection.execute(
                f"SELECT {columns} FROM galcat.{table} AS t WHERE release_id = "
                "(SELECT release_id FROM galcat.release WHERE name = %s) ORDER BY 1".encode(),
                [release],
            ).fetchall()
            for table, columns in BY_RELEASE.items()
        }


def read_first_release(url: str) -> dict[str, list[tuple[object, ...]]]:
    """Every row of the first release and of what releases share, with the transaction that wrote it."""
    tables = dict.fromkeys(SHARED, "true") | dict.fromkeys(BY_RELEASE, "release_id = 1")
    with connect(url, autocommit=True) as connection:
        return {
            table: connection.execute(
                f"SELECT xmin::text, t::text FROM galcat.{table} AS t WHERE {where} ORDER BY 2".encode()
            ).fetchall()
            for table, where in tables.items()
        }


def read_shown(url: str) -> list[tuple[object, ...]]:
    with connect(url, autocommit=True) as connection:
        return connection.execute("SELECT g::text FROM galcat.galaxy AS g ORDER BY object_id").fetchall()


def list_releases(galcat: Galcat) -> dict[str, list[str]]:
    header, *lines, _count = galcat("release", "list").out.strip().splitlines()
    assert header.split()[6:11] == ["tiles", "missing", "failed", "galaxies", "index"]
    return {line.split()[0]: [line.split()[1], *line.split()[6:11]] for line in lines}


def test_the_life_of_a_second_release(
    two: Galcat,
    bricks: Path,
    database: str,
    empty_database: str,
    second_weights: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before, old = read_first_release(database), read_shown(database)
    whole = spoil(bricks, BRICKS[1])
    backfill = ("release", "backfill", "small-1", "--weights", second_weights)
    said = two(*backfill)
    assert said.code == 1
    (line,) = [line for line in said.err.splitlines() if line.startswith("failed:")]
    assert line == (
        f"failed: tile {BRICKS[1]}: its files in {bricks} are not those that the current release was made "
        f"from: run galcat ingest --survey {SURVEY} first"
    )
    assert "release small-1: 2 tiles filled, 1 failed; 6 galaxies, 0 skipped" in said.err
    assert list_releases(two) == {
        "small-0": ["current", "3", "0", "0", "9", "built"],
        "small-1": ["-", "2", "1", "1", "6", "built"],
    }
    refused = two("release", "promote", "small-1")
    assert refused.code == 1
    assert refused.err == (
        "error: release small-1 lacks 1 of the tiles that the current release shows, the first is "
        f"{BRICKS[1]} of {SURVEY}: run galcat release backfill small-1, or promote it with --force\n"
    )

    mend(bricks, BRICKS[1], whole)
    said = two(*backfill)
    assert said.code == 0
    assert "release small-1: 1 tile filled, 0 failed; 3 galaxies" in said.err
    assert "no tile is missing: galcat release promote small-1" in said.err
    assert read_first_release(database) == before
    assert read_shown(database) == old

    fresh = Galcat(empty_database, bricks.parent, capsys, monkeypatch)
    assert fresh("ingest", bricks, "--survey", SURVEY, "--weights", second_weights).code == 0
    filled, alone = rows(database, "small-1"), rows(empty_database, "small-1")
    assert len(filled["embedding_full"]) == len(BRICKS) * GALAXIES
    assert filled == alone
    back = Galcat(database, bricks.parent, capsys, monkeypatch)
    new = read_shown(empty_database)
    said = back("release", "promote", "small-1")
    assert said.err == "galcat.galaxy shows release small-1; back by galcat release promote small-0\n"
    assert read_shown(database) == new != old
    assert back("check").code == 0
    assert back("release", "drop", "small-1").err.startswith("error: release small-1 is the current one")
    assert back("release", "promote", "small-0").code == 0
    assert read_shown(database) == old
    assert back("release", "drop", "small-1").err == "release small-1 is gone: 3 tiles, 9 galaxies\n"
    assert read_first_release(database) == before
    assert list(list_releases(back)) == ["small-0"]


@pytest.mark.kills
@pytest.mark.parametrize("after", first_or_all([2, *range(2), *range(3, 16)], 1))
def test_killed_in_mid_backfill_a_second_call_does_only_what_is_missing(
    galcat: Galcat, database: str, weights: Path, second_weights: Path, tmp_path: Path, after: int
) -> None:
    names = [f"0100p{tenths:03d}" for tenths in range(0, 80, 5)]
    for name in names:
        write_brick(tmp_path / "bricks", name)
    assert galcat("ingest", tmp_path / "bricks", "--survey", SURVEY, "--weights", weights).code == 0
    assert galcat("release", "create", second_weights).code == 0
    before = read_first_release(database)
    words = ["release", "backfill", "small-1", "--weights", str(second_weights)]
    kill_when_held(database, words, tmp_path / "said.txt", after=after, release_id=2)
    there = rows(database, "small-1")
    n_there = len(there["ingestion"])
    assert n_there == after
    for table in ("embedding", "embedding_full", "morphology"):
        assert len(there[table]) == n_there * GALAXIES
    assert read_first_release(database) == before
    assert galcat("check").code == 0

    said = galcat(*words)
    assert said.code == 0
    assert f"release small-1: {len(names) - n_there} tiles filled, 0 failed" in said.err
    assert read_first_release(database) == before
    after = rows(database, "small-1")
    assert all(set(map(str, there[table])) <= set(map(str, after[table])) for table in there)
    assert [row[:2] for row in after["ingestion"]] == [(name, "done") for name in names]
    with connect(database, autocommit=True) as connection:
        attempts = connection.execute("SELECT DISTINCT release_id, attempts FROM galcat.ingestion").fetchall()
    assert sorted(attempts) == [(1, 1), (2, 1)]
    assert list_releases(galcat)["small-1"] == ["-", "16", "0", "0", "48", "built"]
    assert galcat("check").code == 0


def test_a_cell_that_a_reader_holds_is_left_by_a_backfill_which_fills_the_others(
    two: Galcat, database: str, bricks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(advisory_lock, "LOOK_S", 0.05)
    monkeypatch.setattr(advisory_lock, "MAX_WAIT_S", 0.1)
    (cell,) = {
        cell_of(tile) for tile in find_tiles(load_survey(SURVEY), bricks) if not tile.name.startswith("05")
    }
    with session_in_role(database, "galcat_reader") as reader:
        reader.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [f"galcat/{SURVEY}/{cell}"])
        said = two("release", "backfill", "small-1")
        assert said.code == 1
        assert f"left: cell {cell} of {SURVEY} is held by {reader.info.user} (process " in said.err
        assert "release small-1: 1 tile filled, 0 failed; 3 galaxies" in said.err
        assert said.err.splitlines()[-1].endswith("still missing: 2 tiles")
    assert two("release", "backfill", "small-1").code == 0
    assert two("check").code == 0


def test_tiles_that_were_moved_are_found_where_they_are_said_to_be(
    two: Galcat, bricks: Path, database: str, second_weights: Path, tmp_path: Path
) -> None:
    moved = bricks.rename(tmp_path / "elsewhere")
    backfill = ("release", "backfill", "small-1", "--weights", second_weights)
    lost = two(*backfill)
    assert lost.code == 1
    failed = [line for line in lost.err.splitlines() if line.startswith("failed:")]
    assert sorted(failed) == [f"failed: tile {name}: {bricks}: no such folder" for name in BRICKS]
    with connect(database, autocommit=True) as connection:
        connection.execute("UPDATE galcat.tile SET folder = NULL WHERE name = %s", [BRICKS[2]])
    assert two(*backfill).err == (
        f"error: the catalogue did not keep the folder of 1 tile, the first is {BRICKS[2]}: "
        f"give it by --folder {SURVEY}=PATH\n"
    )
    r_image(moved, BRICKS[0]).parent.rename(tmp_path / "away")
    said = two(*backfill, "--folder", f"{SURVEY}={moved}")
    assert said.code == 1
    failed = [line for line in said.err.splitlines() if line.startswith("failed:")]
    assert failed == [f"failed: tile {BRICKS[0]}: no file of it is in {moved}"]
    assert list_releases(two)["small-1"] == ["-", "2", "1", "0", "6", "built"]


def test_promoted_by_force_ingestion_goes_on_in_the_new_release_and_the_old_one_catches_up(
    two: Galcat, bricks: Path, database: str, weights: Path, second_weights: Path
) -> None:
    backfill = ("release", "backfill", "small-1", "--weights", second_weights)
    said = two("release", "promote", "small-1", "--force")
    assert "shows release small-1, without 3 tiles shown until now; back by" in said.err
    refused = two("ingest", bricks, "--survey", SURVEY, "--weights", weights)
    assert refused.code == 1
    assert "the catalogue serves the weights" in refused.err
    assert two("release", "promote", "small-0").code == 0
    assert two(*backfill).code == 0
    assert two("release", "promote", "small-1").code == 0
    write_brick(bricks, "0103p000")
    write_brick(bricks, BRICKS[0], brightness=2.0)
    assert two("ingest", bricks, "--survey", SURVEY, "--weights", second_weights).code == 0
    assert list_releases(two) == {
        "small-0": ["-", "3", "2", "0", "9", "built"],
        "small-1": ["current", "4", "0", "0", "12", "built"],
    }
    newest = read_shown(database)
    assert two("release", "backfill", "small-0", "--weights", weights).code == 0
    assert read_shown(database) == newest
    assert list_releases(two)["small-0"] == ["-", "4", "0", "0", "12", "built"]
    assert two("release", "promote", "small-0").code == 0
    assert two("check").code == 0
    assert two("ingest", bricks, "--survey", SURVEY, "--weights", weights).code == 0


def test_weights_that_ship_are_found_by_their_digest(
    two: Galcat, second_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kept in weights_store.weights_store().iterdir():
        kept.unlink()
    release_encoder.load_release_encoder.cache_clear()  # what this process has found is not to be found after
    said = two("release", "backfill", "small-1")
    assert said.code == 1
    assert said.err.startswith("error: release small-1 was made with weights ")
    assert said.err.count("\n") == 1
    assert (
        "nor among those shipped: give the file by --weights, or keep it there by galcat release" in said.err
    )
    monkeypatch.setattr(weights_store, "shipped_weights", lambda: second_weights.parent)
    assert two("release", "backfill", "small-1").code == 0
    release_encoder.load_release_encoder.cache_clear()
    assert list_releases(two)["small-1"][1:4] == ["3", "0", "0"]


def test_weights_that_were_once_given_are_kept_and_found_and_a_damaged_copy_is_named(
    two: Galcat, weights: Path, second_weights: Path, bricks: Path
) -> None:
    release_encoder.load_release_encoder.cache_clear()
    kept = {path.name: path.read_bytes() for path in weights_store.weights_store().iterdir()}
    assert kept == {
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}.safetensors": path.read_bytes()
        for path in (weights, second_weights)
    }
    assert two("release", "backfill", "small-1").code == 0
    assert two("release", "promote", "small-1").code == 0
    write_brick(bricks, "0501p100")
    assert two("ingest", bricks, "--survey", SURVEY).code == 0
    assert list_releases(two) == {
        "small-0": ["-", "3", "1", "0", "9", "built"],
        "small-1": ["current", "4", "0", "0", "12", "built"],
    }
    (own,) = [
        path for path in weights_store.weights_store().iterdir() if path.read_bytes() == weights.read_bytes()
    ]
    own.write_bytes(own.read_bytes()[:-1])
    release_encoder.load_release_encoder.cache_clear()
    said = two("release", "backfill", "small-0")
    assert (said.code, said.err) == (
        1,
        f"error: {own} is damaged: delete it, and keep the file again by galcat release keep\n",
    )
    own.unlink()
    assert two("release", "keep", weights).code == 0
    assert two("release", "backfill", "small-0").code == 0
    assert list_releases(two)["small-0"] == ["-", "4", "0", "0", "12", "built"]


def test_a_galcat_that_ships_other_weights_goes_on_with_those_of_the_release(
    galcat: Galcat,
    bricks: Path,
    weights: Path,
    second_weights: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    def ship(file: Path) -> None:
        folder = tmp_path / file.stem
        folder.mkdir()
        shutil.copy(file, folder)
        monkeypatch.setattr(weights_store, "shipped_weights", lambda: folder)
        monkeypatch.setattr(encoder_file, "DEFAULT_WEIGHTS", file.name)
        release_encoder.load_release_encoder.cache_clear()

    ship(weights)
    assert galcat("ingest", bricks, "--survey", SURVEY).code == 0
    ship(second_weights)
    write_brick(bricks, "0501p100")
    assert galcat("ingest", bricks, "--survey", SURVEY).code == 0
    assert list_releases(galcat) == {"small-0": ["current", "4", "0", "0", "12", "built"]}
    assert galcat("release", "create").code == 0
    assert galcat("release", "backfill", "small-1").code == 0
    assert galcat("release", "promote", "small-1").code == 0
    assert list_releases(galcat)["small-1"] == ["current", "4", "0", "0", "12", "built"]


def test_weights_that_have_shipped_go_on_shipping() -> None:
    folder = Path(str(weights_store.shipped_weights()))
    listed = dict(reversed(line.split("  ", 1)) for line in (folder / "SHA256SUMS").read_text().splitlines())
    there = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.safetensors")
    }
    assert there == listed, "catalogues were made with these: a file stays, a new one has its line"


MISTAKES: list[tuple[list[str], int, str]] = [
    (["backfill", "no-such"], 1, "error: no release 'no-such'; there are: small-0, small-1"),
    (["promote", "no-such"], 1, "error: no release 'no-such'; there are: small-0, small-1"),
    (["drop", "no-such"], 1, "error: no release 'no-such'; there are: small-0, small-1"),
    (
        ["drop", "small-0"],
        1,
        "error: release small-0 is the current one: promote another before you drop it",
    ),
    (["create", "SECOND"], 1, "error: these weights are a release already: small-1"),
    (["create", "nowhere.safetensors"], 1, "error: no weights file nowhere.safetensors"),
    (["create", "--name", "small-1"], 1, "error: release small-1 is already there with other weights"),
    (["backfill", "small-1", "--weights", "FIRST"], 1, "is small-0 ("),
    (["backfill", "small-1", "--folder", "/data"], 2, "'/data' is not SURVEY=PATH"),
    (["promote", "small-1"], 1, "error: release small-1 lacks 3 of the tiles that the current release"),
]


def test_a_mistake_is_one_line_and_changes_nothing(
    two: Galcat, database: str, weights: Path, second_weights: Path
) -> None:
    before = read_first_release(database)
    files = {"FIRST": str(weights), "SECOND": str(second_weights)}
    for words, code, error in MISTAKES:
        said = two("release", *(files.get(word, word) for word in words))
        assert (words, said.code) == (words, code)
        assert error in said.err
        assert code == 2 or said.err.count("\n") == 1
        assert read_first_release(database) == before
        assert list_releases(two) == {
            "small-0": ["current", "3", "0", "0", "9", "built"],
            "small-1": ["-", "0", "3", "0", "0", "-"],
        }
