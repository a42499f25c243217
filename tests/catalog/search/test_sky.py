"""Cones against astropy, over the whole sphere, at the seams and at the poles."""

import astropy.units as u
import numpy as np
import psycopg
import pytest
from astropy.coordinates import SkyCoord
from hypothesis import given
from hypothesis import strategies as st

from catalog.database.read_only import run_query
from catalog.errors import QueryError
from catalog.ingestion.source_rows import compute_healpix29
from catalog.releases.releases import refresh_statistics
from catalog.search.galaxy_at import find_galaxy_at
from tests.catalog.galaxies import answer, fill, galaxy_rows
from tests.catalog.search.conftest import N
from tests.sizes import fuzzing

CONE = (
    "SELECT survey_source_id FROM galcat.galaxy "
    "WHERE galcat.cone(ra, dec, %(ra)s, %(dec)s, %(radius)s) ORDER BY 1"
)


def within(ra: float, dec: float, radius: float) -> list[tuple[str]]:
    rows = galaxy_rows(N, seed=0)
    angle = SkyCoord(rows.ra, rows.dec, unit="deg").separation(SkyCoord(ra, dec, unit="deg"))
    return sorted((rows.survey_source_id[i],) for i in np.flatnonzero(angle <= radius * u.deg))


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize(
    ("ra", "dec", "radius"),
    [
        (180, 0, 20),
        (0, 0, 15),
        (359.999, 10, 15),
        (0.001, -10, 15),
        (10, 89, 12),
        (200, -90, 30),
        (77, 90, 0.5),
        (123, -60, 90),
        (300, 45, 179.9),
        (5, 5, 180),
        (-10, 0, 12),
        (365, 0, 12),
        (5e-324, -5e-324, 12),  # the smallest number there is, which times anything small is none
        (0, 5e-324, 5e-324),
    ],
)
def test_a_cone_holds_what_astropy_says(
    filled: psycopg.Connection, ra: float, dec: float, radius: float, exact: bool
) -> None:
    found = answer(filled, CONE, {"ra": ra, "dec": dec, "radius": radius}, exact)
    assert found.rows == within(ra, dec, radius)


@pytest.mark.fuzz
@fuzzing(150)
@given(
    ra=st.floats(0, 360, allow_subnormal=False),
    dec=st.floats(-90, 90, allow_subnormal=False),
    radius=st.floats(0, 180, allow_subnormal=False),
)
def test_any_cone_holds_what_astropy_says(
    filled: psycopg.Connection, ra: float, dec: float, radius: float
) -> None:
    found = answer(filled, CONE, {"ra": ra, "dec": dec, "radius": radius})
    rows = galaxy_rows(N, seed=0)
    angle = SkyCoord(rows.ra, rows.dec, unit="deg").separation(SkyCoord(ra, dec, unit="deg")).deg
    certain = {rows.survey_source_id[i] for i in np.flatnonzero(angle < radius - 1e-9)}
    possible = {rows.survey_source_id[i] for i in np.flatnonzero(angle <= radius + 1e-9)}
    assert certain <= {row[0] for row in found.rows} <= possible


def test_a_small_cone_uses_the_sky_index_as_the_reader(connection: psycopg.Connection) -> None:
    fill(connection, N)
    connection.execute(
        "INSERT INTO galcat.source (object_id, survey_id, survey_source_id, tile_id, ra, dec, healpix29) "
        "SELECT i, 1, 'x' || i, 1, 360 * random(), degrees(asin(2 * random() - 1)), 0 "
        "FROM generate_series(1, 20000) AS i"
    )
    refresh_statistics(connection)
    connection.execute("SET search_path = ''")
    plan = run_query(
        connection, "EXPLAIN SELECT * FROM galcat.source WHERE galcat.cone(ra, dec, 150.1, 2.2, 0.1)"
    )
    text = "\n".join(str(row[0]) for row in plan.rows)
    assert "source_sky" in text
    assert "Function" not in text


