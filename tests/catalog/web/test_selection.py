"""A selection is its address: what is written is read back, and what is wrong is named."""

import numpy as np
import pytest

from catalog.tap.errors import UsageError
from catalog.web.query_texts import write_adql, write_sql
from catalog.web.selection import Place, Range, Selection, read_vector, write_vector

COLUMNS = ("object_id", "ra", "dec", "mag_r", "mag_g", "bar_no_fraction")
SELECTION = Selection(
    like=(5, 7),
    unlike=(9,),
    where="mag_g - mag_r > 0.7",
    place=Place(150.125, -2.5, 0.25),
    ranges=(Range("bar_no_fraction", None, 0.5), Range("mag_r", 14.0, 17.25)),
    lasso=(0.0, 0.0, 1.0, 0.0, 0.5, 1.0),
    order="-mag_r",
    shown=("mag_g",),
    n=120,
)


def test_what_is_written_is_read_back() -> None:
    assert Selection.parse(SELECTION.pairs(), COLUMNS) == SELECTION
    assert Selection.parse(Selection().pairs(), COLUMNS) == Selection()
    assert Selection().query() == "?"


def test_the_ends_of_a_range_keep_the_digits_that_were_typed() -> None:
    found = Selection.parse([("mag_r", "17.123456789..123456789012")], COLUMNS)
    assert found.pairs() == [("mag_r", "17.123456789..123456789012")]
    assert "mag_r BETWEEN 17.123456789 AND 123456789012" in write_adql(found)


def test_the_two_fields_of_a_form_are_a_range_and_empty_ones_none() -> None:
    form = [("mag_r.min", "14"), ("mag_r.max", ""), ("mag_g.min", " "), ("where", ""), ("ra", "")]
    assert Selection.parse(form, COLUMNS) == Selection(ranges=(Range("mag_r", 14.0, None),))


def test_a_vector_survives_its_address_to_half_precision() -> None:
    numbers = np.random.default_rng(3).normal(size=40)
    assert read_vector(write_vector(numbers.tolist())) == tuple(numbers.astype(np.float16).astype(float))


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([("like", "12;drop")], "no object_id"),
        ([("like", "9" * 30)], "no object_id"),
        ([("like", "0" * 20 + "9" * 30)], "no object_id"),
        ([("mag_r", "17")], "mag_r: '17' is no range: write it as 14..17, 14.. or ..17"),
        ([("unlike", "5")], "need one to be like"),
        ([("ra", "10")], "dec is missing"),
        ([("ra", "10"), ("dec", "91")], "nowhere on the sky"),
        ([("ra", "nan"), ("dec", "1")], "no number"),
        ([("ra", "10"), ("dec", "1"), ("radius", "1e300")], "at most 600"),
        ([("mag_r.min", "1e999")], "no number"),
        ([("mag_r", "17..14")], "the first is the larger one"),
        ([("order", "mag_r; DROP TABLE x")], "no column"),
        ([("shown", "mag_r,password")], "no column 'password'"),
        ([("lasso", "1,2,3")], "no polygon"),
        ([("vector", "AAAA")], "damaged"),
        ([("vector", "%%%")], "damaged"),
        ([("ids", ",".join(map(str, range(501))))], "500 are the most"),
        ([("where", "x" * 2001)], "longer than"),
        ([("n", "many")], "no number"),
    ],
)
def test_what_is_wrong_is_named(pairs: list[tuple[str, str]], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Selection.parse(pairs, COLUMNS)


@pytest.mark.parametrize("condition", ["mag_r < 17) OR (1 = 1", "(mag_r < 17", "survey = 'a", "mag_r < 17))"])
def test_a_condition_cannot_leave_its_brackets(condition: str) -> None:
    with pytest.raises(UsageError, match="not whole"):
        write_adql(Selection(where=condition))


def test_the_adql_and_the_sql_say_the_whole_selection() -> None:
    assert write_adql(SELECTION).splitlines() == [
        "SELECT TOP 120 object_id, ra, dec, mag_r, mag_g, morph_distance(object_id, 5, 7, -9) AS unlikeness, "
        "DISTANCE(POINT(ra, dec), POINT(150.125, -2.5)) AS separation",
        "FROM galcat.galaxy",
        "WHERE 1 = CONTAINS(POINT(ra, dec), CIRCLE(150.125, -2.5, 0.25))",
        "  AND bar_no_fraction <= 0.5",
        "  AND mag_r BETWEEN 14 AND 17.25",
        "  AND (mag_g - mag_r > 0.7)",
        "ORDER BY CASE WHEN mag_r IS NULL THEN 1 ELSE 0 END, mag_r DESC",
    ]
    assert (
        "search <-> (SELECT galcat.vector_of_many(ARRAY[5, 7]::bigint[], ARRAY[9]::bigint[]))"
        in write_sql(SELECTION)
    )


def test_examples_come_and_go() -> None:
    assert Selection().more_like(5) == "?like=5"
    assert Selection(like=(5,)).more_like(7) == "?like=5,7"
    assert Selection(like=(5, 7)).less_like(7) == "?like=5&unlike=7"
    assert Selection(like=(5,)).less_like(5) == "?"
    assert Selection(like=(5,), unlike=(7,)).without_example(5) == "?"
