"""What says whether the encoder can judge a galaxy is stored, shown, and asked for in SQL and ADQL."""

from dataclasses import replace

import numpy as np
import psycopg
import pytest

from catalog.adql.translate import translate
from catalog.errors import CatalogError
from catalog.ingestion.writer import write_tile
from catalog.tap.database.load_published import load_published
from tests.catalog.galaxies import fill, galaxy_rows, tile_record

FLAGS = np.array([0, 1, 8, 12, 0], np.int16)
DISTANCES = np.array([0.5, 0.75, 1.5, 2.0, 1.0], np.float32)


def test_both_columns_are_shown_and_null_where_nobody_looked(connection: psycopg.Connection) -> None:
    survey, release = fill(connection, 3)
    rows = replace(galaxy_rows(5, 2, "judged"), framing_flags=FLAGS, domain_distances=DISTANCES)
    write_tile(connection, survey, release, tile_record("judged"), rows, [])
    shown = connection.execute(
        "SELECT survey_source_id, framing_flag, domain_distance FROM galcat.galaxy ORDER BY 1"
    ).fetchall()
    judged = zip((f"judged{i}" for i in range(5)), FLAGS.tolist(), DISTANCES.tolist(), strict=True)
    assert shown == [*((f"g{i}", None, None) for i in range(3)), *judged]


def test_a_query_leaves_out_what_the_encoder_cannot_judge(connection: psycopg.Connection) -> None:
    survey, release = fill(connection, 3)
    rows = replace(galaxy_rows(5, 2, "judged"), framing_flags=FLAGS, domain_distances=DISTANCES)
    write_tile(connection, survey, release, tile_record("judged"), rows, [])
    adql = (
        "SELECT survey_source_id FROM galcat.galaxy WHERE framing_flag = 0 AND domain_distance <= 1 "
        "ORDER BY survey_source_id"
    )
    translated = translate(adql, load_published(connection))
    for query, parameters in ((adql.encode(), {}), (translated.query, translated.parameters)):
        found = connection.execute(query, parameters).fetchall()
        assert [row[0] for row in found] == ["judged0", "judged4"]


def test_columns_of_another_length_are_refused() -> None:
    with pytest.raises(CatalogError, match=r"framing_flag has shape \(5,\), not \(4,\)"):
        replace(galaxy_rows(4, 2), framing_flags=FLAGS)
    with pytest.raises(CatalogError, match=r"domain_distance has shape \(5,\), not \(4,\)"):
        replace(galaxy_rows(4, 2), domain_distances=DISTANCES)
