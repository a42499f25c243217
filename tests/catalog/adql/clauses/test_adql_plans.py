"""Cones, polygons and joins on them, written in ADQL, reach the index of positions."""

from collections.abc import Iterator

import pytest

from catalog.database.connection import connect
from catalog.releases.releases import build_search_index, refresh_statistics
from tests.catalog.adql.adql_catalogue import AdqlCatalogue, become_stranger
from tests.catalog.galaxies import fill
from tests.databases import fresh_database

SKY_INDEX, ID_INDEX, MAGNITUDE_INDEX = "source_sky", "source_pkey", "source_mag_r"
G, G_AND_MINE = "SELECT * FROM galcat.galaxy AS g", "SELECT m.id, g.object_id FROM galcat.galaxy AS g"
SHAPES = {
    "cone": (SKY_INDEX, f"{G} WHERE 1 = CONTAINS(POINT(g.ra, g.dec), CIRCLE(150.1, 2.2, 0.1))"),
    "cone, the other way": (
        SKY_INDEX,
        f"{G} WHERE CONTAINS(POINT('ICRS', ra, dec), CIRCLE('ICRS', 150, 2, 1)) = 1",
    ),
    "cone and cuts": (
        SKY_INDEX,
        f"{G} WHERE mag_r < 18 AND (1 = CONTAINS(POINT(ra, dec), CIRCLE(POINT(150, 2), 1)) AND "
        "bar_no_fraction > 0.1)",
    ),
    "two cones": (
        SKY_INDEX,
        f"{G} WHERE 1 = CONTAINS(POINT(ra, dec), CIRCLE(150, 2, 1)) OR 1 = CONTAINS(POINT(ra, dec), "
        "CIRCLE(15, 2, 1))",
    ),
    "circle in REGION": (
        SKY_INDEX,
        f"{G} WHERE 1 = CONTAINS(POINT(ra, dec), REGION('CIRCLE ICRS 150 2 0.1'))",
    ),
    "intersects": (SKY_INDEX, f"{G} WHERE 1 = INTERSECTS(POINT(ra, dec), CIRCLE(150, 2, 0.1))"),
    "polygon": (
        SKY_INDEX,
        f"{G} WHERE 1 = CONTAINS(POINT(ra, dec), POLYGON(150, 2, 151, 2, 151, 3, 150, 3))",
    ),
    "box": (SKY_INDEX, f"{G} WHERE 1 = CONTAINS(POINT(ra, dec), BOX(150, 2, 1, 1))"),
    "distance": (SKY_INDEX, f"{G} WHERE DISTANCE(POINT(ra, dec), POINT(150, 2)) < 0.1"),
    "distance of four, turned": (SKY_INDEX, f"{G} WHERE 0.1 >= DISTANCE(150, 2, ra, dec)"),
    "nearest in a cone": (
        SKY_INDEX,
        "SELECT TOP 5 object_id, DISTANCE(ra, dec, 150, 2) AS d FROM galcat.galaxy "
        "WHERE DISTANCE(ra, dec, 150, 2) < 0.5 ORDER BY d",
    ),
    "cross-match by a circle": (
        SKY_INDEX,
        f"{G_AND_MINE} JOIN TAP_UPLOAD.mine AS m ON 1 = CONTAINS(POINT(g.ra, g.dec), CIRCLE(m.ra, m.dec, "
        "0.001))",
    ),
    "cross-match by a circle around galaxies": (
        SKY_INDEX,
        f"{G_AND_MINE} JOIN TAP_UPLOAD.mine AS m ON 1 = CONTAINS(POINT(m.ra, m.dec), CIRCLE(g.ra, g.dec, "
        "0.001))",
    ),
    "cross-match by distance": (
        SKY_INDEX,
        f"{G_AND_MINE}, TAP_UPLOAD.mine AS m WHERE DISTANCE(m.ra, m.dec, g.ra, g.dec) < 5 / 3600.0",
    ),
    "cross-match with a radius of its own": (
        SKY_INDEX,
        f"{G_AND_MINE} JOIN TAP_UPLOAD.mine AS m ON DISTANCE(POINT(g.ra, g.dec), POINT(m.ra, m.dec)) < m.x",
    ),
    "outer cross-match": (
        SKY_INDEX,
        "SELECT m.id, g.object_id FROM TAP_UPLOAD.mine AS m LEFT JOIN galcat.galaxy AS g "
        "ON 1 = CONTAINS(POINT(g.ra, g.dec), CIRCLE(m.ra, m.dec, 0.001))",
    ),
    "tiles' outlines": (
        SKY_INDEX,
        "SELECT t.name, g.object_id FROM galcat.tile AS t JOIN galcat.galaxy AS g "
        "ON 1 = CONTAINS(POINT(g.ra, g.dec), t.s_region)",
    ),
    "outlines as text": (
        SKY_INDEX,
        "SELECT o.obs_id, g.object_id FROM ivoa.obscore AS o, galcat.galaxy AS g "
        "WHERE 1 = INTERSECTS(POINT(g.ra, g.dec), o.s_region)",
    ),
    "boxes of an upload": (
        SKY_INDEX,
        f"{G_AND_MINE} JOIN TAP_UPLOAD.mine AS m ON 1 = CONTAINS(POINT(g.ra, g.dec), BOX(m.ra, m.dec, 1, 1))",
    ),
    "polygons of an upload": (
        SKY_INDEX,
        f"{G_AND_MINE}, TAP_UPLOAD.mine AS m WHERE 1 = CONTAINS(POINT(g.ra, g.dec), "
        "POLYGON(m.ra, m.dec, m.ra + 1, m.dec, m.ra, m.dec + 1))",
    ),
    "galaxies around galaxies": (
        SKY_INDEX,
        "SELECT a.object_id, b.object_id FROM galcat.galaxy AS a JOIN galcat.galaxy AS b "
        "ON 1 = CONTAINS(POINT(b.ra, b.dec), CIRCLE(a.ra, a.dec, 0.01)) WHERE a.object_id = {id}",
    ),
    "galaxies around galaxies, the other way": (
        SKY_INDEX,
        "SELECT a.object_id, b.object_id FROM galcat.galaxy AS a, galcat.galaxy AS b "
        "WHERE DISTANCE(a.ra, a.dec, b.ra, b.dec) < 0.01 AND a.object_id = {id}",
    ),
    "cone in a sub-query": (
        SKY_INDEX,
        "SELECT s.r FROM (SELECT ra AS r, object_id FROM galcat.galaxy "
        "WHERE 1 = CONTAINS(POINT(ra, dec), CIRCLE(150, 2, 0.1))) AS s",
    ),
    "an id": (ID_INDEX, f"{G} WHERE object_id = {{id}}"),
    "some ids": (ID_INDEX, f"{G} WHERE object_id IN ({{id}}, 2, 3)"),
    "bright ones": (MAGNITUDE_INDEX, f"{G} WHERE mag_r < 14.001"),
    "between": (MAGNITUDE_INDEX, f"{G} WHERE mag_r BETWEEN 14 AND 14.001"),
}


