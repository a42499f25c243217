"""An error says where, what, and what was perhaps meant."""

import pytest

from catalog.adql.errors import AdqlError
from catalog.adql.translate import translate
from tests.catalog.adql.adql_catalogue import AdqlCatalogue
from tests.catalog.adql.small_published import small_published

G = "FROM galcat.galaxy"
MESSAGES = {
    f"SELECT mag_rr {G}": "line 1, column 8: no column 'mag_rr' in galcat.galaxy; did you mean mag_r?",
    f"SELECT ra,\n       decl {G}": "line 2, column 8: no column 'decl' in galcat.galaxy; did you mean dec?",
    f"SELECT ra\r\n{G}\r\nWHERE xx < 1": "line 3, column 7: no column 'xx' in galcat.galaxy",
    f'SELECT "RA" {G}': "line 1, column 8: no column 'RA' in galcat.galaxy; did you mean \"ra\"?",
    f"SELECT g.rra {G} AS g": "line 1, column 10: no column 'rra' in g; did you mean ra?",
    f"SELECT h.ra {G} AS g": "line 1, column 8: no table 'h' in FROM, which has g",
    f"SELECT ra {G} AS g, galcat.tile AS t": "line 1, column 8: 'ra' is a column of g and of t: say which",
    "SELECT ra FROM galcat.galaxi": (
        "line 1, column 16: no table 'galcat.galaxi'; did you mean galcat.galaxy?"
    ),
    "SELECT ra FROM columms": "line 1, column 16: no table 'columms'; did you mean columns?",
    f"SELECT SQRTT(ra) {G}": "line 1, column 8: no function SQRTT; did you mean SQRT?",
    f"SELECT MOD(ra) {G}": "line 1, column 8: MOD takes 2 arguments, not 1",
    f"SELECT ROUND(ra, 1, 2) {G}": "line 1, column 8: ROUND takes 1 to 2 arguments, not 3",
    f"SELECT SQRT(survey) {G}": "line 1, column 13: SQRT expects a number, not text",
    f"SELECT POWER(2, survey) {G}": "line 1, column 17: POWER expects a number as argument 2, not text",
    f"SELECT ROUND(ra, 1.5) {G}": "line 1, column 18: ROUND expects an integer as argument 2, not float",
    f"SELECT POINT(survey, dec) {G}": "line 1, column 14: POINT expects a number as argument 1, not text",
    f"SELECT LOWER(ra) {G}": "line 1, column 14: LOWER expects a text, not float",
    f"SELECT survey + 1 {G}": "line 1, column 8: a number is expected here, not a text",
    f"SELECT ra || survey {G}": "line 1, column 8: a text is expected here",
    f"SELECT ra {G} WHERE survey = 5": "line 1, column 36: one cannot compare text with integer",
    f"SELECT ra {G} WHERE survey": "line 1, column 36: a condition is expected here, not a value",
    f"SELECT ra {G} WHERE CONTAINS(POINT(ra, dec), CIRCLE(1, 2, 3))": (
        "line 1, column 36: CONTAINS gives 1 or 0: write 1=CONTAINS(...)"
    ),
    f"SELECT ra < 1 {G}": "line 1, column 8: a single value is expected here",
    f"SELECT size {G}": "line 1, column 8: size is a reserved word: as a name write it in double quotes",
    f"SELECT ra AS position {G}": (
        "line 1, column 14: position is a reserved word: as a name write it in double quotes"
    ),
    f"SELECT ra {G} LIMIT 5": "line 1, column 30: ADQL has no LIMIT: write SELECT TOP n",
    f"SELECT ra % 2 {G}": "line 1, column 11: '%' has no meaning here: for the remainder write MOD(a, b)",
    f"SELECT ra, {G}": "line 1, column 12: something is missing between ',' and 'FROM'",
    f"SELECT (ra {G}": "line 1, column 8: this bracket is never closed",
    f"SELECT ra) {G}": "line 1, column 10: this bracket closes none",
    f"SELECT 'ra {G}": "line 1, column 8: a quote is never closed",
    f"SELECT ra {G} WHERE": "line 1, column 30: the query breaks off after 'WHERE'",
    f"SELECT ra {G} ORDER BY 2": "line 1, column 39: the answer has no column 2, but 1 to 1",
    f"SELECT survey, ra, COUNT(*) {G} GROUP BY survey": (
        "line 1, column 16: column 'ra' stands beside groups of rows: name it in GROUP BY or take its MIN"
    ),
    f"SELECT ra {G} WHERE COUNT(*) > 1": (
        "line 1, column 36: COUNT, SUM and the like stand in SELECT, HAVING and ORDER BY, not in WHERE"
    ),
    f"SELECT ra {G} UNION SELECT ra, dec {G}": (
        "line 1, column 43: both sides give as many columns, not 1 and 2"
    ),
    f"SELECT ra {G} UNION SELECT survey {G}": (
        "line 1, column 43: column 'ra' needs values of one kind, not float and text"
    ),
    f"SELECT {'9' * 5_000} {G}": (
        f"line 1, column 8: the integer {'9' * 30}... (5000 digits) needs more than 64 bits: "
        "write it with a point or an exponent"
    ),
    f"SELECT -0x{'f' * 5_000} {G}": (
        f"line 1, column 9: the integer {'f' * 30}... (5000 digits) needs more than 64 bits: "
        "write it with a point or an exponent"
    ),
    f"SELECT {'9' * 5_000}.0 {G}": (
        f"line 1, column 8: {'9' * 30}... (5002 digits) is beyond double precision"
    ),
    f"SELECT TOP {'9' * 5_000} ra {G}": (
        f"line 1, column 12: the integer {'9' * 30}... (5000 digits) needs more than 64 bits: "
        "write it with a point or an exponent"
    ),
    f"SELECT ra {G} ORDER BY dec UNION SELECT dec {G}": (
        "line 1, column 39: ORDER BY and OFFSET of one side of a set operation stand in brackets with it"
    ),
    f"SELECT ra {G} UNION SELECT dec {G} ORDER BY ra EXCEPT SELECT ra {G}": (
        "line 1, column 75: ORDER BY and OFFSET of one side of a set operation stand in brackets with it"
    ),
    f"SELECT a.ra {G} AS a JOIN (SELECT survey AS ra {G}) AS b USING (ra)": (
        "line 1, column 95: column 'ra': one cannot compare float with text"
    ),
    f"SELECT s.name FROM TAP_UPLOAD.mine AS s NATURAL JOIN (SELECT 1 AS name {G}) AS b": (
        "line 1, column 62: column 'name': one cannot compare text with integer"
    ),
    f"SELECT IN_UNIT(ra, 'kg') {G}": "line 1, column 20: deg cannot be given in kg",
    f"SELECT IN_UNIT(ra, 'foo') {G}": "line 1, column 20: 'foo' is no unit of VOUnits",
    f"SELECT IN_UNIT(ra, '') {G}": "line 1, column 20: IN_UNIT cannot make a value without a unit",
    f"SELECT IN_UNIT(42, 'kg') {G}": (
        "line 1, column 16: IN_UNIT expects a value that has a unit, such as a column with one"
    ),
    f"SELECT POINT('GALACTIC', 1, 2) {G}": "line 1, column 14: 'GALACTIC': all positions here are ICRS",
    f"SELECT REGION('CIRCLE FK5 1 2 3') {G}": "line 1, column 15: FK5: all positions here are ICRS",
    f"SELECT REGION('CIRCLE ICRS 1 2') {G}": (
        "line 1, column 15: 2 numbers make no CIRCLE in 'CIRCLE ICRS 1 2'"
    ),
    f"SELECT POLYGON(1, 2, 3, 4) {G}": "line 1, column 8: POLYGON takes 3 to 1000 vertices, not 2",
    f"SELECT CIRCLE(1, 2) {G}": "line 1, column 8: CIRCLE takes a point or two numbers, and a number",
    f"SELECT TIMESTAMP('yesterday') {G}": (
        "line 1, column 18: 'yesterday' is no time: write 'YYYY-MM-DDThh:mm:ss', UTC"
    ),
    f"SELECT CAST(ra AS TEXT) {G}": (
        "line 1, column 19: TEXT is no type of ADQL: SMALLINT, INTEGER, BIGINT, REAL, "
        "DOUBLE PRECISION, CHAR(n), VARCHAR(n) or TIMESTAMP"
    ),
    f"SELECT morph_distance(survey, 1) {G}": (
        "line 1, column 23: morph_distance expects an object_id or a vector as argument 1, not text"
    ),
    f"SELECT * {G} AS g, galcat.tile AS g": "line 1, column 15: 'g' stands twice in FROM: give each an alias",
    f"SELECT * {G} JOIN galcat.tile AS t": "line 1, column 34: a join needs ON, USING, NATURAL or CROSS",
    f"SELECT TOP 5 {G}": "line 1, column 12: SELECT needs a column",
    f"SELECT ra {G} ORDER mag_r": "line 1, column 30: BY is expected after ORDER",
    f"SELECT ra {G} FETCH FIRST 5 ROWS ONLY": "line 1, column 30: ADQL has no FETCH: write SELECT TOP n",
    f"SELECT RANK() OVER (PARTITION BY ra) {G}": "line 1, column 15: ADQL has no window functions",
    f"SELECT ra {G} WEHRE mag_r<15": ("line 1, column 30: 'WEHRE' is not expected here; did you mean WHERE?"),
    f"SELECT ra {G} AS g WEHRE mag_r<15": (
        "line 1, column 35: 'WEHRE' is not expected here; did you mean WHERE?"
    ),
    "SELECT ra FORM galcat.galaxy": "line 1, column 11: 'FORM' is not expected here; did you mean FROM?",
    f"SELECT ra {G} ODER BY ra": "line 1, column 30: 'ODER' is not expected here; did you mean ORDER?",
    f'SELECT ra {G} WHERE survey="x"': (
        "line 1, column 43: no column 'x' in galcat.galaxy; texts stand in single quotes"
    ),
    f"SELECT ra /* c */ {G}": "line 1, column 11: comments begin with -- and end with their line",
    f"SELECT search {G}": "line 1, column 8: no column 'search' in galcat.galaxy; galcat.embedding has one",
    f"SELECT g.search {G} AS g": "line 1, column 10: no column 'search' in g; galcat.embedding has one",
    f"SELECT ra FROM (SELECT ra {G})": (
        "line 1, column 24: a sub-query in FROM needs a name: (SELECT ...) AS name"
    ),
}


