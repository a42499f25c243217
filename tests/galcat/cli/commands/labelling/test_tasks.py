"""From a question and labels to a column by the command line; a wrong file or word is one line."""

from pathlib import Path

import numpy as np
import pytest

from catalog.database.connection import connect
from tests.galcat.cli.command_line import Galcat
from tests.galcat.cli.labelled_galaxies import LabelledGalaxies
from tests.galcat.workflows.tasks.ring_labels import N, fill_ring_task


@pytest.fixture
def galaxies(database: str) -> LabelledGalaxies:
    return fill_ring_task(database)


def test_labels_from_a_file_by_position_are_matched_listed_and_never_guessed(
    galcat: Galcat, database: str, galaxies: LabelledGalaxies, tmp_path: Path
) -> None:
    with connect(database, autocommit=True) as connection:
        near = connection.execute(
            "UPDATE galcat.source SET ra = (SELECT ra FROM galcat.source WHERE object_id = %(a)s), "
            "dec = (SELECT dec + 0.0003 FROM galcat.source WHERE object_id = %(a)s) "
            "WHERE object_id = %(b)s",
            {"a": int(galaxies.object_ids[2]), "b": int(galaxies.object_ids[3])},
        )
        assert near.rowcount == 1
    file = tmp_path / "rings.csv"
    lines = [
        f"{galaxies.ra[i]},{galaxies.dec[i] + 0.0002},{'yes' if galaxies.answer[i] else 'no'}"
        for i in (0, 1, 2)
    ]
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
    assert rows == sorted((int(galaxies.object_ids[i]), "ann", "rings.csv") for i in (0, 1))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("object_id,ring\nID,yes\nID,perhaps\n", "rings.csv, row 2: 'perhaps' is not one of no, yes"),
        ("object_id,ring\nID,yes\n1.5,no\n", "rings.csv, row 2: object_id '1.5' is no whole number"),
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
    galcat: Galcat, database: str, galaxies: LabelledGalaxies, tmp_path: Path, text: str, message: str
) -> None:
    file = tmp_path / "rings.csv"
    file.write_text(text.replace("ID", str(galaxies.object_ids[0])))
    said = galcat("label", "ring", file)
    assert said.code == 1
    assert message in said.err.replace("\n", " ")
    with connect(database, autocommit=True) as connection:
        assert connection.execute("SELECT count(*) FROM galcat.label").fetchone() == (0,)


def test_the_command_line_from_a_question_to_a_column(
    galcat: Galcat, galaxies: LabelledGalaxies, tmp_path: Path
) -> None:
    assert galcat("tasks", "add", "kind", "--question", "What is it?", "--classes", "a,b,c").code == 0
    which = np.digitize(galaxies.search[:, 0], [-0.03, 0.03])
    file = tmp_path / "kinds.csv"
    lines = [f"{galaxies.object_ids[i]},{'abc'[which[i]]}" for i in range(90)]
    file.write_text("\n".join(["object_id,label", *lines, "12345,a"]) + "\n")
    said = galcat("label", "kind", file)
    assert said.code == 1
    assert "no galaxy (1): row 91" in said.err
    assert galcat("tasks", "say", "kind", f"{galaxies.object_ids[91]}={'abc'[which[91]]}").code == 0
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
    assert "#blue put on 2 galaxies" in galcat("tag", "#Blue", *galaxies.object_ids[:2]).err
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
@pytest.mark.usefixtures("galaxies")
def test_a_wrong_word_is_one_line(galcat: Galcat, words: list[str], message: str) -> None:
    said = galcat(*words)
    assert said.code == 1
    assert message in said.err
    assert len(said.err.strip().splitlines()) == 1


