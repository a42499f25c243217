"""From a question and labels to a column by the command line; a wrong file or word is one line."""

from pathlib import Path

import numpy as np
import pytest

from catalog.database.connection import connect
from tests.galcat.cli.asked_galaxies import Asked
from tests.galcat.cli.command_line import Galcat
from tests.galcat.workflows.tasks.ring_labels import N, fill_ring_task


@pytest.fixture
def asked(database: str) -> Asked:
    return fill_ring_task(database)


def test_labels_from_a_file_by_position_are_matched_listed_and_never_guessed(
    galcat: Galcat, database: str, asked: Asked, tmp_path: Path
) -> None:
    with connect(database, autocommit=True) as connection:
        near = connection.execute(
            "UPDATE galcat.source SET ra = (SELECT ra FROM galcat.source WHERE object_id = %(a)s), "
            "dec = (SELECT dec + 0.0003 FROM galcat.source WHERE object_id = %(a)s) "
            "WHERE object_id = %(b)s",
            {"a": int(asked.object_ids[2]), "b": int(asked.object_ids[3])},
        )
        assert near.rowcount == 1
    file = tmp_path / "rings.csv"
    lines = [f"{asked.ra[i]},{asked.dec[i] + 0.0002},{'yes' if asked.answer[i] else 'no'}" for i in (0, 1, 2)]
    file.write_text("\n".join(["RA,Dec,ring", *lines, "10.0,-89.9,yes"]) + "\n")
    said = galcat("label", "ring", file, "--labeller", "ann")
    assert said.code == 1
    assert "2 rows of" in said.err
    assert "no galaxy (1): row 4" in said.err
    assert "several galaxies, none was taken (1): row 3" in said.err
    with connect(database, autocommit=True) as connection:
        rows = connection.execute(
            "SELECT object_id, labeller, origin FROM galcat.label ORDER BY 1"
        ).fetchall()
    assert rows == sorted((int(asked.object_ids[i]), "ann", "rings.csv") for i in (0, 1))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("object_id,ring\nID,yes\nID,perhaps\n", "rings.csv, row 2: 'perhaps' is not one of no, yes"),
        ("object_id,ring\nID,yes\n1.5,no\n", "rings.csv, row 1: object_id"),
        (
            "object_id,shape\nID,yes\n",
            "has no column called ring, answer, label, class, only object_id, shape",
        ),
        ("object_id,ring\n", "rings.csv has no row"),
        ("object_id,ring\nID,yes\nID,no\n", "rings.csv, rows 1 and 2: yes and no, said of the same galaxy"),
        ("object_id,ring\nID,\nID,no\n", "rings.csv, row 1: there is no answer"),
    ],
)
def test_a_wrong_row_keeps_the_whole_file_out(
    galcat: Galcat, database: str, asked: Asked, tmp_path: Path, text: str, message: str
) -> None:
    file = tmp_path / "rings.csv"
    file.write_text(text.replace("ID", str(asked.object_ids[0])))
    said = galcat("label", "ring", file)
    assert said.code == 1
    assert message in said.err.replace("\n", " ")
    with connect(database, autocommit=True) as connection:
        assert connection.execute("SELECT count(*) FROM galcat.label").fetchone() == (0,)


def test_the_command_line_from_a_question_to_a_column(galcat: Galcat, asked: Asked, tmp_path: Path) -> None:
    assert galcat("tasks", "add", "kind", "--question", "What is it?", "--classes", "a,b,c").code == 0
    which = np.digitize(asked.search[:, 0], [-0.03, 0.03])
    file = tmp_path / "kinds.csv"
    lines = [f"{asked.object_ids[i]},{'abc'[which[i]]}" for i in range(90)]
    file.write_text("\n".join(["object_id,label", *lines, "12345,a"]) + "\n")
    said = galcat("label", "kind", file)
    assert said.code == 1
    assert "no galaxy (1): row 91" in said.err
    assert galcat("tasks", "say", "kind", f"{asked.object_ids[91]}={'abc'[which[91]]}").code == 0
    said = galcat("finetune", "kind")
    assert said.code == 0
    assert "learnt from 91 galaxies; on labels held out AUC 0." in said.err
    sheet = tmp_path / "next.png"
    assert galcat("tasks", "next", "kind", "-n", "4", "--sheet", sheet).code == 0
    assert sheet.read_bytes().startswith(b"\x89PNG")
    assert "p_b" in galcat("tasks", "likely", "kind", "--class", "b", "-n", "3").out
    listed = galcat("tasks").out
    assert "a 3" in listed or "a 2" in listed
    answer = galcat(
        "sql", "SELECT sum(kind_a_probability + kind_b_probability + kind_c_probability) FROM galcat.galaxy"
    )
    assert f"{N}" in answer.out
    assert "#blue put on 2 galaxies" in galcat("tag", "#Blue", *asked.object_ids[:2]).err
    assert galcat("sql", "SELECT DISTINCT tag FROM galcat.current_tag").out.split()[:2] == ["tag", "blue"]
    assert galcat("tasks", "drop", "kind").code == 0
    said = galcat("sql", "SELECT kind_a_probability FROM galcat.galaxy")
    assert (said.code, "kind_a_probability" in said.err) == (1, True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["tasks", "add", "Ring!", "--question", "?"], "task 'Ring!' is no name for a column"),
        (["tasks", "say", "ring", "yes"], "'yes' is not ID=answer"),
        (["tasks", "say", "ring", "123=yes"], "no galaxy has object_id 123"),
        (["tasks", "next", "rung"], "no task is called 'rung'; there are: ring"),
        (["finetune", "ring"], "error:"),
        (["tasks", "likely", "ring", "--class", "maybe"], "'maybe' is no class of no, yes"),
        (["label", "ring", "nowhere.csv"], "nowhere.csv: no such file"),
    ],
)
@pytest.mark.usefixtures("asked")
def test_a_wrong_word_is_one_line(galcat: Galcat, words: list[str], message: str) -> None:
    said = galcat(*words)
    assert said.code == 1
    assert message in said.err
    assert len(said.err.strip().splitlines()) == 1
