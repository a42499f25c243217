"""Boxes, polygons and HEALPix cells against astropy, astropy-healpix and cdshealpix."""

import astropy.units as u
import numpy as np
import psycopg
import pytest
from astropy.coordinates import Angle, SkyCoord
from cdshealpix.nested import healpix_to_lonlat, lonlat_to_healpix
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from catalog.database.read_only import run_query
from catalog.errors import QueryError
from catalog.ingestion.source_rows import compute_healpix29
from catalog.releases.releases import refresh_statistics
from tests.catalog.galaxies import answer, fill, galaxy_rows
from tests.catalog.search.conftest import N
from tests.sizes import fuzzing

NAMES = "SELECT survey_source_id FROM galcat.galaxy WHERE "


@pytest.fixture
def crowded(connection: psycopg.Connection) -> psycopg.Connection:
    """So many that an index is worth its while."""
    fill(connection, N)
    connection.execute(
        "INSERT INTO galcat.source (object_id, survey_id, survey_source_id, tile_id, ra, dec, healpix29) "
        "SELECT i, 1, 'x' || i, 1, 360 * random(), degrees(asin(2 * random() - 1)), i::bigint << 44 "
        "FROM generate_series(1, 20000) AS i"
    )
    refresh_statistics(connection)
    connection.execute("SET search_path = ''")
    return connection


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize(
    ("ra_min", "ra_max", "dec_min", "dec_max"),
    [(100, 180, -30, 40), (350, 20, -90, 90), (0, 360, 80, 90), (200, 199, -10, 10), (5, 5, 0, 0)],
)
def test_a_box_holds_what_lies_between(
    filled: psycopg.Connection, ra_min: float, ra_max: float, dec_min: float, dec_max: float, exact: bool
) -> None:
    query = NAMES + "galcat.in_box(ra, dec, %(a)s, %(b)s, %(c)s, %(d)s) ORDER BY 1"
    found = answer(filled, query, {"a": ra_min, "b": ra_max, "c": dec_min, "d": dec_max}, exact)
    rows = galaxy_rows(N, seed=0)
    eastwards = (rows.ra - ra_min) % 360 <= ((ra_max - ra_min) % 360 if ra_max != 360 else 360 - ra_min)
    inside = eastwards & (rows.dec >= dec_min) & (rows.dec <= dec_max)
    assert [row[0] for row in found.rows] == sorted(np.array(rows.survey_source_id)[inside])


POLYGONS = {
    "triangle": [100, -20, 150, -10, 120, 40],
    "over 0": [340, -20, 20, -25, 30, 30, 350, 20],
    "around the north pole": [0, 60, 90, 50, 180, 70, 270, 55],
    "around the south pole, a vertex on it": [0, -40, 60, -90, 130, -50, 70, -20],
    "a star": [180, 40, 190, 10, 220, 10, 195, -5, 205, -40, 180, -15, 155, -40, 165, -5, 140, 10, 170, 10],
    "nearly half the sky": [0, 3, 90, 4, 180, 3, 270, 4],
}


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("vertices", POLYGONS.values(), ids=POLYGONS)
def test_a_polygon_holds_what_it_winds_around(
    filled: psycopg.Connection, vertices: list[float], backwards: bool, exact: bool
) -> None:
    corners = np.array(vertices, dtype=float).reshape(-1, 2)[:: -1 if backwards else 1]
    query = NAMES + "galcat.in_polygon(ra, dec, %(v)s) ORDER BY 1"
    found = answer(filled, query, {"v": corners.ravel().tolist()}, exact)
    rows = galaxy_rows(N, seed=0)
    middle = SkyCoord(corners[:, 0], corners[:, 1], unit="deg").cartesian.sum()
    inside = _wound(rows.ra, rows.dec, corners, SkyCoord(middle))
    assert [row[0] for row in found.rows] == sorted(np.array(rows.survey_source_id)[inside])
    assert inside.any()


