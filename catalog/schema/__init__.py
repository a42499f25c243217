"""The tables and columns of schema `galcat` as Python names them: a typed mirror of `sql/` for SQLAlchemy.

`sql/` alone makes and changes the database, and a test compares the two in both directions. The statements
that write tiles, releases and versions of models, and those that find a release or a version by its columns,
are built from the mirror, so that a misspelt column fails before Postgres is asked;
`catalog.database.statements` runs them. All else is SQL as text: what copies rows, searches, joins, or calls
functions of the schema.
"""

from catalog.schema.labels import interest_offer, interest_round, interest_top, label, tag, task, task_version
from catalog.schema.metadata import metadata
from catalog.schema.releases import (
    attribute_axis,
    calibration,
    embedding,
    embedding_full,
    galaxy_change,
    morphology,
    neighbour_graph,
    neighbour_list,
    recall,
    release,
    release_map,
)
from catalog.schema.tiles import ingestion, skipped_row, sky_count, source, survey, thumbnail, tile
from catalog.schema.views import current_label, current_release, current_tag, galaxy, neighbour

__all__ = [
    "attribute_axis",
    "calibration",
    "current_label",
    "current_release",
    "current_tag",
    "embedding",
    "embedding_full",
    "galaxy",
    "galaxy_change",
    "ingestion",
    "interest_offer",
    "interest_round",
    "interest_top",
    "label",
    "metadata",
    "morphology",
    "neighbour",
    "neighbour_graph",
    "neighbour_list",
    "recall",
    "release",
    "release_map",
    "skipped_row",
    "sky_count",
    "source",
    "survey",
    "tag",
    "task",
    "task_version",
    "thumbnail",
    "tile",
]
