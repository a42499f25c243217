"""Quantiles of vote fractions, against scipy."""

import numpy as np
import psycopg
import pytest
from scipy import special, stats

from catalog.database.read_only import run_query
from catalog.errors import QueryError
from tests.catalog.galaxies import fill, galaxy_rows

N = 300


def test_the_interval_of_a_stored_fraction_is_scipys(connection: psycopg.Connection) -> None:
    fill(connection, N)
    rows = galaxy_rows(N, seed=0)
    query = (
        "SELECT survey_source_id, galcat.fraction_quantile(bar_no_fraction, bar_concentration, 0.05), "
        "galcat.fraction_quantile(bar_no_fraction, bar_concentration, 0.95) FROM galcat.galaxy"
    )
    found = {row[0]: row[1:] for row in run_query(connection, query).rows}
    assert len(found) == N
    stored = run_query(
        connection, "SELECT survey_source_id, bar_no_fraction, bar_concentration FROM galcat.galaxy"
    )
    for name, fraction, concentration in stored.rows:
        share, total = float(str(fraction)), float(str(concentration))
        expected = stats.beta.ppf([0.05, 0.95], share * total, (1 - share) * total)
        np.testing.assert_allclose(np.array(found[name], float), expected, atol=2e-6)
    assert set(found) == set(rows.survey_source_id)


def test_quantiles_are_scipys_from_flat_to_sharp(connection: psycopg.Connection) -> None:
    rng = np.random.default_rng(6)
    n = 3000
    concentration = 10.0 ** rng.uniform(np.log10(2), 3.5, n)
    least = 1 / concentration  # no alpha of ours is below 1
    fraction = np.where(rng.random(n) < 0.2, least, rng.uniform(least, np.maximum(least, 1 - least)))
    probability = rng.uniform(0.001, 0.999, n)
    rows = connection.execute(
        "SELECT galcat.fraction_quantile(f, c, p) "
        "FROM unnest(%s::float8[], %s::float8[], %s::float8[]) WITH ORDINALITY AS t (f, c, p, i) ORDER BY i",
        [fraction.tolist(), concentration.tolist(), probability.tolist()],
    ).fetchall()
    expected = stats.beta.ppf(probability, fraction * concentration, (1 - fraction) * concentration)
    np.testing.assert_allclose([row[0] for row in rows], expected, atol=2e-6)


def test_log_gamma_is_scipys(connection: psycopg.Connection) -> None:
    x = 10.0 ** np.linspace(-3, 5, 200)
    found = connection.execute(
        "SELECT galcat.log_gamma(x) FROM unnest(%s::float8[]) WITH ORDINALITY AS t (x, i) ORDER BY i",
        [x.tolist()],
    ).fetchall()
    np.testing.assert_allclose([row[0] for row in found], special.gammaln(x), rtol=1e-11, atol=1e-11)


def test_a_fraction_that_is_certain_has_no_width(connection: psycopg.Connection) -> None:
    query = "SELECT galcat.fraction_quantile(0, 9, 0.9), galcat.fraction_quantile(1, 9, 0.1)"
    assert run_query(connection, query).rows == [(0.0, 1.0)]
    assert run_query(connection, "SELECT galcat.fraction_quantile(NULL, 9, 0.9)").rows == [(None,)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("1.5, 9, 0.9", "fraction_quantile: fraction 1.5 is not between 0 and 1"),
        ("'NaN', 9, 0.9", "fraction_quantile: fraction NaN is not between 0 and 1"),
        ("0.5, 0, 0.9", "fraction_quantile: concentration 0 is not between 0 and 1e6"),
        ("0.5, 9, 1", "fraction_quantile: probability 1 is not between 0 and 1"),
    ],
)
def test_an_impossible_quantile_is_an_error_that_names_the_value(
    connection: psycopg.Connection, arguments: str, message: str
) -> None:
    with pytest.raises(QueryError) as caught:
        run_query(connection, f"SELECT galcat.fraction_quantile({arguments})")
    assert message in str(caught.value)
