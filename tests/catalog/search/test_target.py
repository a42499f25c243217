"""What somebody means by a galaxy, as text and as values."""

import numpy as np
import psycopg
import pytest
from astropy.coordinates import SkyCoord

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


@pytest.mark.parametrize("minus", ["-", "\u2212"])
@pytest.mark.parametrize(
    "spelled",
    ["{ra:c} {dec:c}", "{ra:b} {dec:b}", "{ra:l} {dec:l}", "{ra:c}, {dec:c}", "SDSS J{ra:n}{dec:n}"],
)
def test_a_sexagesimal_position_is_understood(
    connection: psycopg.Connection, spelled: str, minus: str
) -> None:
    fill(connection, 20)
    rows = galaxy_rows(20, 0)
    south = int(np.flatnonzero(np.array(rows.dec) < 0)[0])
    place = SkyCoord(rows.ra[south], rows.dec[south], unit="deg")
    separators = {"c": ":", "b": " ", "n": ""}
    ra = {key: place.ra.to_string("hour", sep=sep, pad=True, precision=2) for key, sep in separators.items()}
    dec = {key: place.dec.to_string("deg", sep=sep, pad=True, precision=2) for key, sep in separators.items()}
    ra["l"], dec["l"] = place.ra.to_string("hour", precision=3), place.dec.to_string("deg", precision=3)
    for key in "cbln":
        spelled = spelled.replace(f"{{ra:{key}}}", ra[key]).replace(f"{{dec:{key}}}", dec[key])
    wanted = object_id("survey", rows.survey_source_id[south])
    assert understand(connection, spelled.replace("-", minus), 3.0) == (wanted,)


def test_several_galaxies_and_a_vector_are_taken_as_they_are(connection: psycopg.Connection) -> None:
    vector = np.linspace(0, 1, 40, dtype=np.float32)
    assert understand(connection, (1, 2, 3), 3.0) == (1, 2, 3)
    assert np.array_equal(understand(connection, vector, 3.0), vector)


@pytest.mark.parametrize("text", ["150.1", "1 2 3", "1.5, 2.5, 3.5", ""])
def test_numbers_that_are_no_position_are_refused(connection: psycopg.Connection, text: str) -> None:
    fill(connection, 1)
    with pytest.raises(UnknownObjectError, match="is no object_id and no position: give RA DEC in degrees"):
        understand(connection, text, 3.0)
