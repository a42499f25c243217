"""Anomaly searches on the command line: from a search to a column, and what is refused."""

import csv
from pathlib import Path

import numpy as np
import pytest

from catalog.database.connection import connect
from catalog.tasks.tasks import add_task, make_task
from galcat.workflows.tasks import anomaly_round
from tests.galcat.cli.command_line import Galcat
from tests.galcat.cli.labelled_galaxies import LabelledGalaxies
from tests.galcat.workflows.tasks.rated_galaxies import (
    Heard,
    everything,
    fill,
    fit_ratings,
    predict_all,
    rate,
    read_shown,
    rows,
    standard,
    taste,
)


def test_the_command_line_from_a_search_to_a_column(
    galcat: Galcat, database: str, galaxies: LabelledGalaxies, tmp_path: Path
) -> None:
    sheet, table = tmp_path / "next.png", tmp_path / "best.csv"
    assert "search strange is there now" in galcat("anomalies", "new", "strange").err
    assert "search strange was there already" in galcat("anomalies", "new", "strange").err
    wishes = taste(galaxies)
    heard: Heard = {}
    for number in (1, 2, 3):
        said = galcat("anomalies", "next", "strange", "--sheet", sheet)
        assert said.code == 0
        assert f"round {number}, after {len(heard)} ratings: 10 galaxies to rate" in said.err
        assert sheet.read_bytes().startswith(b"\x89PNG")
        sheet.unlink()
        listed = [int(line.split()[0]) for line in said.out.splitlines()[1:11]]
        words = [f"{i}={wishes[i]}" for i in listed]
        assert f"6 of round {number} wait" in galcat("anomalies", "rate", "strange", *words[:4]).err
        assert "(6 rows)" in galcat("anomalies", "next", "strange", "--sheet", sheet).out
        last = galcat("anomalies", "rate", "strange", *words[4:])
        assert (last.code, "galcat anomalies next strange has new ones" in last.err) == (0, True)
        heard |= {i: wishes[i] for i in listed}
    counts = galcat("anomalies").out.splitlines()
    assert [line.split()[-3:] for line in counts if line.startswith("strange")] == [["3", "30", "0"]]

    assert galcat("anomalies", "best", "strange", "-n", "7", "--sheet", sheet, "-o", table).code == 0
    assert sheet.read_bytes().startswith(b"\x89PNG")
    with table.open() as file:
        best = [int(row["object_id"]) for row in csv.DictReader(file)]
    before = {i: score for i, score in heard.items() if i not in listed}
    expected = np.argsort(-fit_ratings(galaxies, before).mean(standard(galaxies)), kind="stable")[:7]
    assert best == galaxies.object_ids[expected].tolist()
    assert galcat("anomalies", "score", "strange", *best[:2]).out.count("\n") == 4
    assert "version 1: 200 galaxies scored" in galcat("anomalies", "column", "strange").err
    mean, _ = predict_all(galaxies, fit_ratings(galaxies, heard))
    assert read_shown(database, "strange_interest") == pytest.approx(mean, abs=1e-5)
    assert "version 1: 0 galaxies scored" in galcat("anomalies", "column", "strange").err


