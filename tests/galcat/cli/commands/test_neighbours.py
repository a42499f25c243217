"""The commands for neighbours of a list and of all."""

import csv
from pathlib import Path

from catalog.database.connection import connect
from tests.catalog.galaxies import fill
from tests.galcat.cli.command_line import Galcat


def test_a_list_gets_its_neighbours_with_the_graph_and_without(
    galcat: Galcat, database: str, tmp_path: Path
) -> None:
    with connect(database, autocommit=True) as connection:
        fill(connection, 50)
        rows = connection.execute("SELECT object_id FROM galcat.galaxy ORDER BY 1").fetchall()
    asked = [str(row[0]) for row in rows[:4]]
    (tmp_path / "list.csv").write_text("\n".join(["object_id", *asked]))
    words = ("neighbours", tmp_path / "list.csv", "-n", 3, "-o", tmp_path / "alike.csv")
    said = galcat(*words)
    assert (said.code, "4 galaxies, 3 neighbours each, all vectors compared" in said.err) == (0, True)
    before = (tmp_path / "alike.csv").read_text()
    found = list(csv.DictReader(before.splitlines()))
    assert [row["object_id"] for row in found] == [one for one in asked for _ in range(3)]
    assert [row["place"] for row in found] == ["1", "2", "3"] * 4
    made = galcat("graph")
    assert made.code == 0
    assert made.err.strip().startswith("the graph of 20 neighbours is of ")
    assert made.err.strip().endswith("a sample has 100.0% of its true neighbours")
    (tmp_path / "alike.csv").unlink()
    said = galcat(*words)
    assert (said.code, "4 galaxies, 3 neighbours each, from the graph" in said.err) == (0, True)
    assert (tmp_path / "alike.csv").read_text() == before
    with (tmp_path / "list.csv").open("a") as file:
        file.write("\n5\n")
    said = galcat("neighbours", tmp_path / "list.csv")
    assert (said.code, "no galaxy (1): row 5" in said.err) == (1, True)
