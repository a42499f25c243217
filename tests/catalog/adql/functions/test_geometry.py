"""Regions of the sky: what contains, meets and measures what."""

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from numpy.typing import NDArray

from catalog.adql.errors import AdqlError
from tests.catalog.adql.adql_catalogue import AdqlCatalogue
from tests.catalog.adql.small_published import AdqlTranslator

SQUARE = "POLYGON(9, 1, 11, 1, 11, 3, 9, 3)"
INSIDE = {
    ("POINT(10, 2)", "CIRCLE(10, 2, 1)"): 1,
    ("POINT(10, 3.1)", "CIRCLE(10, 2, 1)"): 0,
    ("POINT(10, 2)", SQUARE): 1,
    ("POINT(12, 2)", SQUARE): 0,
    ("POINT(10, 2)", "BOX(10, 2, 2, 2)"): 1,
    ("POINT(10, 3.1)", "BOX(10, 2, 2, 2)"): 0,
    ("CIRCLE(10, 2, 0.5)", "CIRCLE(10, 2, 1)"): 1,
    ("CIRCLE(10, 2, 1)", "CIRCLE(10, 2, 0.5)"): 0,
    ("CIRCLE(10, 2, 0.5)", SQUARE): 1,
    ("CIRCLE(10, 2, 1.5)", SQUARE): 0,
    (SQUARE, "CIRCLE(10, 2, 2)"): 1,
    (SQUARE, "CIRCLE(10, 2, 1)"): 0,
    ("BOX(10, 2, 1, 1)", SQUARE): 1,
    (SQUARE, "BOX(10, 2, 1, 1)"): 0,
    ("POINT(359.9, 0)", "CIRCLE(0.1, 0, 0.3)"): 1,
    ("POINT('ICRS', 10, 2)", "REGION('POLYGON ICRS 9 1 11 1 11 3 9 3')"): 1,
    ("POINT('', 10, 2)", "REGION('Circle icrs geocenter spherical2 10 2 1')"): 1,
    ("REGION('POSITION ICRS 10 2')", "REGION('BOX 10 2 2 2')"): 1,
    ("CENTROID(CIRCLE(10, 2, 5))", "CIRCLE(POINT(10, 2), 0.001)"): 1,
    ("CENTROID(BOX(10, 2, 1, 1))", "CIRCLE(10, 2, 0.01)"): 1,
}
MEET = {
    ("CIRCLE(10, 2, 1)", "CIRCLE(12, 2, 1.1)"): 1,
    ("CIRCLE(10, 2, 1)", "CIRCLE(12, 2, 0.9)"): 0,
    ("CIRCLE(12, 2, 1.5)", SQUARE): 1,
    (SQUARE, "CIRCLE(12, 2, 1.5)"): 1,
    (SQUARE, "CIRCLE(12, 2, 0.5)"): 0,
    (SQUARE, "BOX(11, 2, 1, 1)"): 1,
    (SQUARE, "BOX(20, 2, 1, 1)"): 0,
    ("POINT(10, 2)", SQUARE): 1,
    (SQUARE, "POINT(10, 2)"): 1,
    ("CIRCLE(10, 2, 1)", "POINT(20, 2)"): 0,
}


@pytest.mark.parametrize(("function", "cases"), [("CONTAINS", INSIDE), ("INTERSECTS", MEET)])
def test_constant_regions(catalogue: AdqlCatalogue, function: str, cases: dict[tuple[str, str], int]) -> None:
    for (one, other), expected in cases.items():
        call = f"{function}({one}, {other})"
        assert catalogue.rows(f"SELECT TOP 1 {call} FROM galcat.galaxy") == [(expected,)], call
        for condition, is_true in (
            (f"1 = {call}", expected),
            (f"{call} = 0", 1 - expected),
            (f"{call} < 1", 1 - expected),
        ):
            rows = catalogue.rows(f"SELECT TOP 1 1 FROM galcat.galaxy WHERE {condition}")
            assert len(rows) == is_true, condition


