"""What other translators of ADQL get wrong."""

import numpy as np
import pytest

from catalog.adql.errors import AdqlError
from tests.catalog.adql.adql_catalogue import AdqlCatalogue
from tests.catalog.adql.small_published import AdqlTranslator

LARGE_ID = 9_223_372_036_854_775_807


def sql_of(catalogue: AdqlCatalogue, query: str) -> str:
    return catalogue.translated(query).query.as_string(None)


def test_log_is_natural_and_log10_is_not(catalogue: AdqlCatalogue) -> None:
    row = catalogue.rows("SELECT TOP 1 LOG(EXP(2.0)), LOG10(1000), LOG(10) FROM galcat.galaxy")[0]
    assert row == pytest.approx((2.0, 3.0, np.log(10)))


def test_nulls_stand_where_postgres_puts_them(catalogue: AdqlCatalogue) -> None:
    query = "SELECT mag_r FROM galcat.galaxy ORDER BY mag_r"
    assert "NULLS" not in sql_of(catalogue, query)
    assert "NULLS" not in sql_of(catalogue, query + " DESC")
    assert catalogue.rows(query)[-1] == (None,)
    assert catalogue.rows(query + " DESC")[0] == (None,)


def test_integers_are_divided_as_integers_from_left_to_right(catalogue: AdqlCatalogue) -> None:
    assert catalogue.rows("SELECT TOP 1 7 / 2 * 2, 3 * 7 / 2, 7 / 2.0 FROM galcat.galaxy") == [(6, 10, 3.5)]


def test_64_bit_ids_stay_what_they_are(catalogue: AdqlCatalogue) -> None:
    ids = [row[0] for row in catalogue.rows("SELECT object_id FROM galcat.galaxy")]
    largest = max(ids)
    assert largest > 2**53
    for condition in (
        f"object_id = {largest}",
        f"object_id IN ({largest}, {largest - 1})",
        f"-object_id = -{largest}",
    ):
        assert catalogue.rows(f"SELECT object_id FROM galcat.galaxy WHERE {condition}") == [(largest,)]
    assert catalogue.rows(
        f"SELECT TOP 1 {LARGE_ID}, -{LARGE_ID} - 1, 0x7FFFFFFFFFFFFFFF FROM galcat.galaxy"
    ) == [(LARGE_ID, -LARGE_ID - 1, LARGE_ID)]


def test_an_integer_beyond_64_bits_is_no_approximate_one(translator: AdqlTranslator) -> None:
    with pytest.raises(AdqlError, match="9223372036854775808 needs more than 64 bits"):
        translator.translated(f"SELECT object_id FROM galcat.galaxy WHERE object_id = {LARGE_ID + 1}")
    assert translator.translated(f"SELECT object_id FROM galcat.galaxy WHERE object_id = -{LARGE_ID + 1}")


@pytest.mark.parametrize(
    "text", ["$$a$$", "$x$a$x$", "E'a'", "N'a'", "U&'a'", "X'61'", "B'1'", "'a' 'b'", "`a`", "[a]"]
)
def test_texts_of_other_dialects_are_refused(translator: AdqlTranslator, text: str) -> None:
    with pytest.raises(AdqlError):
        translator.translated(f"SELECT ra FROM galcat.galaxy WHERE survey = {text}")


@pytest.mark.parametrize(
    "rest", ["; SELECT 1 FROM galcat.galaxy", "; DROP TABLE x", ";;", "; -- and more\nSELECT"]
)
def test_text_after_a_semicolon_is_no_secret(translator: AdqlTranslator, rest: str) -> None:
    with pytest.raises(AdqlError, match="one query at a time"):
        translator.translated("SELECT ra FROM galcat.galaxy" + rest)
    assert translator.translated("SELECT ra FROM galcat.galaxy ; -- the end")


def test_texts_are_parameters_whatever_they_hold(catalogue: AdqlCatalogue) -> None:
    hostile = "'; DROP TABLE galcat.source; -- \\ %s %(p1)s $1 {} \" été"
    quoted = hostile.replace("'", "''")
    translation = catalogue.translated(f"SELECT TOP 1 '{quoted}' AS a FROM galcat.galaxy")
    assert "DROP" not in translation.query.as_string(None)
    assert hostile in translation.parameters.values()
    assert catalogue.rows(f"SELECT TOP 1 '{quoted}' AS a FROM galcat.galaxy") == [(hostile,)]


def test_a_backslash_in_a_text_is_a_backslash(catalogue: AdqlCatalogue) -> None:
    assert catalogue.rows(r"SELECT TOP 1 'a\' AS a, 'b\n' FROM galcat.galaxy") == [("a\\", r"b\n")]
    assert catalogue.rows(r"SELECT COUNT(*) FROM galcat.galaxy WHERE 'a\b' LIKE 'a\b'") == [(2000,)]


def test_no_word_of_the_query_becomes_a_word_of_the_sql(catalogue: AdqlCatalogue) -> None:
    text = sql_of(
        catalogue,
        'WITH "ev; il" AS (SELECT ra AS "dr""op" FROM galcat.galaxy AS sneaky) '
        'SELECT "x y"."dr""op" AS "; --" FROM "ev; il" AS "x y" ORDER BY "; --"',
    )
    assert not any(word in text for word in ("ev; il", "op", "sneaky", "x y", "--"))


def test_a_sum_of_integers_is_an_integer_and_a_mean_is_none(catalogue: AdqlCatalogue) -> None:
    row = catalogue.rows("SELECT SUM(id), AVG(id), MAX(id), SUM(x) FROM TAP_UPLOAD.mine")[0]
    assert row == (6, 2.0, 3, -2.25)
    assert [type(value) for value in row] == [int, float, int, float]


def test_grouping_by_an_expression_with_constants_is_grouping_by_what_is_shown(
    catalogue: AdqlCatalogue,
) -> None:
    rows = catalogue.rows(
        "SELECT ROUND(ra / 90, 0) AS q, 'x' || survey, COUNT(*) FROM galcat.galaxy "
        "GROUP BY ROUND(ra / 90, 0), 'x' || survey ORDER BY q"
    )
    assert [row[0] for row in rows] == [0, 1, 2, 3, 4]
    assert sum(int(str(row[2])) for row in rows) == 2000


def test_offset_goes_before_top(catalogue: AdqlCatalogue) -> None:
    everything = catalogue.rows("SELECT object_id FROM galcat.galaxy ORDER BY object_id")
    assert (
        catalogue.rows("SELECT TOP 3 object_id FROM galcat.galaxy ORDER BY object_id OFFSET 5")
        == everything[5:8]
    )


def test_intersect_binds_tighter_than_union(catalogue: AdqlCatalogue) -> None:
    one = "SELECT id FROM TAP_UPLOAD.mine WHERE id = "
    assert catalogue.rows(f"{one}1 UNION {one}2 INTERSECT {one}3") == [(1,)]
    assert catalogue.rows(f"({one}1 UNION {one}2) INTERSECT {one}3") == []


def test_a_pattern_has_no_escape_sign(catalogue: AdqlCatalogue) -> None:
    found = catalogue.rows(r"SELECT COUNT(*) FROM galcat.galaxy WHERE survey_source_id LIKE 'g\_'")
    assert found == [(0,)]
    assert catalogue.rows("SELECT COUNT(*) FROM galcat.galaxy WHERE survey_source_id LIKE 'g_'") == [(10,)]
