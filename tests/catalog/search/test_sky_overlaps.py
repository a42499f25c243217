"""Which regions lie in which and which meet: against sampled outlines, and where they just touch."""

from collections.abc import Iterator

import numpy as np
import psycopg
import pytest
from astropy.coordinates import SkyCoord
from psycopg import sql

from tests.catalog.search.sky_shapes import Shape, holds, lies_in, meets, outline, random_polygon
from tests.databases import fresh_database

PLACES = [(0.0, 0.0), (359.9, 40.0), (123.0, -75.0), (200.0, 89.5), (10.0, -90.0)]
SQUARE = [10.0, 0.0, 12.0, 0.0, 12.0, 2.0, 10.0, 2.0]
NOTCHED = [0.0, 0.0, 4.0, 0.0, 4.0, 4.0, 2.0, 1.0, 0.0, 4.0]


@pytest.fixture(scope="module")
def database(postgres_url: str, schema_template: str) -> Iterator[str]:
    """One catalogue without galaxies for all tests, which call functions and change nothing."""
    with fresh_database(postgres_url, schema_template) as url:
        yield url


def says(connection: psycopg.Connection, function: str, *shapes: Shape | None) -> bool | None:
    call = sql.SQL("SELECT {}(%s::float8[], %s::float8[])").format(sql.Identifier("galcat", function))
    numbers = [shape and [None if x is None else float(x) for x in shape] for shape in shapes]
    row = connection.execute(call, numbers).fetchone()
    assert row is not None
    found: bool | None = row[0]
    return found


def kind(shape: Shape) -> str:
    return "circle" if len(shape) == 3 else "polygon"


def inside(connection: psycopg.Connection, shape: Shape, other: Shape) -> bool | None:
    return says(connection, f"{kind(shape)}_in_{kind(other)}", shape, other)


def meeting(connection: psycopg.Connection, shape: Shape, other: Shape) -> bool | None:
    first, second = sorted([shape, other], key=kind)
    return says(connection, f"{kind(first)}_meets_{kind(second)}", first, second)


def pairs(seed: int, n: int) -> list[tuple[Shape, Shape]]:
    """Circles and polygons near each other, of 0.1 to 30 degrees, also over ra = 0 and the poles."""
    rng = np.random.default_rng(seed)
    made: list[tuple[Shape, Shape]] = []
    for _ in range(n):
        ra, dec = PLACES[int(rng.integers(len(PLACES)))]
        size = 10 ** rng.uniform(-1, 1.3)
        shapes: list[Shape] = []
        for scale in (1, rng.choice([0.1, 0.3, 1])):
            near = SkyCoord(ra, dec, unit="deg").directional_offset_by(
                rng.uniform(0, 6.28), np.radians(size) * rng.uniform(0, 1.5)
            )
            at = float(near.ra.deg), float(near.dec.deg)
            radius = float(size * scale)
            shapes.append([*at, radius] if rng.random() < 0.5 else random_polygon(rng, *at, radius))
        made.append((shapes[1], shapes[0]))
    return made


def test_regions_lie_in_each_other_as_their_outlines_do(connection: psycopg.Connection) -> None:
    cases = pairs(seed=1, n=300)
    expected = [lies_in(*pair) for pair in cases]
    assert [inside(connection, *pair) for pair in cases] == expected
    assert {(kind(a), kind(b)) for (a, b), is_in in zip(cases, expected, strict=True) if is_in} == {
        (a, b) for a in ("circle", "polygon") for b in ("circle", "polygon")
    }


def test_regions_meet_as_their_outlines_do(connection: psycopg.Connection) -> None:
    cases = pairs(seed=2, n=200)
    expected = [meets(*pair) for pair in cases]
    assert [meeting(connection, *pair) for pair in cases] == expected
    assert [meeting(connection, *pair[::-1]) for pair in cases] == expected
    assert 40 < sum(expected) < 160


