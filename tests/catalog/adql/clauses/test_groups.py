"""Groups of rows and distinct rows: what may stand beside them."""

import re

import pytest
from psycopg import sql

from catalog.adql import emitter
from catalog.adql.errors import AdqlError
from tests.catalog.adql.adql_catalogue import AdqlCatalogue
from tests.catalog.adql.small_published import AdqlTranslator

GROUPED = "FROM galcat.galaxy GROUP BY survey, FLOOR(ra / 90)"


@pytest.mark.parametrize(
    "query",
    [
        f"SELECT survey, FLOOR(ra / 90) + 1, SQRT(AVG(dec * dec)), 'x', MAX(ra) - MIN(ra) {GROUPED}",
        f"SELECT COUNT(*) {GROUPED} HAVING FLOOR(ra / 90) > 1 AND MIN(dec) < 0 ORDER BY 10 * FLOOR(ra / "
        "90), survey",
        f"SELECT CASE WHEN FLOOR(ra / 90) = 1 THEN survey ELSE 'no' END AS c {GROUPED} ORDER BY c",
        "SELECT FLOOR(ra / 90) AS q, COUNT(*) FROM galcat.galaxy GROUP BY 1 ORDER BY q + 1",
        "SELECT COUNT(*), (SELECT MAX(id) FROM TAP_UPLOAD.mine) FROM galcat.galaxy",
        "SELECT id, COUNT(*) FROM TAP_UPLOAD.mine FULL JOIN TAP_UPLOAD.probe USING (id) GROUP BY id",
        f"SELECT ABS(FLOOR(ra / 90)) + FLOOR(ra / 90), COUNT(*) {GROUPED}, FLOOR(ra / 90) + 1",
        "SELECT SUM(ra) + ra, ra + dec FROM galcat.galaxy GROUP BY ra, dec, ra + dec",
        "SELECT DISTINCT FLOOR(ra / 90) AS q, dec FROM galcat.galaxy ORDER BY FLOOR(ra / 90), q DESC, 2",
    ],
)
def test_groups_and_distinct_rows_that_postgres_takes_too(catalogue: AdqlCatalogue, query: str) -> None:
    assert catalogue.rows(query)


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        (f"SELECT FLOOR(ra) {GROUPED}", "column 'ra' stands beside groups"),
        (f"SELECT FLOOR(ra / 90) + ra {GROUPED}", "column 'ra' stands beside groups"),
        (f"SELECT SUM(ra) + FLOOR(ra / 90) + ra {GROUPED}", "column 'ra' stands beside groups"),
        (f"SELECT * {GROUPED}", "column 'object_id' stands beside groups"),
        (f"SELECT survey {GROUPED} HAVING dec > 0", "column 'dec' stands beside groups"),
        (f"SELECT survey {GROUPED} ORDER BY dec", "column 'dec' stands beside groups"),
        ("SELECT COUNT(*), ABS(dec) FROM galcat.galaxy", "column 'dec' stands beside groups"),
        ("SELECT COUNT(*) FROM galcat.galaxy ORDER BY dec", "column 'dec' stands beside groups"),
        ("SELECT ra FROM galcat.galaxy HAVING COUNT(*) > 1", "column 'ra' stands beside groups"),
        ("SELECT SUM(COUNT(*)) FROM galcat.galaxy", "SUM cannot be taken of another aggregate"),
        (
            "SELECT DISTINCT ra FROM galcat.galaxy ORDER BY dec",
            "DISTINCT is sorted by columns of the answer only",
        ),
        (
            "SELECT DISTINCT ra AS x FROM galcat.galaxy ORDER BY x + 1",
            "DISTINCT is sorted by columns of the answer",
        ),
    ],
)
def test_groups_and_distinct_rows_that_postgres_refuses(
    translator: AdqlTranslator, query: str, reason: str
) -> None:
    with pytest.raises(AdqlError, match=reason):
        translator.translated(query)


def test_keys_are_not_compared_with_every_place_of_every_column(
    translator: AdqlTranslator, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = 0

    def counting(one: sql.Composable, other: object) -> bool:
        nonlocal compared
        compared += 1
        return repr(one) == repr(other)

    monkeypatch.setattr(sql.Composable, "__eq__", counting)
    terms = ["+".join([f"ra * {i}"] * 40) for i in range(1, 51)]
    shown = ", ".join(f"ABS({term})" for term in terms)
    translated = translator.translated(f"SELECT {shown} FROM galcat.galaxy GROUP BY {', '.join(terms)}")
    assert compared < emitter.piece_count(translated.query)


def test_so_many_keys_are_the_most(translator: AdqlTranslator) -> None:
    with pytest.raises(AdqlError, match=re.escape("60 keys; 50 are the most")):
        translator.translated(f"SELECT COUNT(*) FROM galcat.galaxy GROUP BY {', '.join(['ra'] * 60)}")