@pytest.mark.parametrize("query", MESSAGES)
def test_the_message_is_the_expected_one(query: str) -> None:
    with pytest.raises(AdqlError) as caught:
        translate(query, small_published())
    assert str(caught.value) == MESSAGES[query]


def test_a_whole_catalogue_gives_the_same_messages(catalogue: AdqlCatalogue) -> None:
    said = {}
    for query in MESSAGES:
        with pytest.raises(AdqlError) as caught:
            catalogue.translated(query)
        said[query] = str(caught.value)
    assert said == MESSAGES


def test_line_and_column_are_numbers_too(catalogue: AdqlCatalogue) -> None:
    with pytest.raises(AdqlError) as caught:
        catalogue.translated("SELECT ra\nFROM galcat.galaxy\n  WHERE mag_q < 17")
    assert (caught.value.line, caught.value.column) == (3, 9)
    with pytest.raises(AdqlError) as caught:
        catalogue.translated("")
    assert (caught.value.line, caught.value.column) == (None, None)


def test_an_unknown_language_is_named(catalogue: AdqlCatalogue) -> None:
    with pytest.raises(AdqlError, match="language 'PQL' is none of ADQL, ADQL-2"):
        translate("SELECT ra FROM galcat.galaxy", catalogue.published, language="PQL")
    assert translate("SELECT ra FROM galcat.galaxy", catalogue.published, language="adql-2.0")
