"""A stranger's search of the service by what it holds in memory: the same answers."""

from pathlib import Path

import psycopg
import pytest

from catalog.search.memory import galaxy_memory
from catalog.search.memory.galaxy_memory import GalaxyMemory
from catalog.tap.limits import ServiceLimits
from tests.catalog.tap.tap_server import serving

QUERIES = (
    "SELECT TOP 20 object_id, mag_r FROM galcat.galaxy WHERE mag_r < 17 AND {cut} > 0.4 "
    "ORDER BY morph_distance(object_id, {id})",
    "SELECT TOP 20 object_id FROM galcat.galaxy WHERE 1 = CONTAINS(POINT(ra, dec), CIRCLE(150, 2, 70)) "
    "ORDER BY morph_distance(object_id, {id})",
    "SELECT TOP 20 object_id FROM galcat.galaxy WHERE survey = 'survey' AND (dec < -20 OR mag_r IS NULL) "
    "ORDER BY morph_distance(object_id, {id})",
)


def test_a_search_by_adql_is_answered_the_same_from_memory(
    galaxies: str,
    connection: psycopg.Connection,
    tmp_path: Path,
    limits: ServiceLimits,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(galaxy_memory, "MIN_GALAXIES", 1)
    row = connection.execute("SELECT min(object_id) FROM galcat.galaxy").fetchone()
    assert row is not None
    queries = [query.format(id=row[0], cut="smooth_or_featured_smooth_fraction") for query in QUERIES]
    with serving(galaxies, tmp_path / "one", limits) as service:
        without = [service.ask(query, RESPONSEFORMAT="csv").text for query in queries]
    memory = GalaxyMemory(galaxies)
    asked: list[bool] = []
    find_held = memory.find_held

    def counted(connection: psycopg.Connection) -> object:
        held = find_held(connection)
        asked.append(held is not None)
        return held

    monkeypatch.setattr(memory, "find_held", counted)
    with serving(galaxies, tmp_path / "two", limits, memory=memory) as service:
        assert memory.wait().phase == "held"
        assert [service.ask(query, RESPONSEFORMAT="csv").text for query in queries] == without
    assert asked == [True] * len(queries)
    assert all(len(text.split()) > 1 for text in without)
    assert memory.state.phase == "off"
