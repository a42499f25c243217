"""What a query becomes grows with the query and no faster, and nothing in it is computed twice."""

from collections.abc import Callable

import pytest

from catalog.adql import emitter, limits
from catalog.adql.errors import AdqlError
from tests.catalog.adql.adql_catalogue import AdqlCatalogue, N
from tests.catalog.adql.small_published import AdqlTranslator

G = "FROM galcat.galaxy"
WHENS = " ".join(f"WHEN {i} THEN {i}" for i in range(100))
LONG = "+".join(["ra"] * 900)
DISTANT = "1=CONTAINS(POINT(g.ra, g.dec), CIRCLE(h.ra, h.dec, {}))"
NESTS: dict[str, tuple[Callable[[str], str], int]] = {
    "MOD": (lambda x: f"MOD({x}, 3)", 25),
    "CASE": (lambda x: f"CASE {x} {WHENS} END", 8),
    "BETWEEN": (lambda x: f"CASE WHEN {x} BETWEEN 1 AND 2 THEN 1 ELSE 2 END", 12),
    "IN": (lambda x: f"CASE WHEN {x} IN (dec, 1 + 1) THEN 1 ELSE 2 END", 12),
    "DISTANCE": (lambda x: f"CASE WHEN DISTANCE(POINT(ra, dec), POINT({x}, 1)) < 1 THEN 1 ELSE 2 END", 8),
}


def nest(form: Callable[[str], str], depth: int, start: str = "ra") -> str:
    for _ in range(depth):
        start = form(start)
    return start


def pieces(catalogue: AdqlCatalogue, query: str) -> int:
    return emitter.piece_count(catalogue.translated(query).query)


@pytest.mark.parametrize("name", NESTS)
def test_a_nest_grows_by_the_same_at_each_level(catalogue: AdqlCatalogue, name: str) -> None:
    form, depth = NESTS[name]
    sizes = [pieces(catalogue, f"SELECT {nest(form, n)} {G}") for n in (depth - 2, depth - 1, depth)]
    assert sizes[2] - sizes[1] == sizes[1] - sizes[0]


def test_a_radius_stands_twice_only_where_it_is_short(catalogue: AdqlCatalogue) -> None:
    condition = "g.ra < 1"
    sizes = []
    for _ in range(8):
        condition = DISTANT.format(f"CASE WHEN {condition} THEN 1 ELSE 2 END")
        sizes.append(pieces(catalogue, f"SELECT 1 {G} AS g, galcat.galaxy AS h WHERE {condition}"))
    assert sizes[7] - sizes[6] == sizes[6] - sizes[5]


def test_a_long_operand_is_not_written_for_each_value_of_a_list(catalogue: AdqlCatalogue) -> None:
    assert pieces(catalogue, f"SELECT ra {G} WHERE {LONG} IN (dec{', dec' * 2000})") < 10_000


def test_regions_that_are_taken_apart_again_and_again_are_refused(translator: AdqlTranslator) -> None:
    query = nest(lambda x: f"CENTROID(POLYGON({x}, POINT(1, 2), POINT(ra, 4)))", 14, "POINT(ra, dec)")
    with pytest.raises(AdqlError, match="this region is too long"):
        translator.translated(f"SELECT {query} {G}")