@pytest.mark.fuzz
@fuzzing(100)
@given(
    ra=st.floats(0, 360, allow_subnormal=False),
    dec=st.floats(-90, 90, allow_subnormal=False),
    radii=st.lists(st.floats(0.5, 80), min_size=3, max_size=9),
    start=st.floats(0, 360),
)
def test_any_polygon_around_a_centre_holds_what_it_winds_around(
    filled: psycopg.Connection, ra: float, dec: float, radii: list[float], start: float
) -> None:
    angles = start + np.arange(len(radii)) * 360 / len(radii)
    middle = SkyCoord(ra, dec, unit="deg")
    there = middle.directional_offset_by(angles * u.deg, np.array(radii) * u.deg)
    corners = np.column_stack([there.ra.deg, there.dec.deg])
    query = NAMES + "galcat.in_polygon(ra, dec, %(v)s) ORDER BY 1"
    found = answer(filled, query, {"v": corners.ravel().tolist()})
    rows = galaxy_rows(N, seed=0)
    inside = _wound(rows.ra, rows.dec, corners, middle)
    assert [row[0] for row in found.rows] == sorted(np.array(rows.survey_source_id)[inside])


def _wound(
    ra: NDArray[np.float64], dec: NDArray[np.float64], corners: NDArray[np.float64], middle: SkyCoord
) -> NDArray[np.bool_]:
    """Whether the corners turn once round each position; only on the middle's half of the sky."""
    here = SkyCoord(ra[:, None], dec[:, None], unit="deg")
    there = SkyCoord(corners[:, 0], corners[:, 1], unit="deg")
    direction = here.position_angle(there[None, :])
    turned = Angle(np.diff(direction, axis=1, append=direction[:, :1])).wrap_at(180 * u.deg)
    near = here[:, 0].cartesian.dot(middle.cartesian) > 0
    return near & (np.abs(turned.deg.sum(axis=1)) > 180)


@pytest.mark.parametrize(
    "condition",
    [
        "galcat.in_box(ra, dec, 150, 150.5, 2, 2.5)",
        "galcat.in_box(ra, dec, 359.9, 0.2, 2, 2.5)",
        "galcat.in_polygon(ra, dec, '{150,2,150.2,2,150.1,2.2}')",
    ],
)
def test_a_small_region_uses_the_sky_index_as_the_reader(crowded: psycopg.Connection, condition: str) -> None:
    plan = run_query(crowded, "EXPLAIN SELECT * FROM galcat.source WHERE " + condition)
    text = "\n".join(str(row[0]) for row in plan.rows)
    assert "source_sky" in text
    assert "galcat." not in text  # all of it inlined, or evaluated while planning


def test_a_moc_uses_the_healpix_index_as_the_reader(crowded: psycopg.Connection) -> None:
    query = "EXPLAIN SELECT * FROM galcat.source WHERE galcat.in_moc(healpix29, galcat.moc_of(8, '{7,9}'))"
    text = "\n".join(str(row[0]) for row in run_query(crowded, query).rows)
    assert "source_healpix29" in text
    assert "galcat." not in text


@pytest.mark.parametrize("order", [0, 1, 3, 10, 20, 29])
def test_healpix_of_is_the_cell_that_cdshealpix_gives(connection: psycopg.Connection, order: int) -> None:
    rng = np.random.default_rng(order)
    ra, dec = rng.uniform(0, 360, 20_000), np.degrees(np.arcsin(rng.uniform(-1, 1, 20_000)))
    near_poles = np.where(rng.random(2000) < 0.5, 1, -1) * (90 - 10.0 ** rng.uniform(-9, 0, 2000))
    ra, dec = np.append(ra, rng.uniform(0, 360, 2000)), np.append(dec, near_poles)
    wanted = lonlat_to_healpix(ra * u.deg, dec * u.deg, order).astype(np.int64)
    # At the order of 0.4 milliarcseconds, rounding decides a few positions on the edge of a cell.
    assert (_cells(connection, ra, dec, order) != wanted).sum() <= (2 if order == 29 else 0)


@pytest.mark.parametrize("order", [0, 1, 2, 5])
def test_the_centre_of_every_cell_is_in_it(connection: psycopg.Connection, order: int) -> None:
    cells = np.arange(12 * 4**order)
    ra, dec = healpix_to_lonlat(cells, order)
    np.testing.assert_array_equal(_cells(connection, ra.deg, dec.deg, order), cells)