@pytest.mark.parametrize("radius", [95.0, 130.0, 179.0, 180.0])
def test_a_circle_larger_than_half_the_sky_leaves_out_what_lies_opposite(
    connection: psycopg.Connection, radius: float
) -> None:
    rng = np.random.default_rng(3)
    circle = [200.0, 30.0, radius]
    polygons = [random_polygon(rng, ra, dec, 20) for ra, dec in [(20, -30), (20, -38), (50, -40), (70, 10)]]
    assert [inside(connection, p, circle) for p in polygons] == [lies_in(p, circle) for p in polygons]
    circles = [[20.0, -30.0, 5.0], [30.0, 0.0, 20.0], [200.0, 30.0, 94.0], [200.0, 30.0, 180.0]]
    assert [inside(connection, c, circle) for c in circles] == [lies_in(c, circle) for c in circles]


@pytest.mark.parametrize(
    ("shape", "other", "is_meeting", "is_inside"),
    [
        ([10.0, 0.0, 1.0], [12.0, 0.0, 1.0], True, False),
        ([10.0, 0.0, 1.0], [12.000001, 0.0, 1.0], False, False),
        ([11.0, 0.0, 1.0], [10.0, 0.0, 2.0], True, True),
        ([11.0, 0.0, 1.000001], [10.0, 0.0, 2.0], True, False),
        ([0.0, 90.0, 1.0], [77.0, 89.0, 2.0], True, True),
        ([359.5, 0.0, 1.0], [1.5, 0.0, 1.0], True, False),
        ([9.0, 1.0, 0.99], SQUARE, False, False),
        ([10.0, 2.0, 0.0], SQUARE, True, True),
        ([11.0, 1.0, 0.999], SQUARE, True, True),
        (SQUARE, [11.0, 1.0, 1.5], True, True),
        (SQUARE, [11.0, 1.0, 1.4], True, False),
        (SQUARE, SQUARE, True, True),
        (SQUARE, SQUARE[4:] + SQUARE[:4], True, True),
        (SQUARE, [12.0, 0.0, 14.0, 0.0, 14.0, 2.0, 12.0, 2.0], True, False),
        (SQUARE, [12.0, 2.0, 14.0, 2.0, 14.0, 4.0], True, False),
        (SQUARE, [12.000001, 0.0, 14.0, 0.0, 14.0, 2.0], False, False),
        ([10.0, 0.0, 11.0, 0.0, 11.0, 1.0], SQUARE, True, True),
        ([8.0, 0.5, 14.0, 0.5, 14.0, 1.0, 8.0, 1.0], SQUARE, True, False),
        # Its vertices are in the notched one, of one edge all but the ends are not.
        ([0.0, 4.0, 2.0, 0.5, 4.0, 4.0], NOTCHED, True, False),
        ([0.0, 4.0, 2.0, 1.0, 2.0, 0.5], NOTCHED, True, True),
    ],
)
def test_what_touches_meets_and_what_touches_from_inside_is_inside(
    connection: psycopg.Connection, shape: Shape, other: Shape, is_meeting: bool, is_inside: bool
) -> None:
    assert meeting(connection, shape, other) is is_meeting
    assert inside(connection, shape, other) is is_inside


def test_the_distance_from_an_outline_is_that_of_its_nearest_point(connection: psycopg.Connection) -> None:
    rng = np.random.default_rng(4)
    for ra, dec in PLACES:
        shape = random_polygon(rng, ra, dec, 8)
        there = SkyCoord(ra, dec, unit="deg").directional_offset_by(
            rng.uniform(0, 6, 5), rng.uniform(0, 0.3, 5)
        )
        edges = outline(shape, 3000)
        nearest = [float(point.separation(edges).deg.min()) for point in there]
        found = [
            connection.execute(
                "SELECT galcat.outline_distance(%s, %s, %s::float8[])", [point.ra.deg, point.dec.deg, shape]
            ).fetchone()
            for point in there
        ]
        np.testing.assert_allclose([row[0] for row in found if row], nearest, atol=2e-3)
        assert holds(shape, SkyCoord([ra], [dec], unit="deg"))[0]


