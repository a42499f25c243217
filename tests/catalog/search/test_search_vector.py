"""Numbers from outside become search vectors as the encoder's own projection makes them."""

from dataclasses import replace

import numpy as np
import psycopg
import pytest
from numpy.typing import NDArray

from catalog.releases.record import ReleaseRecord
from catalog.releases.releases import register_release
from tests.catalog.galaxies import DIMENSION, fill, galaxy_rows, release_record


@pytest.fixture
def stranger(connection: psycopg.Connection) -> psycopg.Connection:
    """20 galaxies of a first release, of scale 0.07; a second one is not shown. Acts as galcat_public."""
    register_release(connection, first())
    register_release(connection, release_record("second"))
    fill(connection, 20)
    connection.execute("SET ROLE galcat_public")
    connection.execute("SET search_path = ''")
    return connection


def first() -> ReleaseRecord:
    return replace(release_record(), projection_scale=0.07)


def search_vector(
    connection: psycopg.Connection, numbers: NDArray[np.float32], release: str | None = None
) -> NDArray[np.float16]:
    row = connection.execute(
        "SELECT galcat.search_vector(%s::real[], %s)", [numbers.tolist(), release]
    ).fetchone()
    assert row is not None
    found: NDArray[np.float16] = row[0].to_numpy()
    return found


def test_forty_numbers_stay_as_they_are(stranger: psycopg.Connection) -> None:
    numbers = galaxy_rows(1, seed=3).search[0]
    for release in (None, "first"):
        np.testing.assert_array_equal(search_vector(stranger, numbers, release), numbers.astype(np.float16))


def test_a_full_width_is_projected_as_the_galaxies_were(stranger: psycopg.Connection) -> None:
    projection = first()
    for numbers in galaxy_rows(5, seed=4).full:
        expected = ((numbers - projection.projection_mean) @ projection.projection_components.T).astype(
            np.float64
        ) * projection.projection_scale
        np.testing.assert_allclose(search_vector(stranger, numbers, "first"), expected, rtol=1e-3, atol=1e-3)


def test_a_full_width_of_forty_is_projected_where_the_release_is_named(
    connection: psycopg.Connection,
) -> None:
    narrow = release_record("narrow", dimension=40)
    register_release(connection, narrow)
    numbers = galaxy_rows(1, seed=5).search[0]
    np.testing.assert_array_equal(search_vector(connection, numbers), numbers.astype(np.float16))
    expected = (numbers - narrow.projection_mean) @ narrow.projection_components.T
    np.testing.assert_allclose(search_vector(connection, numbers, "narrow"), expected, rtol=1e-3, atol=1e-3)


def test_it_can_be_searched_by_and_found_itself(stranger: psycopg.Connection) -> None:
    numbers = galaxy_rows(20, seed=0).search[7]
    row = stranger.execute(
        "SELECT survey_source_id FROM galcat.galaxy "
        "ORDER BY search OPERATOR(public.<->) (SELECT galcat.search_vector(%s::real[])) LIMIT 1",
        [numbers.tolist()],
    ).fetchone()
    assert row == ("g7",)


def test_nothing_is_known_of_no_numbers(stranger: psycopg.Connection) -> None:
    assert stranger.execute("SELECT galcat.search_vector(NULL)").fetchone() == (None,)


@pytest.mark.parametrize(
    ("numbers", "release", "message"),
    [
        ([0.0] * 39, None, "39 numbers without the name of a release: expected 40, or 64 and the name first"),
        ([0.0] * 64, None, "64 numbers without the name of a release: expected 40, or 64 and the name first"),
        ([], None, "0 numbers without the name of a release: expected 40, or 64 and the name first"),
        ([0.0] * 63, "first", "63 numbers: expected 40, or the 64 of release first"),
        (
            [0.0] * DIMENSION,
            "second",
            "vectors of release second cannot be compared with those of first, the current one",
        ),
        (
            [0.0] * 40,
            "second",
            "vectors of release second cannot be compared with those of first, the current one",
        ),
        ([0.0] * DIMENSION, "third", "no release is called third; the current one is first"),
        ([0.0] * 39 + [None], None, "number 40 of 40 is NULL, not a finite number"),
        ([0.0, float("nan")] + [0.0] * 38, None, "number 2 of 40 is NaN, not a finite number"),
        ([float("inf")] + [0.0] * 39, None, "number 1 of 40 is Infinity, not a finite number"),
        ([0.0] * 63 + [float("-inf")], "first", "number 64 of 64 is -Infinity, not a finite number"),
    ],
)
def test_what_cannot_be_compared_is_an_error_that_says_why(
    stranger: psycopg.Connection, numbers: list[float | None], release: str | None, message: str
) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue) as caught:
        stranger.execute("SELECT galcat.search_vector(%s::real[], %s)", [numbers, release])
    assert str(caught.value).splitlines()[0] == f"morph_distance: {message}"


def test_without_a_release_there_is_nothing_to_compare_with(connection: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="no release is registered"):
        connection.execute("SELECT galcat.search_vector(%s::real[])", [[0.0] * 40])


def test_a_number_too_large_for_a_half_is_refused(stranger: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.NumericValueOutOfRange, match="out of range for type halfvec"):
        stranger.execute("SELECT galcat.search_vector(%s::real[])", [[1e6] + [0.0] * 39])
