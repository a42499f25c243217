"""Every check is silent on a whole catalogue, and names what is broken in a broken one."""

from typing import LiteralString

import psycopg
import pytest

from catalog.checks.integrity import CHECKS, run_checks
from tests.catalog.galaxies import fill

NAME = "object_id {id}"
DAMAGE: list[tuple[str, LiteralString, int, str]] = [
    (
        "row_count",
        "DELETE FROM galcat.embedding WHERE object_id = %(id)s",
        1,
        "tile tile: 4 cutouts, 3 vectors",
    ),
    (
        "finite_vectors",
        "UPDATE galcat.embedding SET search = ('[' || repeat('0,', 39) || '0]')::halfvec "
        "WHERE object_id = %(id)s",
        1,
        NAME,
    ),
    ("fractions", "UPDATE galcat.morphology SET bar_no_fraction = 2 WHERE object_id = %(id)s", 1, NAME),
    ("complete", "DELETE FROM galcat.embedding WHERE object_id = %(id)s", 1, NAME),
    ("complete", "DELETE FROM galcat.thumbnail WHERE object_id = %(id)s", 1, NAME),
    ("complete", "DELETE FROM galcat.morphology WHERE object_id = %(id)s", 1, NAME),
    ("complete", "DELETE FROM galcat.embedding_full WHERE object_id = %(id)s", 1, NAME),
    ("orphans", "DELETE FROM galcat.source WHERE object_id = %(id)s", 4, f"full vector of {NAME}"),
    (
        "orphans",
        "UPDATE galcat.source SET is_retired = true WHERE object_id = %(id)s",
        4,
        f"full vector of {NAME}",
    ),
]


def test_a_tile_off_the_sky_is_impossible_and_one_of_an_older_catalogue_is_named(
    connection: psycopg.Connection,
) -> None:
    fill(connection, 4)
    for value in ("dec = 200", "ra = 360", "ra = 'NaN'", "dec = 'Infinity'", "ra = -1", "ra = NULL"):
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute(f"UPDATE galcat.tile SET {value}".encode())
    connection.execute("UPDATE galcat.tile SET ra = NULL, dec = NULL")
    connection.execute("ALTER TABLE galcat.tile DROP CONSTRAINT tile_on_sky")
    connection.execute("UPDATE galcat.tile SET ra = 355, dec = 200")
    (result,) = (result for result in run_checks(connection) if not result.passed)
    assert (result.name, result.violations, result.example) == (
        "positions",
        1,
        "tile tile: ra 355, dec 200",
    )


def some_id(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT min(object_id) FROM galcat.source").fetchone()
    assert row is not None
    return int(row[0])


def test_a_whole_catalogue_passes(connection: psycopg.Connection) -> None:
    fill(connection, 4)
    assert [(result.name, result.violations, result.example) for result in run_checks(connection)] == [
        (name, 0, None) for name in CHECKS
    ]


@pytest.mark.parametrize(("name", "statement", "violations", "example"), DAMAGE)
def test_damage_is_counted_and_named(
    connection: psycopg.Connection, name: str, statement: LiteralString, violations: int, example: str
) -> None:
    fill(connection, 4)
    identity = some_id(connection)
    connection.execute(statement, {"id": identity})
    result = next(result for result in run_checks(connection) if result.name == name)
    assert not result.passed
    assert (result.violations, result.example) == (violations, example.format(id=identity))


def test_a_look_at_some_tiles_is_blind_to_the_others(connection: psycopg.Connection) -> None:
    fill(connection, 4)
    connection.execute("UPDATE galcat.morphology SET bar_no_fraction = 2")
    tile = connection.execute("SELECT tile_id FROM galcat.tile").fetchone()
    assert tile is not None
    here = {result.name: result.violations for result in run_checks(connection, [tile[0]])}
    elsewhere = {result.name: result.violations for result in run_checks(connection, [tile[0] + 1])}
    assert (here["fractions"], elsewhere["fractions"]) == (4, 0)


def test_vectors_of_a_retired_galaxy_are_found_in_its_tile(connection: psycopg.Connection) -> None:
    fill(connection, 4)
    row = connection.execute(
        "UPDATE galcat.source SET is_retired = true WHERE survey_source_id = 'g1' RETURNING tile_id"
    ).fetchone()
    assert row is not None
    here, elsewhere = (
        {result.name: result.violations for result in run_checks(connection, [row[0] + other])}
        for other in (0, 1)
    )
    assert (here["orphans"], elsewhere["orphans"]) == (4, 0)
