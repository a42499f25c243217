"""The command line: answers, one-line errors, exit codes, and the embedded server."""

import csv
import io
from pathlib import Path

import pytest
from astropy.table import Table
from PIL import Image

from catalog.database.connection import connect
from catalog.database.embedded.server import down
from catalog.ingestion.records import object_id
from catalog.releases.releases import build_search_index, refresh_statistics
from tests.catalog.galaxies import fill, galaxy_rows
from tests.galcat.bricks import GALAXIES, write_brick
from tests.galcat.cli.command_line import Galcat
from tests.galcat.held_tiles import kill_when_held


@pytest.fixture
def filled(galcat: Galcat, database: str) -> Galcat:
    """The command line over 20 made-up galaxies."""
    with connect(database, autocommit=True) as connection:
        fill(connection, 20)
    return galcat


def test_sql_prints_a_table_with_whole_ids(filled: Galcat) -> None:
    said = filled("sql", "SELECT object_id, mag_r, search FROM galcat.galaxy WHERE survey_source_id = 'g5'")
    assert said.code == 0
    header, row, count = said.out.strip().splitlines()
    assert header.split() == ["object_id", "mag_r", "search"]
    assert row.split()[0].isdecimal()
    assert row.split()[1] == "-"
    assert "40 numbers" in row
    assert count == "(1 rows)"


def test_sql_writes_csv_to_the_terminal_and_to_a_file(filled: Galcat, tmp_path: Path) -> None:
    query = "SELECT survey_source_id, ra FROM galcat.galaxy ORDER BY ra"
    rows = galaxy_rows(20, 0)
    wanted = sorted(zip(rows.ra.tolist(), rows.survey_source_id, strict=True))
    file = tmp_path / "answer.csv"
    assert filled("sql", query, "-o", file).code == 0
    for text in (filled("sql", query, "--format", "csv").out, file.read_text()):
        header, *found = csv.reader(io.StringIO(text))
        assert header == ["survey_source_id", "ra"]
        assert [(float(ra), name) for name, ra in found] == wanted


def test_similar_understands_ids_positions_names_and_lists(filled: Galcat, tmp_path: Path) -> None:
    rows = galaxy_rows(20, 0)
    identity = str(object_id("survey", "g3"))
    place = (repr(float(rows.ra[3])), repr(float(rows.dec[3])))
    Table({"ra": rows.ra[3:4], "dec": rows.dec[3:4]}).write(tmp_path / "list.csv")
    answers = [
        filled("similar", *words, "-n", "4", "-f", "csv").out
        for words in ([identity], place, ["g3"], ["survey:g3"], ["--list", tmp_path / "list.csv"])
    ]
    assert len(answers[0].splitlines()) == 5
    assert answers == answers[:1] * 5
    ids = [int(line.split(",")[0]) for line in answers[0].splitlines()[1:]]
    for name in ("a.csv", "a.vot", "a.parquet"):
        assert filled("similar", "g3", "-n", "4", "--columns", "ra,mag_r", "-o", tmp_path / name).code == 0
        table = Table.read(tmp_path / name)
        assert table.colnames == ["object_id", "distance", "ra", "mag_r"]
        assert table["object_id"].tolist() == ids


def test_similar_finds_all_that_fulfil_its_conditions(filled: Galcat) -> None:
    rows = galaxy_rows(20, 0)
    bright = {object_id("survey", f"g{i}") for i in range(20) if rows.magnitudes["r"][i] < 17 and i != 3}
    words = ["similar", "g3", "--where", "mag_r < 17", "--near", "10", "-20", "180", "-f", "csv"]
    for exact in ([], ["--exact"], ["--distinct"]):
        lines = filled(*words, *exact, "-n", "50").out.splitlines()[1:]
        assert {int(line.split(",")[0]) for line in lines} == bright


