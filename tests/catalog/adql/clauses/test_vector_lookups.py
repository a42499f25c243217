"""morph_distance looks a vector up once, or once a row of the table that names it; never once a pair."""

import numpy as np
import pytest

from tests.catalog.adql.adql_catalogue import AdqlCatalogue

G, M = "FROM galcat.galaxy AS g", "TAP_UPLOAD.mine AS m"
FIXED = [
    "{one} + 0",
    "-(-{one})",
    "(SELECT TOP 1 object_id FROM galcat.galaxy WHERE object_id = {one})",
    "CAST('{one}' AS BIGINT)",
    "(SELECT search FROM galcat.embedding WHERE object_id = {one})",
]
OF_ROWS = [
    f"SELECT g.object_id, h.id {G}, (SELECT {{one}} AS id, id AS i FROM TAP_UPLOAD.mine) AS h "
    "ORDER BY morph_distance(g.object_id, h.id)",
    f"WITH me AS (SELECT {{one}} AS id FROM TAP_UPLOAD.probe) SELECT g.object_id {G}, me "
    "ORDER BY morph_distance(g.object_id, me.id)",
    f"SELECT g.object_id {G}, {M} ORDER BY morph_distance(g.object_id, m.id)",
]


@pytest.fixture(scope="module")
def one(catalogue: AdqlCatalogue) -> int:
    return int(str(catalogue.rows("SELECT object_id FROM galcat.galaxy ORDER BY object_id OFFSET 7")[0][0]))


def distances(catalogue: AdqlCatalogue, one: int) -> dict[int, float]:
    """By numpy, of the published vectors."""
    rows = catalogue.rows("SELECT object_id, search FROM galcat.embedding")
    vectors = {int(str(key)): np.array(vector, np.float32) for key, vector in rows}
    return {key: float(np.linalg.norm(vector - vectors[one])) for key, vector in vectors.items()}


@pytest.mark.parametrize("fixed", FIXED)
def test_what_names_no_column_of_from_is_looked_up_once_and_searched_for(
    catalogue: AdqlCatalogue, one: int, fixed: str
) -> None:
    given = fixed.format(one=one)
    query = f"SELECT TOP 5 object_id {G} ORDER BY morph_distance(object_id, {given})"
    (search,) = catalogue.translated(query).searches
    assert search.vector.as_string(None).startswith("(SELECT galcat.")
    expected = distances(catalogue, one)
    assert [row[0] for row in catalogue.rows(query)] == sorted(expected, key=lambda key: expected[key])[:5]


def test_the_id_of_an_uploaded_table_of_one_row_is_searched_for(catalogue: AdqlCatalogue) -> None:
    query = f"SELECT TOP 5 object_id {G}, TAP_UPLOAD.probe AS p ORDER BY morph_distance(object_id, p.id)"
    (search,) = catalogue.translated(query).searches
    assert "galcat.vector_of" in search.vector.as_string(None)


@pytest.mark.parametrize("query", OF_ROWS)
def test_an_id_of_another_table_is_looked_up_once_a_row_of_it(
    catalogue: AdqlCatalogue, one: int, query: str
) -> None:
    text = catalogue.translated(query.format(one=one)).query.as_string(None)
    before, order = text.split(" ORDER BY ")
    assert '"a vector 0"' in order
    assert "vector_of" in before
    assert "vector_of" not in order
    assert catalogue.translated(query.format(one=one)).searches == ()


def test_an_id_of_another_row_gives_the_distance_of_its_vector(catalogue: AdqlCatalogue, one: int) -> None:
    expected = distances(catalogue, one)
    for table in (
        "galcat.embedding",
        "galcat.embedding JOIN galcat.galaxy USING (object_id)",
        "galcat.galaxy JOIN galcat.embedding USING (object_id)",
        "(SELECT * FROM galcat.galaxy WHERE mag_r < 17) AS s",
        "(SELECT object_id + 0 AS object_id FROM galcat.galaxy) AS s",
    ):
        rows = catalogue.rows(f"SELECT object_id, morph_distance(object_id, {one}) FROM {table}")
        assert len(rows) > 1
        for key, found in rows:
            assert found == pytest.approx(expected[int(str(key))], abs=1e-3), table


def test_a_table_that_shows_the_vectors_is_compared_by_them(catalogue: AdqlCatalogue, one: int) -> None:
    for table in ("galcat.embedding", "galcat.embedding JOIN galcat.galaxy USING (object_id)"):
        query = f"SELECT object_id FROM {table} ORDER BY morph_distance(object_id, {one})"
        assert catalogue.translated(query).query.as_string(None).count("vector_of") == 1
        assert catalogue.plan(query)


def test_what_differs_from_row_to_row_is_not_taken_for_fixed(catalogue: AdqlCatalogue) -> None:
    for query in (
        f"SELECT TOP 5 object_id, object_id + 0 AS i {G} ORDER BY morph_distance(object_id, i)",
        f"SELECT TOP 5 object_id {G} ORDER BY morph_distance(object_id, (SELECT MAX(h.object_id) FROM "
        "galcat.galaxy AS h WHERE h.object_id <= g.object_id))",
        "WITH w AS (SELECT MAX(object_id) AS id FROM galcat.galaxy) SELECT TOP 5 object_id "
        f"{G} ORDER BY morph_distance(object_id, (SELECT id FROM w))",
    ):
        assert catalogue.translated(query).searches == ()
        assert len(catalogue.rows(query)) == 5
    (row,) = catalogue.rows(f"SELECT morph_distance(MIN(object_id), MIN(object_id) + 0 * COUNT(*)) {G}")
    assert row[0] == 0