@pytest.fixture(scope="module")
def wide(postgres_url: str, schema_template: str) -> Iterator[AdqlCatalogue]:
    """A catalogue large enough that indexes are worth it."""
    with fresh_database(postgres_url, schema_template) as url, connect(url, autocommit=True) as connection:
        _, release_id = fill(connection, 10_000)
        build_search_index(connection, release_id)
        refresh_statistics(connection)
        yield become_stranger(connection)


def test_every_shape_uses_its_index(wide: AdqlCatalogue) -> None:
    identity = wide.rows("SELECT TOP 1 object_id FROM galcat.galaxy")[0][0]
    plans = {name: wide.plan(query.format(id=identity)) for name, (_, query) in SHAPES.items()}
    wrong = {name: plans[name] for name, (index, _) in SHAPES.items() if index not in plans[name]}
    assert not wrong, "\n\n".join(f"{name}:\n{text}" for name, text in wrong.items())


def test_the_cone_around_a_polygon_of_columns_is_worked_out_once_a_row(wide: AdqlCatalogue) -> None:
    for name in ("tiles' outlines", "outlines as text", "boxes of an upload", "polygons of an upload"):
        text = wide.translated(SHAPES[name][1]).query.as_string(None)
        assert text.count("galcat.polygon_cone(") == text.count("galcat.polygon_on_plane(") == 1
        assert "galcat.in_polygon(" not in text
        assert "polygon_cone" in text.split(" AS u OFFSET 0)")[0]


def test_a_cone_that_must_not_hold_is_no_index_condition(wide: AdqlCatalogue) -> None:
    assert SKY_INDEX not in wide.plan(f"{G} WHERE 0 = CONTAINS(POINT(ra, dec), CIRCLE(150.1, 2.2, 0.1))")


def test_a_search_for_what_looks_alike_is_part_of_no_plan(wide: AdqlCatalogue) -> None:
    identity = wide.rows("SELECT TOP 1 object_id FROM galcat.galaxy")[0][0]
    query = f"SELECT TOP 5 object_id FROM galcat.galaxy ORDER BY morph_distance(object_id, {identity})"
    assert len(wide.translated(query).searches) == 1
    assert ID_INDEX in wide.plan(query)
