"""galcat calibrate: a survey's fractions by volunteers' votes, reversible, or refused in one line."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from catalog.database.connection import connect
from catalog.ingestion.records import SurveyRecord
from catalog.ingestion.tile_rows import register_survey
from catalog.ingestion.writer import write_tile
from catalog.releases.releases import register_release
from tests.catalog.galaxies import galaxy_rows, release_record, tile_record
from tests.encoder.calibration.made_votes import shifted
from tests.galcat.cli.command_line import Galcat

N = 60
EDGE = ("disk-edge-on_yes", "disk-edge-on_no")


@pytest.fixture
def votes(database: str) -> pd.DataFrame:
    """A catalogue of 60 galaxies whose network sees too few edge-on disks, and votes on each."""
    alpha, counts = shifted(N, [1.5, -1.5], seed=4)
    rows = galaxy_rows(N, 0)
    fractions, concentrations = rows.fractions.copy(), rows.concentrations.copy()
    fractions[:, 3:5] = alpha / alpha.sum(axis=1, keepdims=True)
    concentrations[:, 1] = alpha.sum(axis=1)
    with connect(database, autocommit=True) as connection:
        release = register_release(connection, release_record())
        survey = register_survey(connection, SurveyRecord("survey", "made up", ("g", "r"), "toml"))
        rows = replace(rows, fractions=fractions, concentrations=concentrations)
        write_tile(connection, survey, release, tile_record(), rows, [])
        register_release(connection, release_record("second"))
    table = pd.DataFrame(counts, columns=list(EDGE))
    table.insert(0, "survey_source_id", rows.survey_source_id)
    return table


def edge_on(database: str) -> NDArray[np.float64]:
    with connect(database, autocommit=True) as connection:
        rows = connection.execute(
            "SELECT disk_edge_on_yes_fraction FROM galcat.galaxy "
            "ORDER BY substr(survey_source_id, 2)::integer"
        ).fetchall()
    return np.array([row[0] for row in rows])


def test_fractions_come_near_the_votes_and_go_back(
    galcat: Galcat, database: str, votes: pd.DataFrame, tmp_path: Path
) -> None:
    file = tmp_path / "votes.csv"
    votes.to_csv(file, index=False)
    voted = (votes[EDGE[0]] / votes[list(EDGE)].sum(axis=1)).to_numpy()
    before = edge_on(database)
    said = galcat("calibrate", "survey", file, "--plot", tmp_path / "plot.png")
    assert said.code == 0, said.err
    assert "1 questions of survey are calibrated in release first by 60 galaxies with votes" in said.err
    after = edge_on(database)
    assert np.abs(after - voted).mean() < 0.5 * np.abs(before - voted).mean()
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
    listed = galcat("calibrate", "--list").out
    assert "disk_edge_on" in listed
    assert "votes.csv" in listed
    assert galcat("check").out.count("ok   calibrated") == 1
    promoted = galcat("release", "promote", "second", "--force")
    assert "the calibration of another release does not hold for second" in promoted.err
    galcat("release", "promote", "first", "--force")
    undone = galcat("calibrate", "survey", "--undo")
    assert "1 questions have the network's own fractions again" in undone.err
    np.testing.assert_array_equal(edge_on(database), before)
    assert "nothing was calibrated" in galcat("calibrate", "survey", "--undo").err
    assert galcat("calibrate", "--list").out.strip().endswith("(0 rows)")


def test_what_gives_no_calibration_changes_nothing_and_is_one_line(
    galcat: Galcat, database: str, votes: pd.DataFrame, tmp_path: Path
) -> None:
    file = tmp_path / "votes.csv"
    before = edge_on(database)
    for table, reason in (
        (votes[:39], "disk_edge_on: 39 galaxies have votes, 40 are needed"),
        (votes.assign(**{EDGE[1]: 0}), "disk_edge_on: all votes are for one answer"),
        (
            pd.concat([votes[:39], votes[39:41].assign(survey_source_id=["x", "y"])]),
            "39 galaxies have votes, 40 are needed; 2 of its 41 rows have no galaxy of survey",
        ),
        (votes[:0], "has no row"),
        (votes.assign(survey_source_id="x"), "none of its 60 rows is a galaxy of the survey"),
    ):
        table.to_csv(file, index=False)
        said = galcat("calibrate", "survey", file)
        assert said.code == 1
        (line,) = said.err.splitlines()
        assert line.startswith("error: ")
        assert reason in line
    assert "no survey 'nosuch'; there are: survey" in galcat("calibrate", "nosuch", file).err
    assert "no release 'third'" in galcat("calibrate", "survey", file, "--release", "third").err
    for words in ((), ("survey",), ("survey", file, "--undo")):
        assert galcat("calibrate", *words).code == 2
    np.testing.assert_array_equal(edge_on(database), before)


def test_rows_without_a_galaxy_are_named_and_the_others_count(
    galcat: Galcat, votes: pd.DataFrame, tmp_path: Path
) -> None:
    votes.loc[1, "survey_source_id"] = "stranger"
    votes.to_csv(tmp_path / "votes.csv", index=False)
    said = galcat("calibrate", "survey", tmp_path / "votes.csv")
    assert said.code == 1
    assert "by 59 galaxies with votes" in said.err
    assert "no galaxy of survey (1): row 2" in said.err