def test_galaxies_in_a_polygon_are_those_on_the_inner_side_of_its_edges(catalogue: AdqlCatalogue) -> None:
    corners = np.array([[20.0, -30], [80, -20], [70, 40], [30, 35]])
    rows = catalogue.rows("SELECT object_id, ra, dec FROM galcat.galaxy")
    ids, ra, dec = (np.array(values) for values in zip(*rows, strict=True))
    x = unit(ra, dec)
    edges = unit(*corners.T)
    inside = np.ones(len(ra), bool)
    for a, b in zip(edges, np.roll(edges, -1, axis=0), strict=True):
        inside &= x @ np.cross(a, b) >= 0
    numbers = ", ".join(str(number) for number in corners.ravel())
    points = ", ".join(f"POINT({a}, {b})" for a, b in corners)
    assert inside.sum() > 50
    for polygon in (f"POLYGON({numbers})", f"POLYGON('ICRS', {numbers})", f"POLYGON({points})"):
        found = catalogue.rows(
            f"SELECT object_id FROM galcat.galaxy WHERE 1 = CONTAINS(POINT(ra, dec), {polygon})"
        )
        assert sorted(row[0] for row in found) == sorted(ids[inside].tolist())


def test_a_cross_match_finds_the_pairs_that_astropy_finds(catalogue: AdqlCatalogue) -> None:
    rows = catalogue.rows("SELECT object_id, ra, dec FROM galcat.galaxy")
    ids, ra, dec = (np.array(values) for values in zip(*rows, strict=True))
    mine = np.array([[1, 10.5, 2.5], [2, 350, -10], [3, 10, 2]])
    theirs, ours = SkyCoord(ra, dec, unit="deg"), SkyCoord(mine[:, 1], mine[:, 2], unit="deg")
    i, j, _, _ = theirs.search_around_sky(
        ours, SkyCoord(0, 5, unit="deg").separation(SkyCoord(0, 0, unit="deg"))
    )
    expected = sorted(zip(mine[i, 0].astype(int).tolist(), ids[j].tolist(), strict=True))
    assert len(expected) > 5
    for condition in (
        "1 = CONTAINS(POINT(g.ra, g.dec), CIRCLE(m.ra, m.dec, 5))",
        "1 = CONTAINS(POINT(m.ra, m.dec), CIRCLE(g.ra, g.dec, 5))",
        "DISTANCE(g.ra, g.dec, m.ra, m.dec) <= 5",
        "5 >= DISTANCE(POINT(m.ra, m.dec), POINT(g.ra, g.dec))",
        "DISTANCE(m.ra, m.dec, g.ra, g.dec) <= 4 + 1",
    ):
        found = catalogue.rows(
            f"SELECT m.id, g.object_id FROM galcat.galaxy AS g JOIN TAP_UPLOAD.mine AS m ON {condition}"
        )
        assert sorted(found) == expected, condition


def test_regions_are_shown_as_arrays_with_their_kind(catalogue: AdqlCatalogue) -> None:
    query = (
        f"SELECT TOP 1 POINT(10, ra - ra), CIRCLE(10, 2, 1), {SQUARE}, CENTROID({SQUARE}) FROM galcat.galaxy"
    )
    point, circle, polygon, centre = catalogue.rows(query)[0]
    assert (point, circle) == ([10.0, 0.0], [10.0, 2.0, 1.0])
    assert polygon == [9.0, 1.0, 11.0, 1.0, 11.0, 3.0, 9.0, 3.0]
    assert centre == pytest.approx([10.0, 2.0], abs=1e-3)
    columns = catalogue.translated(query).columns
    assert [column.xtype for column in columns] == ["point", "circle", "polygon", "point"]
    assert [column.arraysize for column in columns] == ["2", "3", "*", "2"]


def test_a_tiles_outline_is_a_region(catalogue: AdqlCatalogue) -> None:
    asked_of = "SELECT name, AREA(s_region), COORD1(CENTROID(s_region)) FROM galcat.tile WHERE "
    rows = catalogue.rows(asked_of + "1 = INTERSECTS(s_region, CIRCLE(12, 2, 1.5))")
    assert len(rows) == 1
    assert rows[0][1:] == pytest.approx((4.0, 10.0), rel=1e-2)
    assert catalogue.rows(asked_of + "1 = INTERSECTS(s_region, CIRCLE(15, 2, 1))") == []
    inside = catalogue.rows(
        "SELECT t.name FROM galcat.tile AS t WHERE 1 = CONTAINS(POINT(10, 2), t.s_region)"
    )
    assert len(inside) == 1


