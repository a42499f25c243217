"""The graph of neighbours: whole, of today, resumed where it was cut off; lists answered at once."""

from pathlib import Path

import numpy as np
import psycopg
import pytest

from catalog.client import Catalogue
from catalog.errors import CatalogError, PositionsError, QueryError, UnknownObjectError
from catalog.ingestion.retraction import retract_tile
from catalog.ingestion.writer import write_tile
from catalog.neighbours import graph as graphs
from catalog.neighbours.galaxy_list import read_galaxy_list
from catalog.neighbours.graph import find_graph, make_graph
from catalog.neighbours.many import find_neighbours
from catalog.search.request import Search
from catalog.search.search import search
from tests.catalog.galaxies import fill, galaxy_rows, tile_record

N = 120
PAIRS = "SELECT object_id, place, neighbour_id, distance FROM galcat.neighbour ORDER BY 1, 2"


def by_search(connection: psycopg.Connection, one: int, n: int) -> list[tuple[int, float]]:
    """What a search for one galaxy gives, all compared."""
    found = search(connection, Search((one,), n=n, columns=(), exact=True))
    return [(int(str(row[0])), float(str(row[1]))) for row in found.rows]


def ids_of(connection: psycopg.Connection) -> list[int]:
    return [row[0] for row in connection.execute("SELECT object_id FROM galcat.galaxy ORDER BY 1").fetchall()]


def test_the_graph_has_what_a_search_for_each_galaxy_gives(connection: psycopg.Connection) -> None:
    fill(connection, N)
    assert find_graph(connection) is None
    told: list[tuple[int, int]] = []
    made = make_graph(connection, lambda done, total: told.append((done, total)))
    assert (made.nearest, made.recall, told) == (20, 1.0, [(N, N)])
    pairs = connection.execute(PAIRS).fetchall()
    assert len(pairs) == 20 * N
    for one in ids_of(connection)[::10]:
        expected = by_search(connection, one, 20)
        own = [row[1:] for row in pairs if row[0] == one]
        assert [place for place, _, _ in own] == list(range(1, 21))
        assert [distance for _, _, distance in own] == pytest.approx([d for _, d in expected], abs=1e-5)
        assert {near for _, near, _ in own} == {near for near, _ in expected}
    assert find_graph(connection) == made == make_graph(connection)


def test_a_list_is_answered_from_the_graph_of_today_and_in_blocks_otherwise(
    connection: psycopg.Connection, database: str
) -> None:
    fill(connection, N)
    asked = ids_of(connection)[::-3]
    with Catalogue(database) as catalogue:
        sought = catalogue.neighbours([*asked, asked[0]], n=7)
        make_graph(connection)
        read = catalogue.neighbours(asked, n=7)
        more = catalogue.neighbours(asked, n=30)
    assert [one.is_from_graph for one in (sought, read, more)] == [False, True, False]
    assert sought.object_ids.tolist() == read.object_ids.tolist() == asked
    assert (sought.neighbours == read.neighbours).all()
    assert (more.neighbours[:, :7] == read.neighbours).all()
    assert np.allclose(sought.distances, read.distances, atol=1e-6)
    expected = by_search(connection, asked[3], 7)
    assert set(read.neighbours[3].tolist()) == {near for near, _ in expected}
    rows = read.to_result().rows
    assert len(rows) == 7 * len(asked)
    assert rows[7][:3] == (asked[1], 1, read.neighbours[1, 0])


def test_a_tile_that_came_or_went_makes_the_graph_one_of_yesterday(connection: psycopg.Connection) -> None:
    survey, release = fill(connection, N)
    first = make_graph(connection)
    write_tile(connection, survey, release, tile_record("other"), galaxy_rows(30, 5, prefix="o"), [])
    assert find_graph(connection) is None
    assert not find_neighbours(connection, ids_of(connection)[:3]).is_from_graph
    assert len(connection.execute(PAIRS).fetchall()) == 20 * N  # the former, until there is another
    second = make_graph(connection)
    assert len(connection.execute(PAIRS).fetchall()) == 20 * (N + 30)
    graphs_left = connection.execute("SELECT graph_id FROM galcat.neighbour_graph").fetchall()
    assert graphs_left == [(second.graph_id,)] != [(first.graph_id,)]
    retract_tile(connection, "other")
    assert find_graph(connection) is None


