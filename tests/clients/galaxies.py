"""A catalogue that has some of everything: galaxies, pictures, a task's scores, labels, a source left out."""

import io
from dataclasses import replace

import numpy as np
import psycopg
from PIL import Image

from catalog.ingestion.records import SkipRecord, SurveyRecord
from catalog.ingestion.tile_rows import register_survey
from catalog.ingestion.writer import write_tile
from catalog.releases.releases import build_search_index, refresh_statistics, register_release
from catalog.tasks.labels import Label, write_labels
from catalog.tasks.tasks import add_task, show_task
from tests.catalog.galaxies import galaxy_rows, release_record, tile_record
from tests.catalog.tasks.scored_tasks import RING, write_random_scores

N = 2_000
SEED = 6


def fill_with_everything(connection: psycopg.Connection) -> None:
    """N galaxies of one tile, with their indexes."""
    release_id = register_release(connection, release_record())
    survey_id = register_survey(connection, SurveyRecord("survey", "made up", ("g", "r"), "toml"))
    rows = replace(galaxy_rows(N, SEED), jpegs=_jpegs(N))
    skip = SkipRecord(N, "too near the edge", "edge", "", will_retry=False)
    write_tile(connection, survey_id, release_id, tile_record(), rows, [skip])
    build_search_index(connection, release_id)
    add_task(connection, RING)
    show_task(connection, RING.name)
    write_random_scores(connection, RING)
    ids = [row[0] for row in connection.execute("SELECT object_id FROM galcat.source ORDER BY 1 LIMIT 3")]
    said = [Label(ids[0], "yes"), Label(ids[1], "no"), Label(ids[2], "no")]
    write_labels(connection, RING, said, "somebody", "cli")
    refresh_statistics(connection)


def _jpegs(n: int) -> list[bytes]:
    """Pictures of 8 x 8 pixels, of one colour each."""
    colours = np.random.default_rng(SEED).integers(0, 256, (n, 3))
    return [_jpeg(red, green, blue) for red, green, blue in colours.tolist()]


def _jpeg(red: int, green: int, blue: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), (red, green, blue)).save(file, "JPEG")
    return file.getvalue()
