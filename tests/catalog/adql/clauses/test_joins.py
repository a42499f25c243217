"""Joins, set operations and named results, against what Python makes of the same rows."""

import pytest

from catalog.adql.errors import AdqlError
from catalog.adql.translate import translate
from tests.catalog.adql.adql_catalogue import AdqlCatalogue
from tests.catalog.adql.small_published import AdqlTranslator

A = "(SELECT id, name FROM TAP_UPLOAD.mine WHERE id < 3) AS a"
B = "(SELECT id, x FROM TAP_UPLOAD.mine WHERE id > 1) AS b"


@pytest.mark.parametrize(
    ("join", "expected"),
    [
        ("JOIN {B} USING (id)", [(2, "Two words", None)]),
        ("INNER JOIN {B} ON a.id = b.id", [(2, "Two words", None)]),
        ("NATURAL JOIN {B}", [(2, "Two words", None)]),
        ("LEFT JOIN {B} USING (id)", [(1, "one", None), (2, "Two words", None)]),
        ("NATURAL LEFT OUTER JOIN {B}", [(1, "one", None), (2, "Two words", None)]),
        ("RIGHT JOIN {B} USING (id)", [(2, "Two words", None), (3, None, -3.5)]),
        ("NATURAL RIGHT JOIN {B}", [(2, "Two words", None), (3, None, -3.5)]),
        ("FULL OUTER JOIN {B} USING (id)", [(1, "one", None), (2, "Two words", None), (3, None, -3.5)]),
        ("NATURAL FULL JOIN {B}", [(1, "one", None), (2, "Two words", None), (3, None, -3.5)]),
    ],
)
def test_a_join_gives_the_shared_column_once(
    catalogue: AdqlCatalogue, join: str, expected: list[tuple[object, ...]]
) -> None:
    from_clause = f"FROM {A} {join.format(B=B)}"
    if " ON " in join:
        assert catalogue.names(f"SELECT * {from_clause}") == ["id", "name", "id_1", "x"]
        assert catalogue.rows(f"SELECT a.id, name, x {from_clause}") == expected
        return
    assert catalogue.names(f"SELECT * {from_clause}") == ["id", "name", "x"]
    assert catalogue.rows(f"SELECT * {from_clause} ORDER BY id") == expected
    assert catalogue.rows(f"SELECT id {from_clause} WHERE id > 0 ORDER BY id") == [
        row[:1] for row in expected
    ]


def test_joins_of_three_in_brackets_and_with_commas(catalogue: AdqlCatalogue) -> None:
    ids = "SELECT a.id, b.id, c.id FROM"
    mine = "TAP_UPLOAD.mine"
    expected = [(1, 1, 2), (2, 2, 3)]
    for text in (
        f"{mine} AS a JOIN {mine} AS b ON a.id = b.id JOIN {mine} AS c ON c.id = b.id + 1",
        f"{mine} AS a JOIN ({mine} AS b JOIN {mine} AS c ON c.id = b.id + 1) ON a.id = b.id",
        f"({mine} AS a JOIN {mine} AS b ON a.id = b.id), {mine} AS c WHERE c.id = b.id + 1",
        f"{mine} AS a CROSS JOIN {mine} AS b, {mine} AS c WHERE a.id = b.id AND c.id = b.id + 1",
        f"{mine} a, {mine} b, {mine} c WHERE a.id = b.id AND c.id = b.id + 1",
        f"{mine} AS a JOIN {mine} AS b JOIN {mine} AS c ON c.id = b.id + 1 ON a.id = b.id",
    ):
        assert sorted(catalogue.rows(f"{ids} {text}")) == expected, text


def test_a_condition_names_only_what_its_join_joins(translator: AdqlTranslator) -> None:
    with pytest.raises(AdqlError, match="no table 'a' in FROM, which has b, c"):
        translator.translated(
            "SELECT 1 FROM TAP_UPLOAD.mine AS a, TAP_UPLOAD.mine AS b JOIN TAP_UPLOAD.mine AS c ON c.id "
            "= a.id"
        )


@pytest.mark.parametrize(
    ("join", "reason"),
    [
        ("CROSS JOIN TAP_UPLOAD.mine AS b ON a.id = b.id", "no condition"),
        ("NATURAL JOIN TAP_UPLOAD.mine AS b ON a.id = b.id", "no condition"),
        ("NATURAL JOIN (SELECT survey FROM galcat.galaxy) AS b", "no column in common"),
        ("JOIN TAP_UPLOAD.mine AS b", "needs ON, USING, NATURAL or CROSS"),
        ("OUTER JOIN TAP_UPLOAD.mine AS b ON a.id = b.id", "OUTER needs LEFT, RIGHT or FULL"),
        (
            "JOIN TAP_UPLOAD.mine AS b USING (idd)",
            "no column 'idd' on both sides of the join; did you mean id?",
        ),
        (
            "FULL JOIN TAP_UPLOAD.mine AS b ON a.id = 1",
            "FULL JOIN needs conditions of the form left =",
        ),
        ("FULL JOIN TAP_UPLOAD.mine AS b ON a.id + b.id = 1", "a FULL JOIN needs conditions"),
        (
            "FULL JOIN TAP_UPLOAD.mine AS b ON a.id < b.id",
            "FULL JOIN needs conditions of the form left =",
        ),
    ],
)
def test_an_incomplete_join_is_refused(translator: AdqlTranslator, join: str, reason: str) -> None:
    with pytest.raises(AdqlError, match=reason.replace("?", r"\?")):
        translator.translated(f"SELECT 1 FROM TAP_UPLOAD.mine AS a {join}")


