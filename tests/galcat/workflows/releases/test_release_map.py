"""The map of a release: stored whole, the same each time, with what is alike near each other."""

import numpy as np
import pytest

from catalog.database.connection import connect
from galcat.errors import WorkflowError
from galcat.workflows.releases import release_map
from galcat.workflows.releases.release_map import arrange, make_release_map
from tests.catalog.galaxies import fill


def test_every_galaxy_has_a_place_and_a_second_map_takes_the_firsts_place(database: str) -> None:
    with connect(database, autocommit=True) as connection:
        fill(connection, 40)
    made = make_release_map(database)
    assert (made.release, made.galaxies, made.sampled) == ("first", 40, 40)
    make_release_map(database)
    with connect(database, autocommit=True) as connection:
        rows = connection.execute("SELECT object_ids, places FROM galcat.release_map").fetchall()
        ids = connection.execute("SELECT object_id FROM galcat.galaxy ORDER BY object_id").fetchall()
    assert len(rows) == 1
    assert np.frombuffer(rows[0][0], "<i8").tolist() == [row[0] for row in ids]
    places = np.frombuffer(rows[0][1], "<f4").reshape(-1, 2)
    assert np.abs(places).max() == pytest.approx(1, abs=1e-6)


def test_what_is_alike_is_near_whether_it_was_sampled_or_placed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release_map, "SAMPLE", 60)
    rng = np.random.default_rng(5)
    kind = np.arange(120) % 3
    vectors = (np.eye(3, 40)[kind] * 4 + rng.normal(size=(120, 40)) * 0.05).astype(np.float32)
    places, sampled = arrange(vectors)
    assert sampled == 60
    distance = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    assert (kind[distance.argmin(axis=1)] == kind).all()
    again, _ = arrange(vectors)
    np.testing.assert_array_equal(places, again)


def test_too_few_galaxies_are_no_map(database: str) -> None:
    with connect(database, autocommit=True) as connection:
        fill(connection, 3)
    with pytest.raises(WorkflowError, match="has 3 galaxies: a map needs 4 or more"):
        make_release_map(database)