def test_a_graph_that_was_cut_off_goes_on(
    connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(connection, N)
    monkeypatch.setattr(graphs, "BLOCK", 50)

    def stop(done: int, _: int) -> None:
        if done == 100:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_graph(connection, stop)
    assert find_graph(connection) is None
    assert connection.execute("SELECT count(*) FROM galcat.neighbour_list").fetchone() == (100,)
    assert connection.execute("SELECT count(*) FROM galcat.neighbour").fetchone() == (0,)
    told: list[int] = []
    made = make_graph(connection, lambda done, _: told.append(done))
    assert told == [N]
    assert find_graph(connection) == made
    assert connection.execute("SELECT count(*) FROM galcat.neighbour").fetchone() == (20 * N,)


def test_what_cannot_be_answered_is_said_in_a_line(connection: psycopg.Connection, tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="the catalogue is empty"):
        make_graph(connection)
    fill(connection, 3)
    ids = ids_of(connection)
    with pytest.raises(UnknownObjectError, match="no galaxy has object_id 5, nor 1 others"):
        find_neighbours(connection, [ids[0], 5, 6])
    with pytest.raises(QueryError, match="n is 501: ask for 1 to 500"):
        find_neighbours(connection, ids, 501)
    assert find_neighbours(connection, ids).neighbours.shape == (3, 2)
    assert find_neighbours(connection, []).neighbours.shape == (0, 2)
    file = tmp_path / "list.csv"
    file.write_text(f"object_id\n{ids[1]}\n77\n{ids[0]}\n{ids[1]}\n")
    read = read_galaxy_list(connection, file)
    assert (read.object_ids.tolist(), read.unmatched) == ([ids[1], ids[0]], [2])
    file.write_text("object_id\n1\nM 31\n")
    with pytest.raises(PositionsError, match=r"list\.csv, row 2: object_id 'M 31' is no whole number"):
        read_galaxy_list(connection, file)
    ra, dec = (
        connection.execute("SELECT ra, dec FROM galcat.galaxy WHERE object_id = %s", [ids[2]]).fetchone()
        or ()
    )
    file.write_text(f"ra,dec\n{ra},{dec}\n{ra},{-dec}\n")
    read = read_galaxy_list(connection, file)
    assert (read.object_ids.tolist(), read.unmatched) == ([ids[2]], [2])


def test_a_galaxy_without_a_vector_is_named_and_keeps_no_other_of_a_list_from_its_neighbours(
    connection: psycopg.Connection, tmp_path: Path
) -> None:
    fill(connection, 30)
    ids = ids_of(connection)
    places = connection.execute("SELECT ra, dec FROM galcat.galaxy ORDER BY object_id").fetchall()
    connection.execute("DELETE FROM galcat.embedding WHERE object_id = %s", [ids[1]])
    by_id, by_place = tmp_path / "ids.csv", tmp_path / "places.csv"
    by_id.write_text("\n".join(["object_id", *map(str, ids[:2]), "5", str(ids[2])]))
    rows = [*places[:2], (0.0, -89.9), places[2]]
    by_place.write_text("\n".join(["ra,dec", *(f"{ra!r},{dec!r}" for ra, dec in rows)]))
    for file in (by_id, by_place):
        read = read_galaxy_list(connection, file)
        assert (read.object_ids.tolist(), read.unmatched) == ([ids[0], ids[2]], [2, 3])
        assert find_neighbours(connection, read.object_ids).neighbours.shape == (2, 20)


def test_a_list_of_none_has_no_neighbours_with_the_graph_either(connection: psycopg.Connection) -> None:
    fill(connection, 30)
    make_graph(connection)
    found = find_neighbours(connection, [], 7)
    assert (found.is_from_graph, found.neighbours.shape, found.distances.shape) == (True, (0, 7), (0, 7))
    assert found.to_result().rows == []


def test_a_graph_that_lacks_a_galaxy_gives_no_other_its_neighbours(connection: psycopg.Connection) -> None:
    fill(connection, 30)
    ids = ids_of(connection)
    sought = find_neighbours(connection, ids[:3], 5)
    make_graph(connection)
    connection.execute("DELETE FROM galcat.neighbour_list WHERE object_id = %s", [ids[0]])
    found = find_neighbours(connection, ids[:3], 5)
    assert not found.is_from_graph
    assert found.object_ids.tolist() == ids[:3]
    np.testing.assert_array_equal(found.neighbours, sought.neighbours)
