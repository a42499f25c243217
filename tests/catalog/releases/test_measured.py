"""What a release was measured to be worth stands in the view's comments, and changes with the release."""

from dataclasses import replace

import psycopg

from catalog.releases.measured import keep_measured, say_measured
from catalog.releases.promotion import promote_release
from catalog.releases.releases import register_release
from tests.catalog.galaxies import release_record

FIGURES: dict[str, object] = {
    "sample": "40 real galaxies",
    "questions": {
        "bar": {"error_over_constant": 0.5},
        "smooth_or_featured": {"error_over_constant": 2.301, "coverage_90": 0.91},
        "nosuch": {"error_over_constant": 1.0},
    },
}
PLAIN = "Posterior mean of the vote fraction of bar_weak"


def comments(connection: psycopg.Connection) -> tuple[str, str, str]:
    """Of galcat.galaxy, of one of its columns, and of the same column in TAP_SCHEMA."""
    row = connection.execute(
        "SELECT obj_description('galcat.galaxy'::regclass), col_description(a.attrelid, a.attnum), "
        "(SELECT description FROM tap_schema.columns "
        "WHERE table_name = 'galcat.galaxy' AND column_name = 'bar_weak_fraction') "
        "FROM pg_attribute AS a "
        "WHERE a.attrelid = 'galcat.galaxy'::regclass AND a.attname = 'bar_weak_fraction'"
    ).fetchone()
    assert row is not None
    return row


def test_a_catalogue_without_a_release_says_nothing_of_it(connection: psycopg.Connection) -> None:
    view, column, published = comments(connection)
    assert view.endswith("and what tasks say of it")
    assert (column, published) == (f"{PLAIN} [1]", PLAIN)
    assert say_measured(connection) is None


def test_comments_quote_the_release_that_is_shown(connection: psycopg.Connection) -> None:
    register_release(connection, release_record())
    register_release(connection, replace(release_record("second"), measured=FIGURES))
    view, column, published = comments(connection)
    assert view.endswith("; vote fractions of release first were not measured on real galaxies")
    assert column == f"{PLAIN}; not measured on real galaxies [1]"
    promote_release(connection, "second", force=True)
    said = (
        "vote fractions of release second were measured on 40 real galaxies: mean error over that of a "
        "constant smooth_or_featured 2.30, bar 0.50; above 1 a constant is nearer to the votes"
    )
    view, column, published = comments(connection)
    assert view.endswith(f"; {said}")
    assert say_measured(connection) == said
    expected = (
        f"{PLAIN}; on 40 real galaxies the mean error of this question was 0.50 times that of a constant"
    )
    assert (column, published) == (f"{expected} [1]", expected)
    smooth = connection.execute("SELECT galcat.measured_text('smooth_or_featured')").fetchone()
    assert smooth == (
        "on 40 real galaxies the mean error of this question was 2.30 times that of a constant, "
        "and 90 % intervals covered 0.91",
    )
    promote_release(connection, "first", force=True)
    assert comments(connection)[1] == f"{PLAIN}; not measured on real galaxies [1]"


def test_figures_that_come_later_are_kept_and_none_take_nothing_away(connection: psycopg.Connection) -> None:
    release = register_release(connection, release_record())
    keep_measured(connection, release, FIGURES)
    keep_measured(connection, release, None)
    assert comments(connection)[1].endswith("was 0.50 times that of a constant [1]")
