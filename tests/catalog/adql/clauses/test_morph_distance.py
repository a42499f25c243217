"""morph_distance: exact wherever it stands, and a search where it sorts the galaxies."""

import numpy as np
import psycopg
import pytest
from numpy.typing import NDArray

from catalog.adql.errors import AdqlError
from catalog.errors import QueryError
from tests.catalog.adql.adql_catalogue import AdqlCatalogue, N
from tests.catalog.adql.small_published import AdqlTranslator

G = "FROM galcat.galaxy"
Vectors = NDArray[np.float32]


@pytest.fixture(scope="module")
def vectors(catalogue: AdqlCatalogue) -> dict[int, Vectors]:
    """Every galaxy's (40,) search vector."""
    rows = catalogue.rows("SELECT object_id, search FROM galcat.embedding")
    return {int(str(key)): np.array(vector, np.float32) for key, vector in rows}


@pytest.fixture(scope="module")
def one(vectors: dict[int, Vectors]) -> int:
    return sorted(vectors)[7]  # the vector of the uploaded table `probe`


def distances(vectors: dict[int, Vectors], to: Vectors) -> dict[int, float]:
    return {key: float(np.linalg.norm(vector - to)) for key, vector in vectors.items()}


def nearest(vectors: dict[int, Vectors], to: Vectors, n: int) -> list[int]:
    found = distances(vectors, to)
    return sorted(found, key=lambda key: (found[key], key))[:n]


def test_it_is_the_distance_of_the_vectors(
    catalogue: AdqlCatalogue, vectors: dict[int, Vectors], one: int
) -> None:
    rows = catalogue.rows(
        f"SELECT object_id, morph_distance(object_id, {one}), morph_distance({one}, object_id) {G}"
    )
    expected = distances(vectors, vectors[one])
    assert len(rows) == N
    for key, forth, back in rows:
        assert forth == back == pytest.approx(expected[int(str(key))], abs=1e-3)
    assert min(row[1] for row in rows) == 0


@pytest.mark.parametrize(
    "query",
    [
        "SELECT TOP 20 object_id {G} ORDER BY morph_distance(object_id, {one})",
        "SELECT TOP 20 object_id, morph_distance({one}, object_id) AS d {G} ORDER BY d",
        "SELECT TOP 20 object_id, morph_distance(object_id, {one}) {G} ORDER BY 2, object_id",
        "SELECT TOP 20 g.object_id {G} AS g ORDER BY morph_distance(g.object_id, {one}) ASC, ra DESC",
        "SELECT TOP 20 object_id {G} AS g, TAP_UPLOAD.probe AS t ORDER BY morph_distance(object_id, "
        "t.vector)",
        "SELECT TOP 20 galcat.galaxy.object_id {G}, TAP_UPLOAD.probe "
        "ORDER BY morph_distance(galcat.galaxy.object_id, TAP_UPLOAD.probe.vector)",
        "SELECT TOP 20 object_id, morph_distance(vector, object_id) AS d {G} CROSS JOIN TAP_UPLOAD.probe "
        "ORDER BY d",
        "SELECT s.object_id FROM (SELECT TOP 20 object_id, ra {G} ORDER BY morph_distance(object_id, "
        "{one})) AS s",
        "WITH s AS (SELECT TOP 20 object_id {G} ORDER BY morph_distance(object_id, {one})) SELECT "
        "object_id FROM s",
    ],
)
def test_sorting_by_it_is_a_search(
    catalogue: AdqlCatalogue, vectors: dict[int, Vectors], one: int, query: str
) -> None:
    query = query.format(G=G, one=one)
    (search,) = catalogue.translated(query).searches
    assert (search.n, search.cone, search.condition) == (20, None, None)
    found = [row[0] for row in catalogue.rows(query)]
    assert set(found) == set(nearest(vectors, vectors[one], 20))
    if "AS s" not in query and "WITH" not in query:
        assert found == nearest(vectors, vectors[one], 20)


