"""Votes are read and their galaxies found, or the file is refused in one line that names the row."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import psycopg
import pytest

from catalog.calibration.vote_file import GalaxyColumns, read_vote_file
from catalog.errors import CatalogError, VotesError
from catalog.ingestion.records import SurveyRecord
from catalog.ingestion.tile_rows import register_survey
from catalog.ingestion.writer import write_tile
from tests.catalog.galaxies import fill, galaxy_rows, tile_record

USUAL = GalaxyColumns(None, None, None, 3.0)
EDGE = {"disk-edge-on_yes": [10.0, 0.0, 3.5], "disk-edge-on_no": [2.0, 0.0, 30.0]}
ROWS = galaxy_rows(3, 0)


def write(path: Path, columns: dict[str, object]) -> Path:
    pd.DataFrame(columns).to_csv(path, index=False)
    return path


def test_galaxies_are_found_by_every_kind_of_id_and_by_position(
    connection: psycopg.Connection, tmp_path: Path
) -> None:
    survey, release = fill(connection, 3)
    other = register_survey(connection, SurveyRecord("other", "made up", ("g", "r"), "toml"))
    write_tile(connection, other, release, tile_record("there"), galaxy_rows(3, 0, "o"), [])  # the same sky
    ids = dict(connection.execute("SELECT survey_source_id, object_id FROM galcat.source").fetchall())
    wanted = [ids["g2"], ids["g0"]]
    counts = {name: values[:3] for name, values in EDGE.items()}
    places = {"ra": [*ROWS.ra[[2, 0]], 5.0], "dec": [*ROWS.dec[[2, 0]], 80.0]}
    ways: list[tuple[dict[str, object], GalaxyColumns]] = [
        ({"object_id": [*wanted, ids["o1"]]}, USUAL),
        ({"survey_source_id": ["g2", "g0", "o1"]}, USUAL),
        ({"id": ["g2", "g0", "o1"]}, USUAL),
        ({"id": ["a", "b", "c"], **places}, USUAL),
        ({"name": ["g2", "g0", "o1"], **places}, GalaxyColumns("name", None, None, 3.0)),
        ({"object_id": [1, 2, 3], "a": places["ra"], "d": places["dec"]}, GalaxyColumns(None, "a", "d", 3.0)),
    ]
    for columns, how in ways:
        file = read_vote_file(connection, survey, write(tmp_path / "votes.csv", columns | counts), how)
        assert file.object_ids.tolist() == wanted, columns
        assert (file.unmatched, file.ambiguous, file.n_rows) == ([3], [], 3)
        assert [one.question for one in file.questions] == ["disk_edge_on"]
        np.testing.assert_array_equal(file.questions[0].counts, [[10, 2], [0, 0]])


def test_fractions_with_voters_are_counts_and_a_question_in_part_is_named(
    connection: psycopg.Connection, tmp_path: Path
) -> None:
    survey, _ = fill(connection, 2)
    file = write(
        tmp_path / "votes.csv",
        {
            "survey_source_id": ["g0", "g1"],
            "disk_edge_on_yes_fraction": [0.25, None],
            "Disk-Edge-On_no_fraction": [0.75, None],
            "disk-edge-on_total-votes": [8, 0],
            "bar_strong": [1, 2],
            "bar_no": [1, 2],
        },
    )
    read = read_vote_file(connection, survey, file, USUAL)
    np.testing.assert_array_equal(read.questions[0].counts, [[2, 6], [0, 0]])
    assert read.partial == ["bar: no column bar_weak"]


def test_weighted_counts_may_be_rounded_above_the_whole_number_of_voters(
    connection: psycopg.Connection, tmp_path: Path
) -> None:
    """As Galaxy Zoo 2 has them: 10.3 weighted votes of 10 voters."""
    survey, _ = fill(connection, 1)
    counts = {"survey_source_id": ["g0"], "disk-edge-on_yes": [0.1], "disk-edge-on_no": [10.2]}
    path = write(tmp_path / "votes.csv", counts | {"disk-edge-on_total-votes": [10]})
    read = read_vote_file(connection, survey, path, USUAL)
    np.testing.assert_array_equal(read.questions[0].counts, [[0.1, 10.2]])


IDS: dict[str, object] = {"survey_source_id": ["g0", "g1", "g2"]}


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        (
            {
                "disk-edge-on_yes_fraction": [0.5, 0.4, 0.1],
                "disk-edge-on_no_fraction": [0.5, 0.4, 0.1],
                "disk-edge-on_total-votes": [9, 9, 9],
            },
            r"row 2: the fractions of disk_edge_on sum to 0.8, not to 1 \(and 1 more rows like it\)",
        ),
        (
            {"disk-edge-on_yes_fraction": [0.5] * 3, "disk-edge-on_no_fraction": [0.5] * 3},
            "fractions of disk_edge_on without a column disk_edge_on_total-votes",
        ),
        (
            EDGE | {"disk-edge-on_total-votes": [12, 0, 20]},
            "row 3: 33.5 votes on disk_edge_on, but 20 voters",
        ),
        (EDGE | {"disk-edge-on_no": [1, -2, 3]}, "row 2: disk-edge-on_no = -2 is no number of votes"),
        (EDGE | {"disk-edge-on_no": ["1", "many", "3"]}, "column disk-edge-on_no holds no numbers"),
        (EDGE | {"disk_edge_on_no": [1, 2, 3]}, "disk-edge-on_no and disk_edge_on_no mean the same votes"),
        ({"disk-edge-on_no": [1, 2, 3]}, "not all answers of any question: disk_edge_on: no column"),
        ({"ring": [1, 2, 3]}, "not all answers of any question; columns of votes are called as"),
        (EDGE | {"survey_source_id": ["x", "y", "z"]}, "none of its 3 rows is a galaxy of the survey"),
        (EDGE | {"survey_source_id": ["g0", "g1", "g0"]}, "rows 1 and 3 are of one galaxy"),
        (EDGE | {"object_id": ["1", "2", "3.5"]}, "row 3: object_id '3.5' is no whole number"),
    ],
)
def test_what_cannot_be_votes_is_refused_in_one_line(
    connection: psycopg.Connection, tmp_path: Path, columns: dict[str, object], reason: str
) -> None:
    survey, _ = fill(connection, 3)
    path = write(tmp_path / "votes.csv", IDS | columns)
    with pytest.raises(CatalogError, match=reason) as caught:
        read_vote_file(connection, survey, path, USUAL)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_empty_files_and_columns_that_are_not_there_are_refused(
    connection: psycopg.Connection, tmp_path: Path
) -> None:
    survey, _ = fill(connection, 3)
    empty = tmp_path / "empty.csv"
    empty.write_bytes(b"")
    header = write(tmp_path / "header.csv", {name: [] for name in ("survey_source_id", *EDGE)})
    for path in (empty, header, tmp_path / "nosuch.csv"):
        with pytest.raises(CatalogError, match=str(path)):
            read_vote_file(connection, survey, path, USUAL)
    votes = write(tmp_path / "votes.csv", IDS | EDGE)
    with pytest.raises(VotesError, match="no column 'nosuch', only survey_source_id, disk-edge-on_yes"):
        read_vote_file(connection, survey, votes, GalaxyColumns("nosuch", None, None, 3.0))


def test_a_position_with_two_galaxies_of_the_survey_is_not_guessed(
    connection: psycopg.Connection, tmp_path: Path
) -> None:
    survey, release = fill(connection, 3)
    twin = replace(galaxy_rows(1, 5, "twin"), ra=ROWS.ra[:1], dec=ROWS.dec[:1])
    write_tile(connection, survey, release, tile_record("twin"), twin, [])
    places = {"ra": ROWS.ra, "dec": ROWS.dec}
    read = read_vote_file(connection, survey, write(tmp_path / "votes.csv", places | EDGE), USUAL)
    assert (read.ambiguous, read.unmatched, len(read.object_ids)) == ([1], [], 2)