def test_polygons_of_columns_hold_what_the_same_constants_hold(catalogue: AdqlCatalogue) -> None:
    places = catalogue.rows("SELECT id, ra, dec FROM TAP_UPLOAD.mine")
    pairs = "SELECT m.id, g.object_id FROM galcat.galaxy AS g, TAP_UPLOAD.mine AS m WHERE 1 = CONTAINS({}) "
    shapes = ("BOX({ra}, {dec}, 30, 20)", "POLYGON({ra}, {dec}, {ra} + 20, {dec}, {ra}, {dec} + 20)")
    for shape in shapes:
        joined = catalogue.rows(pairs.format(f"POINT(g.ra, g.dec), {shape.format(ra='m.ra', dec='m.dec')}"))
        expected = {
            (key, row[0])
            for key, ra, dec in places
            for row in catalogue.rows(
                "SELECT object_id FROM galcat.galaxy WHERE 1 = CONTAINS(POINT(ra, dec), "
                f"{shape.format(ra=ra, dec=dec)})"
            )
        }
        assert len(expected) > 10
        assert set(joined) == expected
        assert len(joined) == len(expected)


def test_an_outline_that_is_written_as_text_is_a_region_too(catalogue: AdqlCatalogue) -> None:
    corners = catalogue.rows("SELECT s_region, AREA(s_region) FROM galcat.tile")
    ((text, area, inside),) = catalogue.rows(
        "SELECT s_region, AREA(s_region), CONTAINS(CENTROID(s_region), s_region) FROM ivoa.obscore "
        "WHERE 1 = INTERSECTS(CIRCLE(12, 2, 1.5), s_region) AND 1 = CONTAINS(POINT(s_ra, s_dec), s_region)"
    )
    assert ([float(part) for part in str(text).split()[2:]], area) in corners
    assert inside == 1
    none = "SELECT 1 FROM ivoa.obscore WHERE 1 = CONTAINS(POINT('ICRS', 150.1, 2.1), s_region)"
    assert catalogue.rows(none) == []


def test_nothing_is_inside_null(catalogue: AdqlCatalogue) -> None:
    rows = catalogue.rows("SELECT CONTAINS(POINT(x, 0), CIRCLE(0, 0, 10)) FROM TAP_UPLOAD.mine ORDER BY id")
    assert rows == [(1,), (None,), (1,)]


@pytest.mark.parametrize(
    "expression",
    [
        "CONTAINS(POINT(1, 2), POINT(1, 2))",
        "INTERSECTS(POINT(1, 2), POINT(1, 2))",
        "CONTAINS(ra, CIRCLE(1, 2, 3))",
        "COORD1(CIRCLE(1, 2, 3))",
        "DISTANCE(POINT(1, 2), CIRCLE(1, 2, 3))",
        "DISTANCE(1, 2, 3)",
        "DISTANCE(POINT(1, 2), 3)",
        "POINT(1)",
        "POINT(1, 2, 3)",
        "POINT('FK5', 1, 2)",
        "CIRCLE('ICRS', 1, 2)",
        "BOX(1, 2, 3)",
        "POLYGON(1, 2, 3, 4, 5)",
        "POLYGON(POINT(1, 2), POINT(3, 4), 5, 6)",
        "REGION(survey)",
        "REGION('UNION ICRS (CIRCLE 1 2 3)')",
        "REGION('CIRCLE ICRS a b c')",
        "REGION('CIRCLE ICRS 1 2 inf')",
        "REGION('')",
        "AREA(5)",
        "POINT(1, 2) + 1",
        "CAST(POINT(1, 2) AS VARCHAR)",
        "MAX(POINT(ra, dec))",
    ],
)
def test_what_is_no_region_is_refused(translator: AdqlTranslator, expression: str) -> None:
    with pytest.raises(AdqlError):
        translator.translated(f"SELECT {expression} FROM galcat.galaxy")


def unit(ra: NDArray[np.float64], dec: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 3) unit vectors."""
    a, d = np.radians(ra), np.radians(dec)
    return np.stack([np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)], axis=1)