@pytest.mark.usefixtures("galaxies")
def test_a_release_without_anomaly_score_says_so(galcat: Galcat, database: str, tmp_path: Path) -> None:
    rows(database, "UPDATE galcat.morphology SET anomaly_score = NULL RETURNING 1")
    said = galcat("anomalies", "next", "odd", "--strangest", "--sheet", tmp_path / "next.png")
    assert (said.code, said.err.strip().splitlines()) == (
        1,
        ["error: release first has no anomaly_score: begin with random galaxies"],
    )
    assert everything(database) == [[], [], []]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["rate", "odd", "ID=5.1"], "5.1 is no rating from 0 to 5"),
        (["rate", "odd", "GOOD", "ID=-0.5"], "-0.5 is no rating from 0 to 5"),
        (["rate", "odd", "GOOD", "ID=nan"], "nan is no rating from 0 to 5"),
        (["rate", "odd", "GOOD", "ID=inf"], "inf is no rating from 0 to 5"),
        (["rate", "odd", "GOOD", "ID=great"], "'great' is no rating from 0 to 5"),
        (["rate", "odd", "GOOD", "ID="], "'' is no rating from 0 to 5"),
        (["rate", "odd", "GOOD", "five"], "'five' is not ID=SCORE"),
        (["rate", "odd", "GOOD", "x12=3"], "'x12=3' is not ID=SCORE"),
        (["rate", "odd", "GOOD", "123=3"], "no galaxy has object_id 123"),
        (["rate", "odd", "GOOD", f"{10**30}=3"], "error: "),
        (["rate", "old", "GOOD"], "no task is called 'old'; there are: odd, blue, ring"),
        (["rate", "ring", "ID=3"], "task ring has the classes no, yes: see galcat tasks"),
        (["next", "ring"], "task ring has the classes no, yes: see galcat tasks"),
        (["best", "ring"], "task ring has the classes no, yes: see galcat tasks"),
        (["score", "ring", "ID"], "task ring has the classes no, yes: see galcat tasks"),
        (["column", "ring"], "task ring has the classes no, yes: see galcat tasks"),
        (["next", "old"], "no task is called 'old'; there are: odd, blue, ring"),
        (["column", "old"], "no task is called 'old'; there are: odd, blue, ring"),
        (["best", "odd"], "search odd has no list yet"),
        (["score", "odd", "ID"], "an interest cannot be learnt from fewer than 2 ratings, and there are 0"),
        (["column", "odd"], "an interest cannot be learnt from fewer than 2 ratings, and there are 0"),
        (["new", "Odd!"], "task 'Odd!' is no name for a column"),
        (["new", "odd", "--question", "Else?"], "there is another task odd: 'How odd is it?', a rating"),
    ],
)
def test_a_wrong_word_is_one_line_and_nothing_is_stored(
    galcat: Galcat, database: str, words: list[str], message: str
) -> None:
    galaxies = fill(database, 5)
    with connect(database, autocommit=True) as connection:
        add_task(connection, make_task("ring", "Has it a ring?", ()))
    good, other = galaxies.object_ids[:2].tolist()
    said = galcat("anomalies", *(w.replace("GOOD", f"{good}=3").replace("ID", str(other)) for w in words))
    assert said.code == 1
    assert message in said.err
    assert len(said.err.strip().splitlines()) == 1
    assert everything(database) == [[], [], []]
    assert rows(database, "SELECT count(*) FROM galcat.label") == [(0,)]
    assert rows(database, "SELECT count(*) FROM galcat.task WHERE has_column") == [(0,)]


def test_scores_of_named_galaxies_are_by_all_ratings_so_far(
    galcat: Galcat, database: str, galaxies: LabelledGalaxies
) -> None:
    heard = rate(database, {int(i): taste(galaxies)[int(i)] for i in galaxies.object_ids[:12]})
    wanted = sorted(galaxies.object_ids[10:14].tolist())
    mean, deviation = predict_all(galaxies, fit_ratings(galaxies, heard))
    with connect(database, autocommit=True) as connection:
        session = anomaly_round.read_session(connection, "odd")
        found = anomaly_round.predict_ratings(session, session.fit_interest(), connection, wanted)
    assert [(one.object_id, one.expected_improvement) for one in found] == [(i, None) for i in wanted]
    assert [one.interest for one in found] == pytest.approx([mean[i] for i in wanted], abs=1e-5)
    assert [one.uncertainty for one in found] == pytest.approx([deviation[i] for i in wanted], abs=1e-5)
    listed = [int(x.split()[0]) for x in galcat("anomalies", "score", "odd", *wanted).out.splitlines()[1:5]]
    assert listed == wanted
    said = galcat("anomalies", "score", "odd", wanted[0], 77)
    assert (said.code, said.err.strip()) == (1, "error: no galaxy has object_id 77")