def test_match_gives_every_row_of_a_list_and_names_those_without_a_galaxy(
    filled: Galcat, tmp_path: Path
) -> None:
    rows = galaxy_rows(20, 0)
    ra, dec = [*rows.ra[:3], (rows.ra[3] + 1) % 360], rows.dec[:4]
    Table({"source": ["a", "b", "c", "d"], "RA": ra, "Dec": dec}).write(tmp_path / "list.fits")
    said = filled("match", tmp_path / "list.fits", "--columns", "survey_source_id, mag_r", "-f", "csv")
    assert said.code == 0
    header, *found = csv.reader(io.StringIO(said.out))
    assert header[0] == "source"
    assert header[3:] == ["object_id", "distance_arcsec", "matches", "survey_source_id", "mag_r"]
    assert [(row[0], row[5], row[6]) for row in found] == [
        ("a", "1", "g0"),
        ("b", "1", "g1"),
        ("c", "1", "g2"),
        ("d", "0", ""),
    ]
    assert said.err.splitlines() == ['3 of 4 positions have a galaxy within 3"', "no galaxy (1): row 4"]


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (["sql", "SELEC 1"], 1, 'error: syntax error at or near "SELEC" at character 1'),
        (["sql", "SELECT 1", "--format", "xls"], 1, "error: no format 'xls': choose table, csv"),
        (
            ["sql", "DROP TABLE galcat.source"],
            1,
            "error: cannot execute DROP TABLE in a read-only transaction",
        ),
        (["similar", "17"], 1, "error: no galaxy has object_id 17"),
        (["similar", "10.5", "-89.9"], 1, 'error: no galaxy within 3" of (10.5, -89.9)'),
        (["similar", "10.5", "-91"], 1, "error: cone: declination -91 is not between -90 and 90 degrees"),
        (["similar", "nosuch.jpg"], 1, "error: nosuch.jpg: no such file"),
        (
            ["similar", "1", "2", "3"],
            1,
            "error: 1 2 3 is no object_id and no position: give RA DEC in degrees",
        ),
        (["similar"], 2, "name a galaxy or an image, or give --list FILE"),
        (["similar", "17", "--list", "x.csv"], 2, "or give --list FILE"),
        (["similar", "--list", "nosuch.csv"], 1, "error: nosuch.csv: no such file"),
        (
            ["similar", "g1", "--where", "x <"],
            1,
            'error: syntax error at or near ")" (with the condition: x <)',
        ),
        (["similar", "g1", "--wher", "x"], 1, "error: there is no option --wher"),
        (["ingest", "/nosuch", "--survey", "legacy_dr10"], 1, "error: /nosuch: no such folder"),
        (["ingest", ".", "--survey", "sdss"], 1, "error: no survey 'sdss'; known: decals_fits, "),
        (
            ["ingest", ".", "--survey", "decals_fits", "--weights", "nosuch"],
            1,
            "error: no weights file nosuch",
        ),
        (["sql", "SELECT 1", "-o", "/nosuch/a.csv"], 1, "error: /nosuch/a.csv: No such file or directory"),
        (["nonsense"], 2, "No such command 'nonsense'"),
    ],
)
def test_a_mistake_is_one_line_and_an_exit_code(
    filled: Galcat, words: list[str], code: int, error: str
) -> None:
    said = filled(*words)
    assert said.code == code
    assert error in said.err
    assert "Traceback" not in said.err
    assert code == 2 or said.err.count("\n") == 1


def test_an_empty_catalogue_says_how_to_fill_it(galcat: Galcat) -> None:
    said = galcat("sql", "SELECT 1")
    assert (said.code, said.err) == (
        1,
        "error: the catalogue is empty: fill it with galcat demo or galcat ingest\n",
    )


