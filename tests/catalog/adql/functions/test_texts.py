"""Texts, times and truths."""

from datetime import datetime

import pytest

from catalog.adql.errors import AdqlError
from catalog.adql.published import Published, PublishedColumn, PublishedTable
from catalog.adql.translate import translate
from catalog.columns import ColumnMeta
from tests.catalog.adql.adql_catalogue import AdqlCatalogue

MINE = "FROM TAP_UPLOAD.mine"


@pytest.mark.parametrize(
    ("condition", "ids"),
    [
        ("name = 'one'", [1]),
        ("name <> 'one'", [2]),
        ("name != 'one'", [2]),
        ("name LIKE 'o%'", [1]),
        ("name LIKE 'T_o%'", [2]),
        ("name NOT LIKE 'o%'", [2]),
        ("name ILIKE '%WORDS'", [2]),
        ("name NOT ILIKE '%WORDS'", [1]),
        ("LOWER(name) = 'two words'", [2]),
        ("UPPER(name) IN ('ONE', 'THREE')", [1]),
        ("name IN ('one')", [1]),
        ("name NOT IN ('one')", [2]),
        ("name IS NULL", [3]),
        ("NOT name IS NOT NULL", [3]),
        ("name BETWEEN 'a' AND 'z'", [1]),
        ("name || '!' = 'one!'", [1]),
        ("COALESCE(name, 'none') = 'none'", [3]),
        ("1 = ivo_hasword(name, 'words')", [2]),
        ("1 = ivo_hasword(name, 'TWO words')", [2]),
        ("ivo_hasword(name, 'word') = 0", [1, 2]),
        ("1 = ivo_hasword(name, '.*')", []),
        ("1 = ivo_hasword('a (b) c', '(b)') AND id = 1", [1]),
        ("name = NULL", []),
        ("x = -3.5 OR x IS NULL AND name LIKE 'T%'", [2, 3]),
    ],
)
def test_conditions_on_texts(catalogue: AdqlCatalogue, condition: str, ids: list[int]) -> None:
    assert [row[0] for row in catalogue.rows(f"SELECT id {MINE} WHERE {condition} ORDER BY id")] == ids


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("CAST(12 AS VARCHAR)", "12"),
        ("CAST(1.5 AS VARCHAR(2))", "1."),
        ("CAST('abc' AS CHAR(2))", "ab"),
        ("CAST('2021-01-14T11:25:00' AS TIMESTAMP)", datetime(2021, 1, 14, 11, 25)),  # noqa: DTZ001 # as DALI has it
        ("TIMESTAMP('2021-01-14')", datetime(2021, 1, 14)),  # noqa: DTZ001
        ("TIMESTAMP('2021-01-14T11:25:00.5Z')", datetime(2021, 1, 14, 11, 25, 0, 500000)),  # noqa: DTZ001
        ("CAST(TIMESTAMP('2021-01-14') AS VARCHAR)", "2021-01-14 00:00:00"),
        ("NULL", None),
        ("'it''s'", "it's"),
        ("TRUE", True),
        ("CASE WHEN 1 = 2 THEN 'a' END", None),
        ("MIN(name)", "Two words"),
        ("ivo_string_agg(name, ', ')", "one, Two words"),
        ("MAX(CASE WHEN id > 2 THEN TRUE END)", True),
    ],
)
def test_expressions(catalogue: AdqlCatalogue, expression: str, expected: object) -> None:
    assert catalogue.rows(f"SELECT TOP 1 {expression} {MINE}") == [(expected,)]


@pytest.mark.parametrize(
    ("expression", "datatype"),
    [
        ("LOWER(name)", "unicodeChar"),
        ("name || '!'", "unicodeChar"),
        ("UPPER(tile)", "char"),
        ("tile || 'M33'", "char"),
        ("tile || 'Müller'", "unicodeChar"),
        ("'Müller'", "unicodeChar"),
        ("'Mueller'", "char"),
        ("MIN(name)", "unicodeChar"),
        ("ivo_string_agg(name, ', ')", "unicodeChar"),
        ("ivo_string_agg(tile, ', ')", "char"),
        ("COALESCE(tile, name)", "unicodeChar"),
        ("CASE WHEN id = 1 THEN 'a' ELSE name END", "unicodeChar"),
        ("CASE WHEN id = 1 THEN 'a' ELSE tile END", "char"),
        ("NULLIF(name, 'a')", "unicodeChar"),
        ("CAST(name AS VARCHAR(9))", "unicodeChar"),
        ("CAST(id AS VARCHAR)", "char"),
        ("NULL", "char"),
    ],
)
def test_a_text_is_ascii_only_where_all_that_it_is_made_of_is(expression: str, datatype: str) -> None:
    texts = (("id", "long"), ("name", "unicodeChar"), ("tile", "char"))
    columns = tuple(
        PublishedColumn(ColumnMeta(name, kind, "" if kind == "long" else "*"), name) for name, kind in texts
    )
    published = Published((PublishedTable("s", "t", ("s", "t"), columns),))
    assert translate(f"SELECT {expression} FROM s.t", published).columns[0].datatype == datatype
    united = f"SELECT 'a' FROM s.t UNION SELECT {expression} FROM s.t"
    assert translate(united, published).columns[0].datatype == datatype


def test_times_are_compared_with_texts(catalogue: AdqlCatalogue) -> None:
    assert len(catalogue.rows("SELECT name FROM galcat.tile WHERE finished_at > '2020-01-01'")) == 1
    assert catalogue.rows("SELECT name FROM galcat.tile WHERE finished_at < '2020-01-01T00:00:00Z'") == []
    assert (
        len(
            catalogue.rows(
                "SELECT name FROM galcat.tile WHERE finished_at BETWEEN '2020-01-01' AND '2999-01-01'"
            )
        )
        == 1
    )
    with pytest.raises(AdqlError, match="'soon' is no time"):
        catalogue.translated("SELECT name FROM galcat.tile WHERE finished_at > 'soon'")


@pytest.mark.parametrize("truth", ["1", "'true'", "TRUE", "'T'"])
def test_truths_are_compared_with_what_people_write(catalogue: AdqlCatalogue, truth: str) -> None:
    assert len(catalogue.rows(f"SELECT name FROM galcat.release WHERE is_current = {truth}")) == 1
    assert catalogue.rows(f"SELECT name FROM galcat.release WHERE is_current <> {truth}") == []
    assert len(catalogue.rows("SELECT name FROM galcat.release WHERE is_current")) == 1
    with pytest.raises(AdqlError, match="'perhaps' is no truth value"):
        catalogue.translated("SELECT name FROM galcat.release WHERE is_current = 'perhaps'")
