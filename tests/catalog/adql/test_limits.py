"""How large a query may be, and that a large one takes no long."""

import sys

import pytest

from catalog.adql import limits
from catalog.adql.errors import AdqlError
from tests.catalog.adql.adql_catalogue import AdqlCatalogue
from tests.catalog.adql.small_published import AdqlTranslator

G = "galcat.galaxy"


def put_in_brackets(n: int, opened: str = "(", closed: str = ")") -> str:
    return f"SELECT {opened * n}ra{closed * n} FROM {G}"


WITHIN = {
    "query bytes": (f"SELECT '{{}}' FROM {G}", "x", limits.MAX_QUERY_BYTES - 40),
    "IN list of integers": (
        f"SELECT ra FROM {G} WHERE object_id IN (1{{}})",
        ",1234567",
        limits.MAX_IN_LIST - 1,
    ),
    "IN list of texts": (f"SELECT ra FROM {G} WHERE survey IN ('a'{{}})", ",'abc'", limits.MAX_IN_LIST - 1),
    "sum": (f"SELECT ra{{}} FROM {G}", "+ra", limits.MAX_CHAIN - 1),
    "conditions": (f"SELECT ra FROM {G} WHERE ra < 1{{}}", " AND ra < 1", limits.MAX_CHAIN - 1),
    "alternatives": (f"SELECT ra FROM {G} WHERE ra < 1{{}}", " OR ra < 1", limits.MAX_CHAIN - 1),
    "columns": (f"SELECT ra{{}} FROM {G}", ",ra", limits.MAX_COLUMNS - 1),
    "keys": (f"SELECT ra FROM {G} ORDER BY ra{{}}", ",ra", limits.MAX_KEYS - 1),
    "tables side by side": (f"SELECT 1 FROM {G} AS a{{}}", ", {G} AS a{i}", limits.MAX_JOINS),
    "joins": (f"SELECT 1 FROM {G} AS a{{}}", " CROSS JOIN {G} AS a{i}", limits.MAX_JOINS),
    "set operations": (f"SELECT ra FROM {G}{{}}", f" UNION SELECT ra FROM {G}", limits.MAX_SET_OPERANDS),
    "sub-queries": (f"SELECT 1{{}} FROM {G}", f",(SELECT MAX(ra) FROM {G})", limits.MAX_SELECTS - 1),
    "vertices": (f"SELECT POLYGON(1,2,3,4,5,6{{}}) FROM {G}", ",1,2", limits.MAX_VERTICES - 3),
}


@pytest.mark.parametrize("name", WITHIN)
def test_so_many_pass_and_one_more_does_not(translator: AdqlTranslator, name: str) -> None:
    form, part, most = WITHIN[name]
    many = [part.replace("{G}", G).replace("{i}", str(i)) for i in range(most + 1)]
    assert translator.translated(form.format("".join(many[:most])))
    if name != "query bytes":
        with pytest.raises(AdqlError, match=r"most|more than|3 to 1000"):
            translator.translated(form.format("".join(many)))
    with pytest.raises(AdqlError, match="the query has 200001 bytes; 200000 are the most"):
        translator.translated(f"SELECT ra FROM {G} -- ".ljust(limits.MAX_QUERY_BYTES + 1, "x"))


def test_bytes_are_counted_and_not_letters(translator: AdqlTranslator) -> None:
    with pytest.raises(AdqlError, match="bytes"):
        translator.translated(f"SELECT '{'é' * (limits.MAX_QUERY_BYTES // 2)}' FROM {G}")


@pytest.mark.parametrize(
    ("opened", "closed"),
    [
        *(("ABS(", ")"), ("(1 + (", "))"), ("-(", ")"), ("- ", ""), ("(SELECT MAX(", f") FROM {G})")),
        *(("CASE WHEN ra = 1 THEN ", " END"), ("COALESCE(1, CASE ra WHEN 1 THEN -(", ") END)")),
    ],
)
def test_nesting_ends_in_an_error_of_ours(translator: AdqlTranslator, opened: str, closed: str) -> None:
    assert translator.translated(put_in_brackets(5, opened, closed))
    for n in (20, 30, 31, 60, 200, 2_000):
        try:
            translator.translated(put_in_brackets(n, opened, closed))
        except AdqlError as error:
            assert "nested more than" in str(error) or "are the most" in str(error), (n, str(error))  # noqa: PT017 # in a loop
        else:
            assert n <= limits.MAX_NESTING or not closed


def test_conditions_nest_as_deep(translator: AdqlTranslator) -> None:
    for opened, closed in (
        ("NOT (", ")"),
        ("(", " OR dec < 1)"),
        ("EXISTS (SELECT 1 FROM galcat.tile WHERE ", ")"),
    ):
        assert translator.translated(f"SELECT ra FROM {G} WHERE {opened * 12}ra < 1{closed * 12}")
        with pytest.raises(AdqlError, match="nested more than 30 deep"):
            translator.translated(f"SELECT ra FROM {G} WHERE {opened * 39}ra < 1{closed * 39}")


def test_idle_brackets_are_no_nesting(catalogue: AdqlCatalogue) -> None:
    assert (
        catalogue.translated(put_in_brackets(5_000)).query == catalogue.translated(put_in_brackets(1)).query
    )
    assert catalogue.rows(f"SELECT COUNT(*) FROM TAP_UPLOAD.mine WHERE id IN {'(' * 90}1{')' * 90}") == [(1,)]
    assert catalogue.rows(f"SELECT ABS{'(' * 90}-1{')' * 90} FROM TAP_UPLOAD.mine") == [(1,)] * 3


def test_the_depth_fits_a_deep_stack(translator: AdqlTranslator) -> None:
    """A server's own frames come first: 200 of them leave room."""

    def deeper(n: int) -> None:
        if n:
            deeper(n - 1)
        else:
            translator.translated(put_in_brackets(limits.MAX_NESTING, "ABS("))
            translator.translated(f"SELECT ra FROM {G} WHERE {'NOT (' * 20}ra < 1{')' * 20}")

    frame, depth = sys._getframe(), 0
    while frame is not None:
        frame, depth = frame.f_back, depth + 1  # type: ignore[assignment] # the last has none
    deeper(max(0, 200 - depth))


def test_the_largest_queries_of_each_sort_are_still_translated(translator: AdqlTranslator) -> None:
    for query in (
        f"SELECT ra FROM {G} WHERE object_id IN ({','.join(str(i) for i in range(limits.MAX_IN_LIST))})",
        f"SELECT {','.join(['+'.join(['ra'] * 900)] * 20)} FROM {G}",
        f"SELECT {','.join(['ra + 1'] * 1_600)} FROM {G} GROUP BY "
        f"{','.join(f'ra + {i}' for i in range(1, limits.MAX_KEYS))}, ra + 1",
        f"SELECT 1 FROM {G} AS a" + "".join(f" JOIN {G} AS a{i}" for i in range(10)) + " ON 1 = 1" * 10,
    ):
        assert translator.translated(query)
