"""What somebody means by a galaxy, as text and as values."""

import numpy as np
import psycopg
import pytest

from catalog.errors import UnknownObjectError
from catalog.ingestion.records import object_id
from catalog.search.target import understand
from tests.catalog.galaxies import fill, galaxy_rows


def test_each_way_to_name_a_galaxy_means_the_same(connection: psycopg.Connection) -> None:
    fill(connection, 20)
    rows, wanted = galaxy_rows(20, 0), object_id("survey", "g3")
    ra, dec = float(rows.ra[3]), float(rows.dec[3])
    ways = [
        wanted,
        np.int64(wanted),
        [wanted],
        str(wanted),
        f" {wanted} ",
        (ra, dec),
        f"{ra!r} {dec!r}",
        f"{ra!r}, {dec!r}",
        f"{ra!r},{dec!r}",
        "g3",
        "survey:g3",
    ]
    assert [understand(connection, way, 3.0) for way in ways] == [(wanted,)] * len(ways)


def test_several_galaxies_and_a_vector_are_taken_as_they_are(connection: psycopg.Connection) -> None:
    vector = np.linspace(0, 1, 40, dtype=np.float32)
    assert understand(connection, (1, 2, 3), 3.0) == (1, 2, 3)
    assert np.array_equal(understand(connection, vector, 3.0), vector)


@pytest.mark.parametrize("text", ["150.1", "1 2 3", "1.5, 2.5, 3.5", ""])
def test_numbers_that_are_no_position_are_refused(connection: psycopg.Connection, text: str) -> None:
    fill(connection, 1)
    with pytest.raises(UnknownObjectError, match="is no object_id and no position: give RA DEC in degrees"):
        understand(connection, text, 3.0)