@pytest.mark.parametrize("ending", ["csv", "vot", "fits", "parquet"])
def test_labels_that_are_written_and_read_back_keep_who_when_and_what(
    galcat: Galcat, database: str, galaxies: LabelledGalaxies, tmp_path: Path, ending: str
) -> None:
    ids = [int(identity) for identity in galaxies.object_ids[:3]]
    bob = "bob" if ending == "fits" else "böb"  # FITS has no letters but those of ASCII
    said = [(ids[0], "yes", "ann"), (ids[0], "no", bob), (ids[1], "no", "ann"), (ids[2], "yes", "ann")]
    with connect(database, autocommit=True) as connection:
        for hours, (identity, answer, who) in enumerate(said):
            connection.execute(
                "INSERT INTO galcat.label (task, object_id, answer, labeller, labelled_at) VALUES "
                "('ring', %s, %s, %s, '2026-01-31 12:00:00.25+02'::timestamptz + %s * interval '1 hour')",
                [identity, answer, who, hours],
            )
        query = "SELECT object_id, answer, labeller, labelled_at FROM galcat.current_label ORDER BY label_id"
        before = connection.execute(query.encode()).fetchall()
        file = tmp_path / f"rings.{ending}"
        assert galcat("tasks", "labels", "ring", "-o", file).code == 0
        connection.execute("ALTER TABLE galcat.label DISABLE TRIGGER keep_history")
        connection.execute("DELETE FROM galcat.label")
        read = galcat("label", "ring", file)
        assert (read.code, "4 of them new" in read.err) == (0, True), read.err
        assert connection.execute(query.encode()).fetchall() == before
        assert "0 of them new" in galcat("label", "ring", file).err
        said = galcat("label", "ring", file, "--labeller", "gold")
        assert (said.code, said.err) == (
            1,
            f"error: {file}: its column labeller says who labelled: leave out --labeller, or that column\n",
        )


def test_a_label_is_taken_back_by_who_gave_it_and_by_nobody_else(
    galcat: Galcat, galaxies: LabelledGalaxies
) -> None:
    first, second = (str(identity) for identity in galaxies.object_ids[:2])
    assert galcat("tasks", "say", "ring", f"{first}=yes", f"{second}=no", "--labeller", "ann").code == 0
    assert galcat("tasks", "say", "ring", f"{first}=no", "--labeller", "bob").code == 0
    said = galcat("tasks", "withdraw", "ring", first, second, "--labeller", "bob")
    assert said.err.splitlines() == [
        "1 labels of bob taken back",
        f"error: bob has no label of {second}: see galcat tasks labels ring",
    ]
    assert said.code == 1
    left = galcat("tasks", "labels", "ring", "-f", "csv").out.splitlines()[1:]
    assert [(row.split(",")[0], *row.split(",")[3:5]) for row in left] == [
        (first, "yes", "ann"),
        (second, "no", "ann"),
    ]
    assert galcat("tasks", "labels", "ring", "--who", "bob").out.splitlines()[-1] == "(0 rows)"
    assert "auc 1 tells" in " ".join(galcat("tasks").err.split())


def test_agreement_counts_what_others_and_the_gold_standard_say(
    galcat: Galcat, galaxies: LabelledGalaxies
) -> None:
    first, second, third = (str(identity) for identity in galaxies.object_ids[:3])
    for who, answers in {
        "ann": (f"{first}=yes", f"{second}=no", f"{third}=no"),
        "bob": (f"{first}=yes", f"{second}=yes"),
        "gold": (f"{second}=no", f"{third}=yes"),
    }.items():
        assert galcat("tasks", "say", "ring", *answers, "--labeller", who).code == 0
    said = galcat("tasks", "agreement", "ring", "-f", "csv")
    assert said.out.splitlines() == [
        "labeller,said,pairs,agreeing,gold,gold_right",
        "ann,3,2,1,2,1",
        "bob,2,2,1,1,0",
    ]
    assert "no task is called 'none'" in galcat("tasks", "agreement", "none").err


def test_a_time_that_is_none_keeps_the_file_out(
    galcat: Galcat, galaxies: LabelledGalaxies, tmp_path: Path
) -> None:
    file = tmp_path / "rings.csv"
    file.write_text(f"object_id,answer,labelled_at\n{galaxies.object_ids[0]},yes,yesterday\n")
    said = galcat("label", "ring", file)
    assert said.code == 1
    assert "row 1: labelled_at 'yesterday' is no time such as 2026-01-31T12:00:00Z" in said.err