def test_a_stored_cell_is_the_computed_one(filled: psycopg.Connection) -> None:
    query = "SELECT count(*) FROM galcat.galaxy WHERE healpix29 = galcat.healpix_of(ra, dec, 29)"
    assert run_query(filled, query).rows == [(N,)]
    query = "SELECT count(*) FROM galcat.galaxy WHERE healpix29 >> 46 = galcat.healpix_of(ra, dec, 6)"
    assert run_query(filled, query).rows == [(N,)]


def test_a_moc_holds_the_galaxies_of_its_cells(filled: psycopg.Connection) -> None:
    rows = galaxy_rows(N, seed=0)
    cells = compute_healpix29(rows.ra, rows.dec) >> (2 * 27)
    chosen = [3, 4, 90, 150]
    expected = sorted(np.array(rows.survey_source_id)[np.isin(cells, chosen)])
    query = NAMES + "galcat.in_moc(healpix29, galcat.moc_of(2, %(c)s)) ORDER BY 1"
    assert [row[0] for row in answer(filled, query, {"c": chosen}).rows] == expected
    assert expected
    none = "SELECT count(*) FROM galcat.galaxy WHERE galcat.in_moc(healpix29, galcat.moc_of(2, '{}'))"
    assert run_query(filled, none).rows == [(0,)]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("in_box(ra, dec, -1, 5, 0, 1)", "in_box: right ascension -1 is not between 0 and 360 degrees"),
        ("in_box(ra, dec, 1, 'NaN', 0, 1)", "in_box: right ascension NaN is not between 0 and 360 degrees"),
        ("in_box(ra, dec, 1, 5, -91, 1)", "in_box: declination -91 is not between -90 and 90 degrees"),
        ("in_box(ra, dec, 1, 5, 3, 1)", "in_box: declination 1 is not between 3 and 90 degrees"),
        (
            "in_polygon(ra, dec, '{1,2,3,4}')",
            "in_polygon: 4 numbers are not right ascension and declination of three vertices or more",
        ),
        (
            "in_polygon(ra, dec, '{1,2,3,4,5,6,7}')",
            "in_polygon: 7 numbers are not right ascension and declination of three vertices or more",
        ),
        (
            "in_polygon(ra, dec, '{1,2,3,4,5,95}')",
            "in_polygon: declination 95 of vertex 3 is not between -90 and 90 degrees",
        ),
        (
            "in_polygon(ra, dec, '{NaN,2,3,4,5,6}')",
            "in_polygon: right ascension NaN of vertex 1 is not between -360 and 720 degrees",
        ),
        (
            "in_polygon(ra, dec, '{1,2,3,NULL,5,6}')",
            "in_polygon: declination NULL of vertex 2 is not between -90 and 90 degrees",
        ),
        (
            "in_polygon(ra, dec, '{0,0,120,0,240,0}')",
            "degrees from its centre, and 89 are the most: cut it into parts",
        ),
        (
            "healpix_of('NaN', dec, 3) = 1",
            "healpix_of: right ascension NaN is not between -360 and 720 degrees",
        ),
        ("healpix_of(ra, 91, 3) = 1", "healpix_of: declination 91 is not between -90 and 90 degrees"),
        ("healpix_of(ra, dec, 30) = 1", "healpix_of: order 30 is not between 0 and 29"),
        ("in_moc(healpix29, galcat.moc_of(-1, '{1}'))", "moc_of: order -1 is not between 0 and 29"),
        ("in_moc(healpix29, galcat.moc_of(0, '{12}'))", "moc_of: order 0 has no cell 12"),
    ],
)
def test_an_impossible_region_is_an_error_that_names_the_value(
    filled: psycopg.Connection, call: str, message: str
) -> None:
    with pytest.raises(QueryError) as caught:
        run_query(filled, f"SELECT object_id FROM galcat.galaxy WHERE galcat.{call}")
    assert message in str(caught.value)


def _cells(
    connection: psycopg.Connection, ra: NDArray[np.float64], dec: NDArray[np.float64], order: int
) -> NDArray[np.int64]:
    """What galcat.healpix_of says of positions, (n,)."""
    found = connection.execute(
        "SELECT galcat.healpix_of(ra, dec, %s) "
        "FROM unnest(%s::float8[], %s::float8[]) WITH ORDINALITY AS t (ra, dec, i) ORDER BY i",
        [order, ra.tolist(), dec.tolist()],
    )
    return np.array([row[0] for row in found.fetchall()])
