"""Names: in any case without quotes, exactly in double quotes; and what the answer's columns are called."""

import pytest

from catalog.adql.errors import AdqlError
from catalog.adql.published import Published, PublishedColumn, PublishedTable
from catalog.adql.translate import translate
from catalog.columns import ColumnMeta
from tests.catalog.adql.adql_catalogue import AdqlCatalogue
from tests.catalog.adql.small_published import AdqlTranslator


@pytest.mark.parametrize(
    "table",
    [
        "galcat.galaxy",
        "GALCAT.Galaxy",
        "galaxy",
        "GALAXY",
        '"galcat"."galaxy"',
        'galcat."galaxy"',
        "galcat . galaxy",
    ],
)
def test_a_table_may_be_written_so(catalogue: AdqlCatalogue, table: str) -> None:
    assert catalogue.rows(f"SELECT COUNT(*) FROM {table}") == [(2000,)]


@pytest.mark.parametrize(
    "table", ['"GALCAT".galaxy', '"Galaxy"', "tap_schema.galaxy", "galcat.galcat.galaxy"]
)
def test_and_not_so(translator: AdqlTranslator, table: str) -> None:
    with pytest.raises(AdqlError, match=r"no table|too many parts"):
        translator.translated(f"SELECT COUNT(*) FROM {table}")


def test_the_standards_schemas_are_known_in_any_case_even_in_quotes(catalogue: AdqlCatalogue) -> None:
    for table in (
        "TAP_SCHEMA.columns",
        '"TAP_SCHEMA"."columns"',
        "tap_schema.COLUMNS",
        "tap_upload.MINE",
        "mine",
    ):
        assert catalogue.rows(f"SELECT COUNT(*) FROM {table}")[0][0]


def test_columns_are_called_as_written_or_as_published(translator: AdqlTranslator) -> None:
    query = (
        'SELECT RA, g.Dec, ra AS Right, dec "Two Words", COUNT(*), MAX(mag_r), 1, ra + 1, 2 FROM '
        "galcat.galaxy AS g "
        "GROUP BY ra, dec"
    )
    with pytest.raises(AdqlError, match="'Right' is no name: as one write it in double quotes"):
        translator.names(query)
    assert translator.names(query.replace("Right", "R2")) == [
        *("ra", "dec", "R2", "Two Words", "count", "max", "expr_7", "expr_8", "expr_9")
    ]


def test_each_name_of_the_answer_is_there_once(translator: AdqlTranslator) -> None:
    names = translator.names(
        "SELECT g.object_id, h.object_id, 1 AS object_id_1, COUNT(*), COUNT(ra) FROM galcat.galaxy AS g "
        "JOIN (SELECT object_id FROM galcat.galaxy) AS h USING (object_id) GROUP BY g.object_id, h.object_id"
    )
    assert names == ["object_id", "object_id_1", "object_id_1_1", "count", "count_1"]
    one = translator.names("SELECT * FROM galcat.galaxy")
    two = translator.names("SELECT * FROM galcat.galaxy AS a, galcat.galaxy AS b")
    assert two == [*one, *(f"{name}_1" for name in one)]


def test_a_bare_column_has_what_tap_schema_says_of_it(translator: AdqlTranslator) -> None:
    columns = translator.translated(
        "SELECT ra AS x, mag_r, ra + 1 AS y, MIN(mag_r) FROM galcat.galaxy GROUP BY 1, 2, 3"
    ).columns
    x, magnitude, y, least = columns
    assert (x.name, x.unit, x.ucd, x.datatype) == ("x", "deg", "pos.eq.ra;meta.main", "double")
    assert magnitude.description
    assert (y.unit, y.ucd, y.description) == ("", "", "")
    assert (least.unit, least.datatype, least.ucd) == ("mag", "float", "")


def test_a_column_keeps_it_through_sub_queries(translator: AdqlTranslator) -> None:
    query = "WITH a AS (SELECT ra AS x FROM galcat.galaxy) SELECT b.x AS z FROM (SELECT x FROM a) AS b"
    assert (translator.translated(query).columns[0].name, translator.translated(query).columns[0].unit) == (
        "z",
        "deg",
    )


def test_aliases_serve_in_order_by_group_by_and_having_and_not_in_where(catalogue: AdqlCatalogue) -> None:
    grouped = catalogue.rows(
        "SELECT FLOOR(ra / 180) AS half, COUNT(*) AS n FROM galcat.galaxy GROUP BY half HAVING n > 1 "
        "ORDER BY n / 2, half"
    )
    assert sorted(row[0] for row in grouped) == [0, 1]
    with pytest.raises(AdqlError, match="no column 'half'"):
        catalogue.translated("SELECT FLOOR(ra / 180) AS half FROM galcat.galaxy WHERE half = 1")


def test_order_by_takes_the_answers_column_before_the_tables(catalogue: AdqlCatalogue) -> None:
    rows = catalogue.rows("SELECT TOP 3 -dec AS ra, ra AS r FROM galcat.galaxy ORDER BY ra")
    least = catalogue.rows("SELECT TOP 3 -dec, ra FROM galcat.galaxy ORDER BY 1")
    assert rows == least
    assert catalogue.rows("SELECT TOP 1 id FROM TAP_UPLOAD.mine ORDER BY name DESC, 1") == [(3,)]


def test_group_by_takes_the_tables_column_before_the_answers(translator: AdqlTranslator) -> None:
    with pytest.raises(AdqlError, match="column 'dec' stands beside groups"):
        translator.translated("SELECT dec AS ra, COUNT(*) FROM galcat.galaxy GROUP BY ra")


def test_an_uploads_columns_in_their_own_case() -> None:
    columns = (
        PublishedColumn(ColumnMeta("RA", "double"), "RA"),
        PublishedColumn(ColumnMeta("ra", "double"), "ra_1"),
    )
    mixed = PublishedTable(
        "TAP_UPLOAD", "T", ("tap_upload", "x"), (*columns, PublishedColumn(ColumnMeta("a b", "int"), "c"))
    )
    published = Published((mixed,))
    assert '"ra_1"' in translate("SELECT ra FROM tap_upload.t", published).query.as_string(None)
    assert '"RA"' in translate('SELECT "RA" FROM TAP_UPLOAD.T', published).query.as_string(None)
    assert '"c"' in translate('SELECT t."a b" FROM "TAP_UPLOAD"."T"', published).query.as_string(None)
    with pytest.raises(AdqlError, match="'Ra' is a column of"):
        translate("SELECT Ra FROM t", published)


def test_correlated_names_reach_outwards_and_nearest_first(catalogue: AdqlCatalogue) -> None:
    rows = catalogue.rows(
        "SELECT m.id FROM TAP_UPLOAD.mine AS m WHERE EXISTS "
        "(SELECT 1 FROM TAP_UPLOAD.mine AS n WHERE n.id = m.id + 1 AND ra <> m.ra) ORDER BY id"
    )
    assert rows == [(1,), (2,)]
    with pytest.raises(AdqlError, match=r"no column 'id'|no table 'm'"):
        catalogue.translated("SELECT 1 FROM TAP_UPLOAD.mine AS m, (SELECT m.id FROM galcat.galaxy) AS s")