def test_conditions_act_before_the_search(
    catalogue: AdqlCatalogue, vectors: dict[int, Vectors], one: int
) -> None:
    cone = "CIRCLE(150.1, 2.2, 40)"
    query = (
        f"SELECT TOP 7 object_id, mag_r, DISTANCE(ra, dec, 150.1, 2.2) {G}, TAP_UPLOAD.probe AS t "
        f"WHERE mag_r < t.r AND (dec > -20 AND 1 = CONTAINS(POINT(ra, dec), {cone})) AND survey LIKE 's%' "
        "AND tile IN (SELECT name FROM galcat.tile) ORDER BY morph_distance(object_id, t.vector)"
    )
    (search,) = catalogue.translated(query).searches
    assert search.cone == (150.1, 2.2, 40)
    inside = catalogue.rows(
        f"SELECT object_id {G} WHERE mag_r < 17.5 AND dec > -20 AND DISTANCE(ra, dec, 150.1, 2.2) <= 40"
    )
    some = {int(str(row[0])): vectors[int(str(row[0]))] for row in inside}
    assert len(some) > 20
    assert [row[0] for row in catalogue.rows(query)] == nearest(some, vectors[one], 7)


def test_fewer_than_asked_for_are_all_there_are(
    catalogue: AdqlCatalogue, vectors: dict[int, Vectors], one: int
) -> None:
    cone = "1 = CONTAINS(POINT(ra, dec), CIRCLE(150.1, 2.2, 8))"
    inside = {int(str(row[0])) for row in catalogue.rows(f"SELECT object_id {G} WHERE {cone}")}
    assert 2 < len(inside) < 50
    found = catalogue.rows(
        f"SELECT TOP 50 object_id {G} WHERE {cone} ORDER BY morph_distance(object_id, {one})"
    )
    assert [row[0] for row in found] == nearest({key: vectors[key] for key in inside}, vectors[one], 50)


def test_offset_and_the_most_rows_are_part_of_the_search(
    catalogue: AdqlCatalogue, vectors: dict[int, Vectors], one: int
) -> None:
    query = f"SELECT TOP 20 object_id {G} ORDER BY morph_distance(object_id, {one}) OFFSET 5"
    assert catalogue.translated(query).searches[0].n == 25
    assert [row[0] for row in catalogue.rows(query)] == nearest(vectors, vectors[one], 25)[5:]
    assert catalogue.translated(query, most=9).searches[0].n == 15
    assert len(catalogue.rows(query, most=9)) == 10


@pytest.mark.parametrize(
    "query",
    [
        "SELECT object_id {G} ORDER BY morph_distance(object_id, {one})",
        "SELECT TOP 5 object_id {G} ORDER BY morph_distance(object_id, {one}) DESC",
        "SELECT TOP 5 object_id {G} ORDER BY survey, morph_distance(object_id, {one})",
        "SELECT TOP 5 object_id {G} ORDER BY 2 * morph_distance(object_id, {one})",
        "SELECT DISTINCT TOP 5 morph_distance(object_id, {one}) AS d {G} ORDER BY d",
        "SELECT TOP 5 object_id, morph_distance(object_id, {one}) AS d {G} GROUP BY object_id, "
        "morph_distance(object_id, {one}) ORDER BY d",
        "SELECT TOP 5 g.object_id {G} AS g JOIN galcat.tile AS t ON t.name = g.tile "
        "ORDER BY morph_distance(g.object_id, {one})",
        "SELECT TOP 5 g.object_id {G} AS g, TAP_UPLOAD.probes AS p ORDER BY morph_distance(g.object_id, "
        "p.vector)",
        "SELECT TOP 5 g.object_id {G} AS g, galcat.galaxy AS h WHERE h.object_id = {one} "
        "ORDER BY morph_distance(g.object_id, h.object_id)",
        "SELECT TOP 5 object_id {G} WHERE 1 = 1 UNION SELECT TOP 5 object_id {G}",
        "WITH t AS (SELECT name FROM galcat.tile) SELECT TOP 5 object_id {G} "
        "WHERE tile IN (SELECT name FROM t) ORDER BY morph_distance(object_id, {one})",
        "SELECT m.id FROM TAP_UPLOAD.mine AS m WHERE EXISTS (SELECT TOP 5 object_id {G} AS g WHERE g.ra "
        "> m.ra "
        "ORDER BY morph_distance(object_id, {one}))",
        "SELECT TOP 0 object_id {G} ORDER BY morph_distance(object_id, {one})",
        "SELECT TOP 100001 object_id {G} ORDER BY morph_distance(object_id, {one})",
    ],
)
def test_anything_else_is_sorted_as_it_stands(catalogue: AdqlCatalogue, one: int, query: str) -> None:
    query = query.format(G=G, one=one)
    translation = catalogue.translated(query)
    assert translation.searches == ()
    assert " + 0.0)" in translation.query.as_string(None) or "morph" not in query
    rows = catalogue.rows(query)
    if "TOP 5" in query and "UNION" not in query and "EXISTS" not in query:
        assert len(rows) == 5