def test_a_full_join_by_on_runs(catalogue: AdqlCatalogue) -> None:
    rows = catalogue.rows(
        "SELECT a.id, b.id FROM TAP_UPLOAD.mine AS a FULL JOIN TAP_UPLOAD.probe AS b ON a.id = b.id "
        "ORDER BY 1"
    )
    assert rows == [(1, 1), (2, None), (3, None)]


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ("{a} UNION {b}", [1, 2, 3]),
        ("{a} UNION ALL {b}", [1, 2, 2, 3]),
        ("{a} EXCEPT {b}", [1]),
        ("{a} INTERSECT {b}", [2]),
        ("{a} UNION ALL {b} EXCEPT ALL {b}", [1, 2]),
        ("({a}) UNION ({b})", [1, 2, 3]),
        ("{a} UNION {b} UNION {a}", [1, 2, 3]),
        ("{a} EXCEPT ({b} EXCEPT {a})", [1, 2]),
        ("(SELECT TOP 1 id FROM TAP_UPLOAD.mine ORDER BY id DESC) UNION {a}", [1, 2, 3]),
    ],
)
def test_set_operations(catalogue: AdqlCatalogue, operation: str, expected: list[int]) -> None:
    a, b = (f"SELECT id FROM TAP_UPLOAD.mine WHERE id {condition}" for condition in ("< 3", "> 1"))
    query = operation.format(a=a, b=b) + " ORDER BY id"
    assert [row[0] for row in catalogue.rows(query)] == expected
    assert [row[0] for row in catalogue.rows(f"SELECT s.id FROM ({query}) AS s ORDER BY 1")] == expected
    assert [row[0] for row in catalogue.rows(query + " OFFSET 1")] == expected[1:]


def test_the_order_of_one_side_in_brackets_chooses_its_rows(catalogue: AdqlCatalogue) -> None:
    one = "(SELECT TOP 1 id FROM TAP_UPLOAD.mine ORDER BY id {})"
    for first, second in (("ASC", "DESC"), ("DESC", "ASC")):
        query = f"{one.format(first)} UNION ALL {one.format(second)} ORDER BY id"
        assert catalogue.rows(query) == [(1,), (3,)]
    assert catalogue.rows(f"(({one.format('DESC')})) EXCEPT SELECT 1 AS id FROM TAP_UPLOAD.mine") == [(3,)]


def test_columns_of_two_kinds_of_number_are_joined_and_equal_arrays_too(catalogue: AdqlCatalogue) -> None:
    floats = "(SELECT id * 1.0 AS id FROM TAP_UPLOAD.mine) AS b"
    assert catalogue.rows(f"SELECT COUNT(*) FROM TAP_UPLOAD.mine JOIN {floats} USING (id)") == [(3,)]
    assert catalogue.rows("SELECT COUNT(*) FROM TAP_UPLOAD.probe NATURAL JOIN TAP_UPLOAD.void") == [(0,)]


def test_named_results_may_name_those_before_and_hide_tables(catalogue: AdqlCatalogue) -> None:
    query = (
        "WITH galaxy AS (SELECT id FROM TAP_UPLOAD.mine), b AS (SELECT id + 1 AS id FROM galaxy) "
        "SELECT COUNT(*) FROM b JOIN galaxy USING (id) WHERE id IN (SELECT id FROM b)"
    )
    assert catalogue.rows(query) == [(2,)]
    with pytest.raises(AdqlError, match="no table 'b'"):
        catalogue.translated(
            "WITH a AS (SELECT id FROM b), b AS (SELECT id FROM TAP_UPLOAD.mine) SELECT id FROM a"
        )
    with pytest.raises(AdqlError, match="'A' stands twice in WITH"):
        catalogue.translated(
            "WITH a AS (SELECT ra FROM galaxy), A AS (SELECT ra FROM galaxy) SELECT * FROM a"
        )


def test_a_query_without_top_gives_the_default_and_one_with_top_what_it_asks_for_up_to_the_maximum(
    catalogue: AdqlCatalogue,
) -> None:
    for top, rows, shown in ((None, 11, 10), (5, 5, 10), (15, 15, 15), (40, 31, 30)):
        text = f"SELECT {'' if top is None else f'TOP {top}'} ra FROM galcat.galaxy"
        translation = translate(text, catalogue.published, max_rows=30, default_rows=10)
        found = catalogue.connection.execute(translation.query, translation.parameters).fetchall()
        assert (len(found), translation.max_rows) == (rows, shown), text


def test_most_rows_is_one_more_than_asked_unless_top_is_less(catalogue: AdqlCatalogue) -> None:
    for query, most, rows, top in (
        ("SELECT ra FROM galcat.galaxy", 10, 11, None),
        ("SELECT TOP 5 ra FROM galcat.galaxy", 10, 5, 5),
        ("SELECT TOP 100 ra FROM galcat.galaxy", 10, 11, 100),
        ("SELECT ra FROM galcat.galaxy UNION SELECT dec FROM galcat.galaxy", 10, 11, None),
        ("(SELECT TOP 20 ra FROM galcat.galaxy ORDER BY ra)", 10, 11, 20),
        ("WITH a AS (SELECT TOP 50 ra FROM galcat.galaxy) SELECT * FROM a", 10, 11, None),
        ("SELECT ra FROM galcat.galaxy", 0, 1, None),
        ("SELECT TOP 0 ra FROM galcat.galaxy", 10, 0, 0),
    ):
        assert len(catalogue.rows(query, most)) == rows, query
        assert catalogue.translated(query, most).limit == top, query
