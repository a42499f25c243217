"""Likeness in some attributes, in all but some, and by weights, against numpy."""

import numpy as np
import psycopg
import pytest

from catalog.ingestion.records import object_id
from catalog.releases.releases import build_search_index
from tests.catalog.galaxies import fill, galaxy_rows

N = 1500


@pytest.fixture
def measured(connection: psycopg.Connection) -> psycopg.Connection:
    """A catalogue of N galaxies whose axes were found when its index was built."""
    fill(connection, N)
    assert build_search_index(connection, 1)
    return connection


class Galaxies:
    """The same galaxies in numpy."""

    def __init__(self, connection: psycopg.Connection) -> None:
        rows = galaxy_rows(N, seed=0)
        self.ids = np.array([object_id("survey", name) for name in rows.survey_source_id])
        self.search = rows.search.astype(np.float16).astype(np.float64)
        self.disk, self.disturbance = rows.fractions[:, 1], 1 - rows.fractions[:, 30]
        found = connection.execute(
            "SELECT attribute, axis::vector::real[] FROM galcat.attribute_axis"
        ).fetchall()
        self.axes = {name: np.array(axis, float) for name, axis in found}

    def basis(self, *attributes: str) -> np.ndarray:
        """Perpendicular unit vectors, one a row."""
        return np.linalg.svd(np.stack([self.axes[name] for name in attributes]), full_matrices=False)[2]

    def nearest(self, distances: np.ndarray, without: int, n: int) -> list[tuple[int, float]]:
        order = [i for i in np.lexsort((self.ids, distances)) if i != without][:n]
        return [(int(self.ids[i]), pytest.approx(float(distances[i]), abs=2e-3)) for i in order]


def vector(connection: psycopg.Connection, text: str, *values: object) -> np.ndarray:
    row = connection.execute(f"SELECT ({text})::vector::real[]", values).fetchone()
    assert row is not None
    return np.array(row[0], float)


def test_an_axis_goes_from_those_with_least_to_those_with_most(measured: psycopg.Connection) -> None:
    galaxies = Galaxies(measured)
    assert "colour" not in galaxies.axes  # these have no magnitude in g
    assert {"disk", "disturbance", "arms", "bar"} <= set(galaxies.axes)
    for name, value in (("disk", galaxies.disk), ("disturbance", galaxies.disturbance)):
        low, high = np.quantile(value.astype(float), [0.25, 0.75])
        axis = galaxies.search[value >= high].mean(axis=0) - galaxies.search[value <= low].mean(axis=0)
        assert galaxies.axes[name] == pytest.approx(axis / np.linalg.norm(axis), abs=2e-3)


def test_a_mixed_vector_has_the_attributes_of_one_and_all_else_of_the_other(
    measured: psycopg.Connection,
) -> None:
    galaxies = Galaxies(measured)
    basis = galaxies.basis("bar", "arms")
    inside = basis.T @ basis
    own, other = galaxies.search[3], galaxies.search[8]
    first, second = int(galaxies.ids[3]), int(galaxies.ids[8])
    mixed = vector(measured, "galcat.vector_mixed(%s, ARRAY['bar', 'arms', 'bar'], %s)", first, second)
    assert mixed == pytest.approx(own - inside @ own + inside @ other, abs=2e-3)
    without = vector(measured, "galcat.vector_mixed(%s, ARRAY['bar', 'arms'])", first)
    assert without == pytest.approx(own - inside @ own, abs=2e-3)
    assert basis @ without == pytest.approx(np.zeros(2), abs=2e-3)


def test_likeness_in_some_attributes_leaves_all_others_out(measured: psycopg.Connection) -> None:
    galaxies = Galaxies(measured)
    basis = galaxies.basis("disk", "disturbance")
    distances = np.linalg.norm((galaxies.search - galaxies.search[5]) @ basis.T, axis=1)
    found = measured.execute(
        "SELECT object_id, distance FROM galcat.similar_in(%s, ARRAY['disk', 'disturbance'], 12)",
        [int(galaxies.ids[5])],
    ).fetchall()
    assert [row[1] for row in found] == [row[1] for row in galaxies.nearest(distances, 5, 12)]
    assert all(row[1] == pytest.approx(distances[galaxies.ids == row[0]][0], abs=2e-3) for row in found)


def test_each_axis_counts_by_its_weight(measured: psycopg.Connection) -> None:
    galaxies = Galaxies(measured)
    weights = np.linspace(0, 2, 40).astype(np.float16).astype(float)
    distances = np.linalg.norm((galaxies.search - galaxies.search[7]) * weights, axis=1)
    found = measured.execute(
        "SELECT object_id, distance FROM galcat.similar_weighted(%s, %s::real[], 12)",
        [int(galaxies.ids[7]), weights.tolist()],
    ).fetchall()
    assert [row[1] for row in found] == [row[1] for row in galaxies.nearest(distances, 7, 12)]
    whole = measured.execute(
        "SELECT object_id, distance FROM galcat.similar_weighted(%s, array_fill(1::real, ARRAY[40]), 12)",
        [int(galaxies.ids[7])],
    ).fetchall()
    usual = measured.execute(
        "SELECT object_id, distance FROM galcat.similar_to(%s, 12) ORDER BY distance, object_id",
        [int(galaxies.ids[7])],
    ).fetchall()
    assert whole == usual


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("similar_in({id}, ARRAY['shape'], 5)", "no attribute is called shape in this catalogue: it has"),
        ("similar_in({id}, '{{}}', 5)", "likeness in no attribute: name some of disk, edge_on"),
        ("similar_in(1, ARRAY['disk'], 5)", "no galaxy has object_id 1"),
        ("similar_weighted({id}, ARRAY[1, 2]::real[], 5)", "40 weights from 0 to 100 are wanted"),
        ("similar_weighted({id}, array_fill('NaN'::real, ARRAY[40]), 5)", "40 weights from 0 to 100"),
    ],
)
def test_what_is_wrong_is_said(measured: psycopg.Connection, query: str, says: str) -> None:
    known = int(Galaxies(measured).ids[0])
    with pytest.raises(psycopg.Error, match=says):
        measured.execute(f"SELECT * FROM galcat.{query.format(id=known)}")