def test_check_passes_and_fails_with_its_exit_code(filled: Galcat, database: str) -> None:
    said = filled("check")
    assert said.code == 1
    assert "35 violations, the first: embedding_r1_search_hnsw is missing" in said.out
    assert 'to do: in psql "$(galcat url)": SELECT galcat.build_search_index(1::smallint)' in said.out
    with connect(database, autocommit=True) as connection:
        build_search_index(connection, 1)
        refresh_statistics(connection)
        assert filled("check").code == 0
        connection.execute("DELETE FROM galcat.thumbnail")
    said = filled("check")
    assert said.code == 1
    assert "20 violations, the first: object_id" in said.out


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
    assert "1 tiles ingested, 0 unchanged, 1 failed; 3 galaxies" in said.err
    (line,) = [line for line in said.err.splitlines() if line.startswith("failed:")]
    assert line.startswith("failed: tile 0100p000: source ")
    assert " is in tile 0500p100 already: an id names one galaxy" in line
    assert galcat("check").code == 0


def test_an_image_is_compared_by_the_weights_of_the_release(
    galcat: Galcat, tmp_path: Path, weights: Path
) -> None:
    write_brick(tmp_path / "bricks", "0100p000")
    assert galcat("ingest", tmp_path / "bricks", "--survey", "legacy_dr10", "--weights", weights).code == 0
    Image.new("RGB", (60, 60), (200, 90, 30)).save(tmp_path / "mine.png")
    refused = galcat("similar", tmp_path / "mine.png")
    assert refused.code == 1
    assert "which are not among those shipped: give the file by --weights" in refused.err
    sheet = tmp_path / "sheet.png"
    said = galcat("similar", tmp_path / "mine.png", "--weights", weights, "--sheet", sheet)
    assert said.code == 0
    assert said.out.strip().endswith("(3 rows)")
    assert sheet.read_bytes()[:4] == b"\x89PNG"


def test_help_names_every_command(galcat: Galcat) -> None:
    said = galcat("--help")
    assert said.code == 0
    for command in (
        "up",
        "down",
        "url",
        "sql",
        "ingest",
        "demo",
        "similar",
        "match",
        "check",
        "jobs",
        "train",
    ):
        assert f" {command} " in said.out
        assert galcat(command, "--help").code == 0


def test_the_embedded_server_outlives_its_command_and_stops_on_request(
    server_home: Path, galcat: Galcat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GALCAT_DATABASE_URL")
    monkeypatch.setenv("GALCAT_HOME", str(server_home))
    assert galcat("url").code == 1
    up = galcat("up")
    assert up.code == 0
    assert galcat("url").out == up.out
    with connect(up.out.strip()) as connection:
        assert connection.execute("SELECT count(*) FROM galcat.galaxy").fetchone() == (0,)
    assert galcat("down").out == "stopped\n"
    assert galcat("down").out == "was not running\n"
    down(server_home)


def test_killed_in_mid_ingestion_every_tile_is_whole_or_absent_and_a_second_run_ends_it(
    galcat: Galcat, database: str, weights: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "bricks"
    names = [f"0100p{tenths:03d}" for tenths in range(0, 80, 5)]
    for name in names:
        write_brick(folder, name)
    words = ["ingest", str(folder), "--survey", "legacy_dr10", "--weights", str(weights)]
    kill_when_held(database, words, tmp_path / "said.txt", after=2)
    counts = galaxies_by_tile(database)
    assert len(counts) == 2
    assert set(counts.values()) == {GALAXIES}
    said = galcat(*words)
    assert said.code == 0
    assert f"{len(names) - len(counts)} tiles ingested, {len(counts)} unchanged" in said.err
    assert galaxies_by_tile(database) == dict.fromkeys(names, GALAXIES)


def galaxies_by_tile(database: str) -> dict[str, int]:
    with connect(database, autocommit=True) as connection:
        return dict(
            connection.execute(
                "SELECT t.name, (SELECT count(*) FROM galcat.galaxy AS g WHERE g.tile = t.name) "
                "FROM galcat.tile AS t JOIN galcat.ingestion USING (tile_id)"
            ).fetchall()
        )
