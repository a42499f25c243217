"""Labels of galaxies that were retired: counted apart, offered to what lies there now, copied on demand."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psycopg
import pytest

from catalog.database.connection import connect
from tests.galcat.cli.command_line import Galcat
from tests.galcat.cli.labelled_galaxies import LabelledGalaxies
from tests.galcat.workflows.tasks.ring_labels import fill_ring_task, say


@pytest.fixture
def galaxies(database: str) -> LabelledGalaxies:
    """Ten galaxies labelled by ann, the first two by bob too."""
    there = fill_ring_task(database)
    say(database, there, range(10))
    say(database, there, range(2), who="bob")
    return there


@pytest.fixture
def connection(database: str) -> Iterator[psycopg.Connection]:
    with connect(database, autocommit=True) as opened:
        yield opened


def retire(connection: psycopg.Connection, galaxies: LabelledGalaxies, rows: range) -> None:
    ids = galaxies.object_ids[rows.start : rows.stop].tolist()
    connection.execute("UPDATE galcat.source SET is_retired = true WHERE object_id = ANY (%s)", [ids])


def put(
    connection: psycopg.Connection, galaxies: LabelledGalaxies, row: int, at: int, east_arcsec: float
) -> int:
    """Move a galaxy beside another; returns its object_id."""
    east_deg = east_arcsec / 3600 / np.cos(np.radians(galaxies.dec[at]))
    connection.execute(
        "UPDATE galcat.source SET ra = %s, dec = %s WHERE object_id = %s",
        [float((galaxies.ra[at] + east_deg) % 360), float(galaxies.dec[at]), int(galaxies.object_ids[row])],
    )
    return int(galaxies.object_ids[row])


def labels_of(connection: psycopg.Connection, object_id: int) -> list[tuple[object, ...]]:
    return connection.execute(
        "SELECT answer, labeller, labelled_at, origin FROM galcat.label "
        "WHERE object_id = %s ORDER BY label_id",
        [object_id],
    ).fetchall()


def test_labels_of_retired_galaxies_are_counted_apart_offered_and_copied_once(
    galcat: Galcat, connection: psycopg.Connection, galaxies: LabelledGalaxies, tmp_path: Path
) -> None:
    retire(connection, galaxies, range(4))
    live = put(connection, galaxies, 100, 0, 1.0)  # alone: takes both labels
    put(connection, galaxies, 101, 1, 0.5)
    put(connection, galaxies, 102, 1, -0.5)  # two: none is taken
    put(connection, galaxies, 103, 2, 3.5)  # too far
    known = put(connection, galaxies, 104, 3, 2.0)
    say_no = connection.execute(
        "INSERT INTO galcat.label (task, object_id, answer, labeller) VALUES ('ring', %s, NULL, 'ann')",
        [known],
    )
    assert say_no.rowcount == 1  # ann took back what she had said of it: that is not said over

    listed = galcat("tasks")
    assert "task ring: 4 of retired galaxies; galcat tasks retired ring" in listed.err
    answers = [bool(galaxies.answer[row]) for row in range(4, 10)]
    shown = " ".join(listed.out.split())
    assert f"no {answers.count(False)}, yes {answers.count(True)}" in shown

    offered = galcat("tasks", "retired", "ring", "-o", tmp_path / "retired.csv")
    assert offered.code == 0
    assert "6 labels of retired galaxies; 2 can be copied" in offered.err
    lines = (tmp_path / "retired.csv").read_text().splitlines()
    assert [line.rsplit(",", 1)[1] for line in lines] == [
        "remark",
        "can be copied",
        "2 galaxies within the radius",
        "no galaxy within the radius",
        "ann has labelled it too",
        "can be copied",
        "2 galaxies within the radius",
    ]
    before = [labels_of(connection, int(i)) for i in galaxies.object_ids[:4]]
    assert "2 labels of ring copied" in galcat("tasks", "adopt", "ring").err
    assert labels_of(connection, live) == [
        (answer, who, when, f"retired {galaxies.object_ids[0]}") for answer, who, when, _ in before[0]
    ]
    assert [row[1] for row in labels_of(connection, live)] == ["ann", "bob"]
    assert [labels_of(connection, int(i)) for i in galaxies.object_ids[:4]] == before
    assert "0 labels of ring copied" in galcat("tasks", "adopt", "ring").err
    assert "1 labels of ring copied" in galcat("tasks", "adopt", "ring", "--radius-arcsec", 3.6).err


@pytest.mark.parametrize("more", [[], ["--depth", "1"]])
def test_finetune_says_that_the_labelled_galaxies_are_retired(
    galcat: Galcat, connection: psycopg.Connection, galaxies: LabelledGalaxies, more: list[str]
) -> None:
    retire(connection, galaxies, range(10))
    said = galcat("finetune", "ring", *more)
    assert said.code == 1
    assert said.err.strip().startswith(
        "error: task ring has labels of 10 retired galaxies, from which nothing is learnt: "
        "galcat tasks retired ring names the galaxies that lie there now; no galaxy is labelled"
    )
    assert len(said.err.strip().splitlines()) == 1
