"""Areas, centres, boxes and written regions against numpy and astropy."""

from collections.abc import Iterator

import astropy.units as u
import numpy as np
import psycopg
import pytest
from astropy.coordinates import SkyCoord

from tests.catalog.search.sky_shapes import Shape, girard_area, holds, positions_around, random_polygon
from tests.databases import fresh_database

PLACES = [(0.0, 0.0), (359.9, 40.0), (123.0, -75.0), (200.0, 89.5), (10.0, -90.0)]


@pytest.fixture(scope="module")
def database(postgres_url: str, schema_template: str) -> Iterator[str]:
    """One catalogue without galaxies for all tests, which call functions and change nothing."""
    with fresh_database(postgres_url, schema_template) as url:
        yield url


def number(connection: psycopg.Connection, query: bytes, *values: object) -> float:
    row = connection.execute(query, values).fetchone()
    assert row is not None
    return float(row[0])


def floats(shape: Shape) -> Shape:
    return [float(x) for x in shape]


def area(connection: psycopg.Connection, shape: Shape) -> float:
    return number(connection, b"SELECT galcat.polygon_area(%s::float8[])", floats(shape))


def centre(connection: psycopg.Connection, shape: Shape) -> list[float]:
    row = connection.execute("SELECT galcat.polygon_centroid(%s::float8[])", [floats(shape)]).fetchone()
    assert row is not None
    found: list[float] = row[0]
    return found


@pytest.mark.parametrize("size", [0.5, 20.0, 80.0])
@pytest.mark.parametrize("place", PLACES)
def test_the_area_of_a_polygon_is_what_its_angles_make_it(
    connection: psycopg.Connection, place: tuple[float, float], size: float
) -> None:
    rng = np.random.default_rng(int(10 * size))
    for _ in range(5):
        shape = random_polygon(rng, *place, size)
        assert area(connection, shape) == pytest.approx(girard_area(shape), rel=1e-6)
        backwards = np.array(shape).reshape(-1, 2)[::-1].ravel().tolist()
        assert area(connection, backwards) == pytest.approx(area(connection, shape), rel=1e-12)


def test_known_areas(connection: psycopg.Connection) -> None:
    whole = 4 * np.pi * np.degrees(1) ** 2
    assert area(connection, [0, 0, 90, 0, 0, 90]) == pytest.approx(whole / 8, rel=1e-12)
    for radius, share in [(180.0, 1), (90.0, 1 / 2), (60.0, 1 / 4), (0.0, 0)]:
        circle = [12.0, -3.0, radius]
        found = number(connection, b"SELECT galcat.circle_area(%s::float8[])", circle)
        assert found == pytest.approx(share * whole, rel=1e-12)


@pytest.mark.parametrize("ra", [0.0, 180.0, 359.99999])
def test_small_shapes_keep_their_digits(connection: psycopg.Connection, ra: float) -> None:
    side = 1e-5  # degrees; on the equator the sphere is flat
    shape = [ra, 0, ra + side, 0, ra + side, side, ra, side]
    assert area(connection, shape) == pytest.approx(side**2, rel=1e-6)
    middle = SkyCoord(*centre(connection, shape), unit="deg")
    assert middle.separation(SkyCoord(ra + side / 2, side / 2, unit="deg")).deg < 1e-6 * side
    assert number(connection, b"SELECT galcat.circle_area(%s::float8[])", [ra, 0.0, side]) == pytest.approx(
        np.pi * side**2, rel=1e-9
    )
    assert number(connection, b"SELECT galcat.circle_area(%s::float8[])", [ra, 0.0, 1e-300]) == 0


@pytest.mark.parametrize("size", [1.0, 60.0])
@pytest.mark.parametrize("place", PLACES)
def test_the_centroid_is_the_mean_of_the_positions_inside(
    connection: psycopg.Connection, place: tuple[float, float], size: float
) -> None:
    rng = np.random.default_rng(7)
    shape = random_polygon(rng, *place, size)
    around = positions_around(*place, size, 40_000, rng)
    inside = around[holds(shape, around)]
    expected = SkyCoord(inside.cartesian.sum())
    for turned in (shape, np.array(shape).reshape(-1, 2)[::-1].ravel().tolist()):
        ra, dec = centre(connection, turned)
        assert 0 <= ra < 360
        assert SkyCoord(ra, dec, unit="deg").separation(expected).deg < 0.015 * size
    assert len(inside) / len(around) * 2 * np.pi * (1 - np.cos(np.radians(size))) * np.degrees(
        1
    ) ** 2 == pytest.approx(area(connection, shape), rel=0.05)