def test_sorted_or_searched_the_answer_is_the_same(catalogue: AdqlCatalogue, one: int) -> None:
    searched = f"SELECT TOP 30 object_id {G} ORDER BY morph_distance(object_id, {one}), object_id"
    by_join = (
        f"SELECT TOP 30 g.object_id {G} AS g JOIN galcat.tile AS t ON t.name = g.tile "
        f"ORDER BY morph_distance(g.object_id, {one}), g.object_id"
    )
    assert catalogue.rows(searched) == catalogue.rows(by_join)


def test_a_search_within_the_conditions_of_another(
    catalogue: AdqlCatalogue, vectors: dict[int, Vectors], one: int
) -> None:
    inner = f"SELECT TOP 50 object_id {G} ORDER BY morph_distance(object_id, {one})"
    other = sorted(vectors)[8]
    query = (
        f"SELECT TOP 5 object_id {G} WHERE object_id IN ({inner}) ORDER BY morph_distance(object_id, {other})"
    )
    assert len(catalogue.translated(query).searches) == 1
    fifty = {key: vectors[key] for key in nearest(vectors, vectors[one], 50)}
    assert [row[0] for row in catalogue.rows(query)] == nearest(fifty, vectors[other], 5)


def test_it_serves_in_conditions_and_groups(
    catalogue: AdqlCatalogue, vectors: dict[int, Vectors], one: int
) -> None:
    expected = [value for value in distances(vectors, vectors[one]).values() if value < 0.9]
    (count,) = catalogue.rows(f"SELECT COUNT(*) {G} WHERE morph_distance(object_id, {one}) < 0.9")
    assert abs(int(str(count[0])) - len(expected)) <= 1
    rows = catalogue.rows(
        f"SELECT FLOOR(10 * morph_distance(object_id, {one})) AS tenths, COUNT(*) {G} "
        f"GROUP BY FLOOR(10 * morph_distance(object_id, {one})) ORDER BY tenths"
    )
    assert sum(int(str(row[1])) for row in rows) == N


def test_many_uploaded_vectors_are_each_read_once(
    catalogue: AdqlCatalogue, vectors: dict[int, Vectors]
) -> None:
    query = (
        f"SELECT p.id, g.object_id, morph_distance(g.object_id, p.vector) {G} AS g, TAP_UPLOAD.probes AS p "
        "WHERE morph_distance(g.object_id, p.vector) < 0.001 ORDER BY p.id"
    )
    rows = catalogue.rows(query)
    assert [row[:2] for row in rows] == list(enumerate(sorted(vectors)[:3]))
    text = catalogue.translated(query).query.as_string(None)
    assert text.count("galcat.search_vector(") == 1
    assert text.index("galcat.search_vector(") < text.index(" AS u OFFSET 0)")