def test_what_is_too_large_once_written_out_is_refused(
    catalogue: AdqlCatalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = f"SELECT {', '.join([LONG] * 10)} {G}"
    size = pieces(catalogue, query)
    for limit in ("MAX_PIECES", "MAX_COPIED_PIECES"):
        with monkeypatch.context() as changed:
            changed.setattr(emitter, limit, size - 1)
            with pytest.raises(AdqlError, match="too large once written out"):
                catalogue.translated(query)
    sums = " AND ".join(["(a > 1)"] * 900)
    with pytest.raises(AdqlError, match="too large once"):
        catalogue.translated(f"SELECT SUM({LONG}) AS a {G} HAVING {sums}")


def double(levels: int, start: str = f"SELECT ra AS a {G}", form: str = "({}) AS t") -> str:
    return nest(lambda inner: f"SELECT a + a AS a FROM {form.format(inner)}", levels, start)


def test_sub_queries_that_double_at_each_level_are_refused(translator: AdqlTranslator) -> None:
    assert translator.translated(double(8))
    named = ", ".join(f"w{i} AS (SELECT a + a AS a FROM w{i - 1})" for i in range(1, 18))
    for query in (
        double(18),
        double(18, f"SELECT ra AS a {G} UNION ALL SELECT dec {G}"),
        f"WITH w0 AS (SELECT ra AS a {G}), {named} SELECT a FROM w17",
        f"SELECT object_id {G} WHERE ra IN ({double(18)})",
        f"SELECT a FROM (SELECT {LONG} AS a {G}) AS t WHERE {' AND '.join(['a > 1'] * 500)}",
        f"SELECT a FROM (SELECT {LONG} AS a {G}) AS t ORDER BY {', '.join(['a + 1'] * 50)}",
    ):
        with pytest.raises(AdqlError, match="the sub-queries are too large once put together"):
            translator.translated(query)


def test_columns_that_pass_through_sub_queries_cost_nothing(translator: AdqlTranslator) -> None:
    assert translator.translated(nest(lambda inner: f"SELECT * FROM ({inner}) AS t", 25, f"SELECT * {G}"))


def test_a_column_of_a_sub_query_is_not_written_for_each_value_of_a_list(translator: AdqlTranslator) -> None:
    query = f"SELECT a FROM (SELECT ra + 1 AS a, dec {G}) AS t WHERE a + 1 IN (dec{', dec' * 500})"
    assert translator.translated(query).query.as_string(None).count('"t2"."c1"') <= 3


def test_a_random_number_is_drawn_once(catalogue: AdqlCatalogue) -> None:
    between = catalogue.rows(f"SELECT COUNT(*) {G} WHERE RAND() BETWEEN 0.4 AND 0.6")[0][0]
    assert isinstance(between, int)
    assert abs(between / N - 0.2) < 0.06  # drawn for either end it were 0.36
    whens = " ".join(f"WHEN {i} THEN 1" for i in range(4))
    assert catalogue.rows(f"SELECT COUNT(CASE FLOOR(RAND() * 4) {whens} END) {G}") == [(N,)]
    assert catalogue.rows(f"SELECT COUNT(*) {G} WHERE FLOOR(RAND() * 2) IN (1 - 1, dec * 0 + 1)") == [(N,)]


@pytest.mark.parametrize(
    ("condition", "count"),
    [
        ("{} IN (dec, ra)", N),
        ("{} NOT IN (ra - 1, ra + 1)", N),
        ("{} IN (ra, NULL)", N),
        ("{} NOT IN (1 + 1, NULL)", 0),
        ("{} IN (NULL)", 0),
        ("{} BETWEEN ra AND 1000", N),
        ("{} BETWEEN NULL AND 1000", 0),
        ("{} NOT BETWEEN -1 AND ra + 0.5", 0),
        ("CASE {} WHEN ra THEN 1 ELSE 0 END = 1", N),
    ],
)
def test_long_operands_are_compared_as_short_ones_are(
    catalogue: AdqlCatalogue, condition: str, count: int
) -> None:
    long = "ra" + " + 0" * limits.MAX_OPERAND_PIECES
    for operand in ("ra", long):
        assert catalogue.rows(f"SELECT COUNT(*) {G} WHERE {condition.format(operand)}") == [(count,)]


def test_long_operands_are_of_one_kind_with_what_they_are_compared_with(translator: AdqlTranslator) -> None:
    long = "ra" + " + 0" * limits.MAX_OPERAND_PIECES
    for condition in ("{} IN (survey, ra)", "{} BETWEEN ra AND survey", "CASE {} WHEN survey THEN 1 END = 1"):
        with pytest.raises(AdqlError, match="one cannot compare float with text"):
            translator.translated(f"SELECT ra {G} WHERE {condition.format(long)}")