@pytest.mark.parametrize(
    ("ra", "dec", "radius", "message"),
    [
        ("'NaN'", 0, 1, "cone: right ascension NaN is not between -360 and 720 degrees"),
        (1000, 0, 1, "cone: right ascension 1000 is not between -360 and 720 degrees"),
        (0, 91, 1, "cone: declination 91 is not between -90 and 90 degrees"),
        (0, 0, -1, "cone: radius -1 is not between 0 and 180 degrees"),
        (0, 0, "'NaN'", "cone: radius NaN is not between 0 and 180 degrees"),
    ],
)
def test_an_impossible_cone_is_an_error_that_names_the_value(
    filled: psycopg.Connection, ra: object, dec: object, radius: object, message: str
) -> None:
    query = f"SELECT object_id FROM galcat.galaxy WHERE galcat.cone(ra, dec, {ra}, {dec}, {radius})"
    with pytest.raises(QueryError, match=message):
        run_query(filled, query)


def test_a_position_just_within_the_radius_is_in_the_cone_and_one_just_beyond_is_not(
    connection: psycopg.Connection,
) -> None:
    rng = np.random.default_rng(8)
    n = 300
    ra, dec = rng.uniform(0, 360, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))
    radius = 10.0 ** rng.uniform(-4, np.log10(179.9), n)
    off = np.where(rng.random(n) < 0.5, 1, -1) * 10.0 ** rng.uniform(-10, -6, n)
    there = SkyCoord(ra, dec, unit="deg").directional_offset_by(
        rng.uniform(0, 360, n) * u.deg, (radius + off) * u.deg
    )
    query = "SELECT galcat.cone(%s, %s, %s, %s, %s)"
    places = zip(there.ra.deg, there.dec.deg, ra, dec, radius, strict=True)
    inside = [connection.execute(query, [float(x) for x in place]).fetchone() for place in places]
    assert inside == [(within,) for within in (off < 0).tolist()]


def test_sky_distance_keeps_its_digits_at_0_and_at_180(connection: psycopg.Connection) -> None:
    rng = np.random.default_rng(2)
    ra, dec = rng.uniform(0, 360, 200), rng.uniform(-89, 89, 200)
    tiny = 10.0 ** rng.uniform(-9, -1, 200)
    there = SkyCoord(ra, dec, unit="deg").directional_offset_by(
        rng.uniform(0, 360, 200) * u.deg, tiny * u.deg
    )
    for i in range(200):
        near, far = connection.execute(
            "SELECT galcat.sky_distance(%s, %s, %s, %s), galcat.sky_distance(%s, %s, %s, %s)",
            [
                ra[i],
                dec[i],
                there.ra.deg[i],
                there.dec.deg[i],
                ra[i],
                dec[i],
                (there.ra.deg[i] + 180) % 360,
                -there.dec.deg[i],
            ],
        ).fetchone() or (0, 0)
        assert near == pytest.approx(tiny[i], rel=1e-6, abs=3e-13)
        assert 180 - far == pytest.approx(tiny[i], rel=1e-6, abs=3e-13)


def test_the_nearest_galaxy_of_a_position_is_found_or_named_missing(filled: psycopg.Connection) -> None:
    rows = galaxy_rows(N, seed=0)
    found = find_galaxy_at(filled, float(rows.ra[7]), float(rows.dec[7]), 1.0)
    name = filled.execute(
        "SELECT survey_source_id FROM galcat.source WHERE object_id = %s", [found]
    ).fetchone()
    assert name == ("g7",)


def test_healpix_is_the_index_that_contains_the_position() -> None:
    rng = np.random.default_rng(3)
    ra, dec = rng.uniform(0, 360, 1000), np.degrees(np.arcsin(rng.uniform(-1, 1, 1000)))
    pixels = compute_healpix29(ra, dec)
    assert pixels.min() >= 0
    assert pixels.max() < 12 * 4**29
    # The base pixel, by hand: 4 around each pole, 4 on the equator (Gorski et al. 2005, equations 4 to 9).
    polar = np.abs(np.sin(np.radians(dec))) > 2 / 3
    quarter = (ra // 90).astype(int)
    north = polar & (dec > 0)
    np.testing.assert_array_equal(pixels[north] // 4**29, quarter[north])
    south = polar & (dec < 0)
    np.testing.assert_array_equal(pixels[south] // 4**29, quarter[south] + 8)