@pytest.mark.parametrize("function", ["circle_in_circle", "circle_meets_circle", "polygon_in_polygon"])
def test_nothing_is_known_of_a_region_that_is_not_known(
    connection: psycopg.Connection, function: str
) -> None:
    shape = SQUARE if function.startswith("polygon") else [10.0, 0.0, 1.0]
    assert says(connection, function, shape, None) is None
    assert says(connection, function, None, shape) is None


@pytest.mark.parametrize("function", ["circle_in_polygon", "circle_meets_polygon"])
def test_nothing_is_known_of_a_polygon_or_circle_that_is_not_known(
    connection: psycopg.Connection, function: str
) -> None:
    assert says(connection, function, None, SQUARE) is None
    assert says(connection, function, [10.0, 0.0, 1.0], None) is None
    assert says(connection, "polygon_in_circle", None, [10.0, 0.0, 1.0]) is None
    assert says(connection, "polygon_in_circle", SQUARE, None) is None


@pytest.mark.parametrize("tiny", [5e-324, 1e-100, 1e-30, 0.0])
def test_coordinates_that_are_nearly_nothing_do_not_break_the_arithmetic(
    connection: psycopg.Connection, tiny: float
) -> None:
    polygon = [tiny, tiny, 1.0, tiny, tiny, 1.0]
    circle = [tiny, tiny, tiny]
    assert inside(connection, circle, polygon) is True
    assert meeting(connection, circle, polygon) is True
    assert inside(connection, polygon, [tiny, tiny, 1.1]) is True
    assert inside(connection, polygon, polygon) is True
    assert meeting(connection, polygon, [tiny, -tiny, -1.0, tiny, tiny, -1.0]) is True


@pytest.mark.parametrize(
    ("function", "shapes", "message"),
    [
        (
            "circle_in_circle",
            ([1, 2, 3, 4], [1, 2, 3]),
            "circle: 4 numbers are not right ascension, declination and radius",
        ),
        (
            "circle_meets_circle",
            ([1, 2, 3], [1, 2, -1]),
            "circle: radius -1 is not between 0 and 180 degrees",
        ),
        (
            "circle_meets_circle",
            ([1, 2, 3], [1, 2, float("nan")]),
            "circle: radius NaN is not between 0 and 180 degrees",
        ),
        (
            "circle_in_polygon",
            ([float("nan"), 2, 3], SQUARE),
            "circle: right ascension NaN is not between -360 and 720 degrees",
        ),
        (
            "circle_in_polygon",
            ([1, 91, 3], SQUARE),
            "circle: declination 91 is not between -90 and 90 degrees",
        ),
        (
            "circle_meets_polygon",
            ([1, 2, 3], [1, 2, 3, 4]),
            "4 numbers are not right ascension and declination",
        ),
        (
            "polygon_in_circle",
            ([1, 2, 3, 4, 5, 95], [1, 2, 3]),
            "declination 95 of vertex 3 is not between -90 and 90",
        ),
        (
            "polygon_in_polygon",
            (SQUARE, [100, 2, 103, 4, 105, float("nan")]),
            "declination NaN of vertex 3 is not between",
        ),
        (
            "polygon_in_polygon",
            ([100, 2, 103, 4, 105, float("nan")], SQUARE),
            "declination NaN of vertex 3 is not between",
        ),
        ("polygon_meets_polygon", (SQUARE, [0, 0, 120, 0, 240, 0]), "89 are the most: cut it into parts"),
        (
            "polygon_meets_polygon",
            ([100, 2, None, 4, 105, 6], SQUARE),
            "right ascension NULL of vertex 2 is not between",
        ),
    ],
)
def test_an_impossible_region_is_an_error_that_names_the_value(
    connection: psycopg.Connection, function: str, shapes: tuple[Shape, Shape], message: str
) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue) as caught:
        says(connection, function, *shapes)
    assert message in str(caught.value)
