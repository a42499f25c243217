"""Searches by likeness within each other are translated once."""

import pytest

from tests.catalog.adql.asking import Asked

G = "FROM galcat.galaxy"


@pytest.fixture(scope="module")
def one(asked: Asked) -> object:
    return asked.rows(f"SELECT MIN(object_id) {G}")[0][0]


def test_a_search_among_the_found_of_a_search_goes_ten_deep(asked: Asked, one: object) -> None:
    search = f"SELECT TOP 5 object_id {G} {{}} ORDER BY morph_distance(object_id, {one})"
    query = search.format("")
    expected = asked.rows(query)
    for _ in range(9):
        query = search.format(f"WHERE object_id IN ({query})")
    assert asked.rows(query) == expected
    assert len(asked.translated(query).searches) == 1


def test_a_search_around_the_found_of_a_search_goes_ten_deep(asked: Asked, one: object) -> None:
    query = str(one)
    for _ in range(10):
        query = f"(SELECT TOP 1 object_id {G} ORDER BY morph_distance(object_id, {query}))"
    assert asked.rows(query) == [(one,)]


def test_conditions_that_are_translated_again_count_once(asked: Asked, one: object) -> None:
    inner = ", ".join(["(SELECT MAX(id) FROM TAP_UPLOAD.mine)"] * 35)
    query = (
        f"WITH w AS (SELECT id FROM TAP_UPLOAD.mine) SELECT TOP 5 object_id {G} "
        f"WHERE 1 NOT IN ({inner}) AND 1 IN (SELECT id FROM w) ORDER BY morph_distance(object_id, {one})"
    )
    assert len(asked.rows(query)) == 5