def test_vectors_of_other_tables_and_of_a_release(catalogue: AdqlCatalogue, one: int) -> None:
    by_table = f"SELECT morph_distance(e.search, {one}) FROM galcat.embedding AS e WHERE e.object_id = {one}"
    assert catalogue.rows(by_table) == [(pytest.approx(0, abs=1e-3),)]
    wide = (
        f"SELECT e.object_id, morph_distance(e.object_id, e.vector, 'first'), morph_distance({one}, "
        "e.vector, 'first') "
        "FROM galcat.embedding AS e"
    )
    assert len(catalogue.rows(wide)) == N
    row = catalogue.rows(
        f"SELECT TOP 1 morph_distance(g.object_id, p.wide, 'first') {G} AS g, TAP_UPLOAD.probes AS p"
    )[0]
    assert float(str(row[0])) > 0


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        (
            f"SELECT morph_distance(object_id, 'sdss-123') {G}",
            "expects an object_id or a vector as argument 2, not text",
        ),
        (
            f"SELECT morph_distance(object_id, 1.5) {G}",
            "expects an object_id or a vector as argument 2, not float",
        ),
        (f"SELECT morph_distance(object_id) {G}", "takes 2 to 201 arguments"),
        (f"SELECT morph_distance(object_id, 1, 'first') {G}", "goes with a vector"),
        (
            f"SELECT morph_distance(object_id, t.vector, survey) {G}, TAP_UPLOAD.probe AS t",
            "a text in single quotes",
        ),
    ],
)
def test_wrong_operands_are_named(translator: AdqlTranslator, query: str, reason: str) -> None:
    with pytest.raises(AdqlError, match=reason):
        translator.translated(query)


def test_an_unknown_galaxy_or_release_is_an_error_of_postgres_that_names_it(catalogue: AdqlCatalogue) -> None:
    with pytest.raises(psycopg.errors.NoDataFound, match="no galaxy has object_id 5"):
        catalogue.rows(f"SELECT TOP 3 object_id {G} ORDER BY morph_distance(object_id, 5)")
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="no release is called second"):
        catalogue.rows(f"SELECT morph_distance(object_id, vector, 'second') {G}, TAP_UPLOAD.probe")


def test_a_vector_that_is_null_is_refused_by_a_search(catalogue: AdqlCatalogue) -> None:
    query = f"SELECT TOP 3 object_id {G}, TAP_UPLOAD.void AS t ORDER BY morph_distance(object_id, t.vector)"
    with pytest.raises(QueryError, match="NULL"):
        catalogue.rows(query)


def test_several_examples_are_their_mean_moved_away_from_the_unwanted(
    catalogue: AdqlCatalogue, vectors: dict[int, Vectors]
) -> None:
    first, second, away = sorted(vectors)[3:6]
    mean = (vectors[first] + vectors[second]) / 2
    wanted = mean + (mean - vectors[away]) / 2
    rows = catalogue.rows(
        f"SELECT TOP 20 object_id, morph_distance(object_id, {first}, {second}, -{away}) AS d {G} ORDER BY d"
    )
    expected = distances(vectors, wanted)
    assert [row[1] for row in rows] == pytest.approx(sorted(expected.values())[:20], abs=2e-3)
    assert all(row[1] == pytest.approx(expected[int(str(row[0]))], abs=2e-3) for row in rows)
    query = f"SELECT TOP 20 object_id {G} ORDER BY morph_distance(object_id, {first}, {second}, -{away})"
    assert len(catalogue.translated(query).searches) == 1


def test_a_vector_can_be_written_out(catalogue: AdqlCatalogue, vectors: dict[int, Vectors], one: int) -> None:
    numbers = ", ".join(f"{number:.6f}" for number in vectors[one].tolist())
    query = f"SELECT TOP 15 object_id {G} ORDER BY morph_distance(object_id, {numbers})"
    assert [row[0] for row in catalogue.rows(query)] == nearest(vectors, vectors[one], 15)
    assert len(catalogue.translated(query).searches) == 1


@pytest.mark.parametrize(
    ("examples", "message"),
    [
        ("1.5, 2.5, 3.5", "3 numbers are no vector"),
        ("1, 2, object_id", "written in the query"),
        ("-1, -2", "no galaxy is wanted"),
        ("1, 2", "no galaxy has object_id 1"),
        ("1, 'a', 'b'", "release goes with a vector|object_id or one of 40"),
    ],
)
def test_what_is_no_example_is_refused(catalogue: AdqlCatalogue, examples: str, message: str) -> None:
    with pytest.raises((AdqlError, psycopg.Error), match=message):
        catalogue.rows(f"SELECT TOP 5 object_id {G} ORDER BY morph_distance(object_id, {examples})")