def test_a_polygon_without_area_has_no_centroid(connection: psycopg.Connection) -> None:
    row = connection.execute("SELECT galcat.polygon_centroid('{0,0,1,0,2,0}')").fetchone()
    assert row == (None,)


def test_a_box_has_its_corners_half_its_sides_from_its_centre(connection: psycopg.Connection) -> None:
    row = connection.execute("SELECT galcat.box_polygon(10, 20, 4, 6)").fetchone()
    assert row == ([8, 17, 12, 17, 12, 23, 8, 23],)
    row = connection.execute("SELECT galcat.box_polygon(-1, 89, 2, 2)").fetchone()
    assert row == ([358, 88, 360, 88, 360, 90, 358, 90],)


def test_a_box_over_zero_holds_what_is_on_both_sides(connection: psycopg.Connection) -> None:
    found = connection.execute(
        "SELECT array_agg(galcat.in_polygon(ra, 0.5, galcat.box_polygon(359.9, 0.5, 1, 1)) ORDER BY i) "
        "FROM unnest('{359.39, 359.41, 0, 0.39, 0.41}'::float8[]) WITH ORDINALITY AS p (ra, i)"
    ).fetchone()
    assert found == ([False, True, True, True, False],)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("POLYGON ICRS 9 1 11 1 11 3 9 3", [9, 1, 11, 1, 11, 3, 9, 3]),
        (" polygon 1e1 -2.5 11 +1 .5 3. ", [10, -2.5, 11, 1, 0.5, 3]),
        ("Circle ICRS 150.1 2 0.1", [150.1, 2, 0.1]),
    ],
)
def test_a_region_is_read_from_text(connection: psycopg.Connection, text: str, numbers: Shape) -> None:
    assert connection.execute("SELECT galcat.region_of(%s)", [text]).fetchone() == (numbers,)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("box_polygon(10, 0, 179, 1)", "box: width 179 is not between 0 and 178 degrees"),
        ("box_polygon(10, 0, 'NaN', 1)", "box: width NaN is not between 0 and 178 degrees"),
        ("box_polygon(10, 0, 1, -1)", "box: height -1 is not between 0 and 180 degrees"),
        ("box_polygon(10, 89, 1, 4)", "box: declinations 87 to 91 reach beyond a pole"),
        ("box_polygon(10, 'NaN', 1, 4)", "box: declinations NaN to NaN reach beyond a pole"),
        ("box_polygon(721, 0, 1, 1)", "box: right ascension 721 is not between -360 and 720 degrees"),
        ("circle_area('{1,2}')", "circle: 2 numbers are not right ascension, declination and radius"),
        ("circle_area('{1,2,181}')", "circle: radius 181 is not between 0 and 180 degrees"),
        ("polygon_area('{1,2,3,4}')", "4 numbers are not right ascension and declination of three vertices"),
        (
            "polygon_centroid('{1,2,3,4,5,NaN}')",
            "declination NaN of vertex 3 is not between -90 and 90 degrees",
        ),
        (
            "region_of('POLYGON FK5 1 2 3 4 5 6')",
            "region: 'POLYGON FK5 1 2 3 4 5 6' is neither CIRCLE ICRS nor",
        ),
        ("region_of('CIRCLE ICRS 1 2')", "circle: 2 numbers are not right ascension, declination and radius"),
        ("region_of('CIRCLE ICRS 1 2 1); DROP')", "is neither CIRCLE ICRS nor POLYGON ICRS with numbers"),
    ],
)
def test_what_is_no_region_is_an_error_that_names_the_value(
    connection: psycopg.Connection, call: str, message: str
) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue) as caught:
        connection.execute(f"SELECT galcat.{call}".encode())
    assert message in str(caught.value)


def test_every_vertex_of_an_offset_box_lies_where_astropy_puts_it(connection: psycopg.Connection) -> None:
    row = connection.execute("SELECT galcat.box_polygon(350, -30, 40, 10)").fetchone()
    assert row is not None
    found = SkyCoord(row[0][::2], row[0][1::2], unit="deg")
    expected = SkyCoord([330, 10, 10, 330], [-35, -35, -25, -25], unit="deg")
    assert (found.separation(expected) < 1e-9 * u.deg).all()
