"""Searches by likeness within each other are translated once."""

import pytest

from tests.catalog.adql.adql_catalogue import AdqlCatalogue

G = "FROM galcat.galaxy"


@pytest.fixture(scope="module")
def one(catalogue: AdqlCatalogue) -> object:
    return catalogue.rows(f"SELECT MIN(object_id) {G}")[0][0]


def test_a_search_among_the_found_of_a_search_goes_ten_deep(catalogue: AdqlCatalogue, one: object) -> None:
    search = f"SELECT TOP 5 object_id {G} {{}} ORDER BY morph_distance(object_id, {one})"
    query = search.format("")
    expected = catalogue.rows(query)
    for _ in range(9):
        query = search.format(f"WHERE object_id IN ({query})")
    assert catalogue.rows(query) == expected
    assert len(catalogue.translated(query).searches) == 1


def test_a_search_around_the_found_of_a_search_goes_ten_deep(catalogue: AdqlCatalogue, one: object) -> None:
    query = str(one)
    for _ in range(10):
        query = f"(SELECT TOP 1 object_id {G} ORDER BY morph_distance(object_id, {query}))"
    assert catalogue.rows(query) == [(one,)]


def test_conditions_that_are_translated_again_count_once(catalogue: AdqlCatalogue, one: object) -> None:
    inner = ", ".join(["(SELECT MAX(id) FROM TAP_UPLOAD.mine)"] * 35)
    query = (
        f"WITH w AS (SELECT id FROM TAP_UPLOAD.mine) SELECT TOP 5 object_id {G} "
        f"WHERE 1 NOT IN ({inner}) AND 1 IN (SELECT id FROM w) ORDER BY morph_distance(object_id, {one})"
    )
    assert len(catalogue.rows(query)) == 5
